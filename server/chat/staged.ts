/**
 * What the entries of one commit change, beside the log. When it will be is known only at the seal: until then messages
 * and what touches them are kept apart, and rows are made of both (`message-rows.ts`).
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { InvitationId } from '../../shared/chat/invitation.ts'
import { type Message, type StampedMessage, type StampedTouch, touchMessage } from '../../shared/chat/message.ts'
import type { ClientId, UserId } from '../../shared/sync/ids.ts'
import type {
  ClaimRow,
  EntryRow,
  EventRow,
  IdempotencyRow,
  MemberRow,
  PieceRow,
  PinRow,
  ReplyRow,
  SettingRow,
} from '../storage/conversation-store.ts'
import type { InvitationRow } from '../storage/people-rows.ts'
import type { Upgrade } from './upgrading.ts'

export interface Place {
  readonly client: ClientId
  readonly clock: number
  /** It is a piece of a stream. */
  readonly isPassing: boolean
}

/** A touch of the message at seq `of`. */
export interface PlacedTouch {
  readonly of: number
  readonly touch: Omit<StampedTouch, 'timeMs'>
}

export class Staged {
  /** New messages by seq, as they were written. */
  readonly messages = new Map<number, Message>()
  /** Older messages that are changed, as they are before it. */
  readonly bases = new Map<number, StampedMessage>()
  /** By ascending seq. */
  readonly touches: PlacedTouch[] = []
  /** Messages that are changed, as they will be but for the times. */
  readonly #drafts = new Map<number, Message>()
  readonly claims = new Map<MessageId, ClaimRow>()
  readonly members = new Map<UserId, MemberRow>()
  readonly settings = new Map<string, SettingRow>()
  readonly pins = new Map<MessageId, PinRow>()
  readonly pieces: PieceRow[] = []
  readonly replies: ReplyRow[] = []
  /** By ascending seq. */
  readonly events: Omit<EventRow, 'timeMs'>[] = []
  /** Of entries that may lose their bytes, by seq. */
  readonly places = new Map<number, Place>()
  readonly idempotency: IdempotencyRow[] = []
  readonly invitations = new Map<InvitationId, InvitationRow>()
  /** Seqs of entries that lose their bytes, of this commit and older ones. */
  readonly erased = new Set<number>()
  /** The older ones among them, without their bytes. */
  readonly erasedRows: EntryRow[] = []
  /** Older entries that are superseded, without their bytes. */
  readonly supersededRows: EntryRow[] = []
  /** Seqs of the messages that are redacted. */
  readonly redacted = new Set<number>()
  title: { readonly value: string | null } | undefined
  /** It writes what the conversation lacks from before there was an archive. */
  isUpgrade = false
  /** Something happened that makes the conversation newer. */
  isActivity = false
  bytes = 0
  /** Settles with the commit. */
  readonly durable: Promise<void>
  readonly resolve: () => void
  readonly reject: (reason: Error) => void

  constructor() {
    const settlers: { resolve?: () => void; reject?: (reason: Error) => void } = {}
    this.durable = new Promise<void>((resolve, reject) => Object.assign(settlers, { resolve, reject }))
    // Not every entry has somebody who waits for it.
    this.durable.catch(() => undefined)
    const { resolve, reject } = settlers
    if (resolve === undefined || reject === undefined) throw new Error('a promise without settlers')
    this.resolve = resolve
    this.reject = reject
  }

  upgrade({ settings, pins, pieces }: Upgrade): void {
    this.isUpgrade = true
    for (const row of settings) this.settings.set(row.key, row)
    for (const row of pins) this.pins.set(row.id, row)
    for (const row of pieces) this.pieces.push(row)
  }

  /** The message at a seq as it will be but for the times; undefined when this commit does not change it. */
  message(seq: number): Message | undefined {
    return this.#drafts.get(seq) ?? this.messages.get(seq)
  }

  /** Changes the message at seq `of`, which is one of this commit or `base`. */
  touch(of: number, touch: PlacedTouch['touch'], base: StampedMessage | undefined): void {
    const before = this.message(of) ?? base
    if (before === undefined) throw new Error('a touch of a message that was not looked up')
    if (this.message(of) === undefined && base !== undefined) this.bases.set(of, base)
    this.touches.push({ of, touch })
    this.#drafts.set(of, touchMessage(before, { ...touch, timeMs: 0 }))
  }
}
