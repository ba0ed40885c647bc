/**
 * What of a conversation is on its way to the disk: what the next commit takes, and what the one in flight has taken.
 * Looks things up as they will be, so that what is judged now is judged upon what was accepted a moment ago.
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { InvitationId } from '../../shared/chat/invitation.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { ClaimRow, ConversationCommit, ConversationStore, EntryRow } from '../storage/conversation-store.ts'
import type { InvitationRow } from '../storage/people-rows.ts'
import { Staged } from './staged.ts'

const noMessages: ReadonlyMap<number, StampedMessage> = new Map()
const noEntries: ReadonlyMap<number, EntryRow> = new Map()

export class Uncommitted {
  readonly #store: ConversationStore
  readonly #id: ConversationId
  /** Made when something is staged: of most conversations nothing is. */
  #staged: Staged | undefined
  #inFlight: Staged | undefined
  /** Messages as the commit in flight writes them, by seq. */
  #written: ReadonlyMap<number, StampedMessage> = noMessages
  /** Rows of the log that it writes, by seq. */
  #entries: ReadonlyMap<number, EntryRow> = noEntries
  #settled = 0

  constructor(store: ConversationStore, id: ConversationId) {
    this.#store = store
    this.#id = id
  }

  /** What the next commit takes. */
  get staged(): Staged {
    return (this.#staged ??= new Staged())
  }

  /** Something waits for the next commit that the ledger does not know of. */
  get hasKeys(): boolean {
    const { idempotency = [], invitations, isUpgrade = false } = this.#staged ?? {}
    return idempotency.length > 0 || (invitations?.size ?? 0) > 0 || isUpgrade
  }

  get inFlight(): Staged | undefined {
    return this.#inFlight
  }

  get bytes(): number {
    return (this.#staged?.bytes ?? 0) + (this.#inFlight?.bytes ?? 0)
  }

  /** Counts what came to its end, on the disk or not: what was looked up before, there and here, need not fit together any more. */
  get settled(): number {
    return this.#settled
  }

  /** A commit takes what is staged, and is in flight until `settle`. */
  take(): Staged {
    const { staged } = this
    this.#staged = undefined
    this.#inFlight = staged
    return staged
  }

  /** The rows that were made of what was taken. */
  noteCommit({ messages, entries }: ConversationCommit): void {
    this.#written = new Map(messages.map((message) => [message.seq, message]))
    this.#entries = new Map(entries.map((row) => [row.seq, row]))
  }

  /** Rejects what waits for the next commit. */
  rejectStaged(reason: Error): void {
    this.#staged?.reject(reason)
    this.#staged = undefined
    this.#settled++
  }

  settle(): void {
    this.#inFlight = undefined
    this.#written = noMessages
    this.#entries = noEntries
    this.#settled++
  }

  /** What waited for a commit waited for nothing: all there was is durable already. */
  resolveStaged(): void {
    this.#staged?.resolve()
    this.#staged = undefined
  }

  /** The message at a seq as the commit in flight writes it. */
  written(seq: number): StampedMessage | undefined {
    return this.#written.get(seq)
  }

  /** The row of the log that the commit in flight writes. */
  writtenEntry(seq: number): EntryRow | undefined {
    return this.#entries.get(seq)
  }

  /** Seqs of the pieces of a message that are not durable. */
  pieces(id: MessageId): number[] {
    const pieces = [...(this.#inFlight?.pieces ?? []), ...(this.#staged?.pieces ?? [])]
    return pieces.filter((piece) => piece.id === id).map(({ seq }) => seq)
  }

  /** The claims on these ids that there are. */
  async claims(ids: readonly MessageId[]): Promise<Map<MessageId, ClaimRow>> {
    const claims = new Map<MessageId, ClaimRow>()
    const unknown: MessageId[] = []
    for (const id of ids) {
      const row = this.#staged?.claims.get(id) ?? this.#inFlight?.claims.get(id)
      if (row === undefined) unknown.push(id)
      else claims.set(id, row)
    }
    if (unknown.length === 0) return claims
    for (const row of await this.#store.claims(this.#id, unknown)) if (row !== undefined) claims.set(row.id, row)
    return claims
  }

  /** The invitations there are, those whose time is over included. */
  async invitations(): Promise<readonly InvitationRow[]> {
    // In flight first: what is read after it takes account of it, or it is laid over it.
    const later = [...(this.#inFlight?.invitations ?? []), ...(this.#staged?.invitations ?? [])]
    const rows = new Map<InvitationId, InvitationRow>()
    for (const row of await this.#store.invitations(this.#id)) rows.set(row.id, row)
    for (const [id, row] of later) rows.set(id, row)
    return [...rows.values()].filter(({ usesLeft }) => usesLeft !== 0)
  }

  /** Which message an Idempotency-Key made. */
  async idempotent(user: UserId, key: string): Promise<MessageId | undefined> {
    const isIt = (row: { readonly user: UserId; readonly key: string }): boolean => row.user === user && row.key === key
    const row = this.#staged?.idempotency.find(isIt) ?? this.#inFlight?.idempotency.find(isIt)
    return (row ?? (await this.#store.idempotency(this.#id, user, key)))?.id
  }
}
