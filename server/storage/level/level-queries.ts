/**
 * What a LevelDB store is asked: each query is a get or a scan of a range. What keys are stands in keys.ts, what rows hold
 * in rows.ts.
 */

import type { MessageId } from '../../../shared/chat/entry.ts'
import type { StampedMessage } from '../../../shared/chat/message.ts'
import type { ClientId, ConversationId, UserId } from '../../../shared/sync/ids.ts'
import type {
  ChainRow,
  ClaimRow,
  DamagedHead,
  DeletedRow,
  DroppedRow,
  EntryRow,
  EventRow,
  Head,
  IdempotencyRow,
  MemberRow,
  PinRow,
  PlaceRow,
  RecordRow,
  SeqRange,
  SettingRow,
  StoredHead,
  TouchedRow,
} from '../conversation-store.ts'
import { isDamage, type StoreError } from '../conversation-store.ts'
import type { Damages } from '../damages.ts'
import type { InvitationRow, ProfileRow } from '../people-rows.ts'
import { recordRuns, type Run, runOf } from '../seq-run.ts'
import { decodeKey, inboxRange, numberedRange, pieceRange, rangeOf, replyRange, settingRange } from './keys.ts'
import { readMember } from './member-rows.ts'
import { readInvitation, readProfile } from './people-rows.ts'
import type { Reading } from './reading.ts'
import {
  readChain,
  readClaim,
  readDeleted,
  readDropped,
  readEntry,
  readGeneration,
  readHead,
  readIdempotency,
  readInbox,
  readMessage,
  readPlace,
  readRecord,
} from './rows.ts'
import type { Row } from './seal.ts'
import { readEvent, readPiece, readPin, readReply, readSetting, readTouched } from './touch-rows.ts'

export class LevelQueries {
  protected readonly reading: Reading
  protected readonly damages: Damages

  constructor(reading: Reading, damages: Damages) {
    this.reading = reading
    this.damages = damages
  }

  async head(conversation: ConversationId): Promise<StoredHead | undefined> {
    const stored = await this.#headRow(conversation)
    if (stored !== undefined) return stored
    const first = await this.reading.get({ kind: 'record', conversation, clock: 0 }, readRecord)
    if (first === undefined) return undefined
    // It may have begun between the two looks: its head came in one batch with that record.
    const begun = await this.#headRow(conversation)
    if (begun === undefined) throw this.lostHead(conversation)
    return begun
  }

  async heads(conversations: readonly ConversationId[]): Promise<readonly (StoredHead | DamagedHead | undefined)[]> {
    const keys = conversations.map((conversation) => ({ kind: 'head', conversation }) as const)
    return await this.reading.getEach(keys, readHead)
  }

  async chains(conversation: ConversationId): Promise<readonly ChainRow[]> {
    return await this.reading.list('chain', conversation, readChain)
  }

  async deleted(conversation: ConversationId): Promise<readonly DeletedRow[]> {
    return await this.reading.list('deleted', conversation, readDeleted)
  }

  async dropped(
    conversation: ConversationId,
    clients: readonly ClientId[],
  ): Promise<readonly (DroppedRow | undefined)[]> {
    const keys = clients.map((client) => ({ kind: 'dropped', conversation, client }) as const)
    return await this.reading.getMany(conversation, keys, readDropped)
  }

  entriesNewestFirst(conversation: ConversationId, range: SeqRange = {}): AsyncIterable<EntryRow> {
    const runsIn = (head: Head): readonly Run[] => [runOf(range, head.nextSeq)]
    const order = { kind: 'log', direction: 'descending', numberOf: ({ seq }: EntryRow): number => seq } as const
    return this.reading.walk({ ...order, conversation, runsIn, read: readEntry })
  }

  records(conversation: ConversationId, { from, to }: Run): AsyncIterable<RecordRow> {
    const runsIn = (head: Head): readonly Run[] => recordRuns(head, { from, to })
    const order = { kind: 'record', direction: 'ascending', numberOf: ({ clock }: RecordRow): number => clock } as const
    return this.reading.walk({ ...order, conversation, runsIn, read: readRecord })
  }

  async places(
    conversation: ConversationId,
    client: ClientId,
    clocks: readonly number[],
  ): Promise<readonly (PlaceRow | undefined)[]> {
    const keys = clocks.map((clock) => ({ kind: 'place', conversation, client, clock }) as const)
    return await this.reading.getMany(conversation, keys, readPlace)
  }

  async messages(
    conversation: ConversationId,
    query: SeqRange & { readonly limit: number; readonly take: 'newest' | 'oldest' },
  ): Promise<readonly StampedMessage[]> {
    const run = runOf(query)
    if (run.from >= run.to || query.limit <= 0) return []
    const reverse = query.take === 'newest'
    const range = numberedRange('message', conversation, run)
    const messages = await this.reading.listRange(conversation, range, readMessage, { reverse, limit: query.limit })
    return reverse ? messages.toReversed() : messages
  }

  async message(conversation: ConversationId, seq: number): Promise<StampedMessage | undefined> {
    return await this.reading.get({ kind: 'message', conversation, seq }, readMessage)
  }

  async messagesAt(
    conversation: ConversationId,
    seqs: readonly number[],
  ): Promise<readonly (StampedMessage | undefined)[]> {
    const keys = seqs.map((seq) => ({ kind: 'message', conversation, seq }) as const)
    return await this.reading.getMany(conversation, keys, readMessage)
  }

  async touched(
    conversation: ConversationId,
    { after, limit }: { readonly after: number; readonly limit: number },
  ): Promise<readonly TouchedRow[]> {
    if (limit <= 0) return []
    const range = numberedRange('touched', conversation, runOf({ after }))
    return await this.reading.listRange(conversation, range, readTouched, { limit })
  }

  async pieces(conversation: ConversationId, id: MessageId): Promise<readonly number[]> {
    const rows = await this.reading.listRange(conversation, pieceRange(conversation, id), readPiece)
    return rows.map(({ seq }) => seq)
  }

  async replies(
    conversation: ConversationId,
    root: MessageId,
    query: SeqRange & { readonly limit: number; readonly take: 'newest' | 'oldest' },
  ): Promise<readonly number[]> {
    const run = runOf(query)
    if (run.from >= run.to || query.limit <= 0) return []
    const reverse = query.take === 'newest'
    const range = replyRange(conversation, root, run)
    const rows = await this.reading.listRange(conversation, range, readReply, { reverse, limit: query.limit })
    const seqs = rows.map(({ seq }) => seq)
    return reverse ? seqs.toReversed() : seqs
  }

  async events(
    conversation: ConversationId,
    query: SeqRange & { readonly limit: number; readonly take: 'newest' | 'oldest' },
  ): Promise<readonly EventRow[]> {
    const run = runOf(query)
    if (run.from >= run.to || query.limit <= 0) return []
    const reverse = query.take === 'newest'
    const range = numberedRange('event', conversation, run)
    const events = await this.reading.listRange(conversation, range, readEvent, { reverse, limit: query.limit })
    return reverse ? events.toReversed() : events
  }

  async settings(conversation: ConversationId, prefix = ''): Promise<readonly SettingRow[]> {
    return await this.reading.listRange(conversation, settingRange(conversation, prefix), readSetting)
  }

  async pins(conversation: ConversationId): Promise<readonly PinRow[]> {
    return await this.reading.list('pin', conversation, readPin)
  }

  async claims(conversation: ConversationId, ids: readonly MessageId[]): Promise<readonly (ClaimRow | undefined)[]> {
    const keys = ids.map((id) => ({ kind: 'id', conversation, id }) as const)
    return await this.reading.getMany(conversation, keys, readClaim)
  }

  async idempotency(conversation: ConversationId, user: UserId, key: string): Promise<IdempotencyRow | undefined> {
    return await this.reading.get({ kind: 'idempotency', conversation, user, key }, readIdempotency)
  }

  async members(conversation: ConversationId, limit?: number): Promise<readonly MemberRow[]> {
    const options = limit === undefined ? {} : { limit }
    return await this.reading.listRange(conversation, rangeOf('member', conversation), readMember, options)
  }

  async member(conversation: ConversationId, user: UserId): Promise<MemberRow | undefined> {
    return await this.reading.get({ kind: 'member', conversation, user }, readMember)
  }

  async conversationsOf(user: UserId): Promise<readonly ConversationId[]> {
    const rows = await this.reading.rowsIn(inboxRange(user))
    return rows.map((row) => this.#inboxRow(row)).filter((conversation) => conversation !== undefined)
  }

  async invitations(conversation: ConversationId): Promise<readonly InvitationRow[]> {
    return await this.reading.list('invitation', conversation, readInvitation)
  }

  async profiles(users: readonly UserId[]): Promise<readonly (ProfileRow | 'damaged' | undefined)[]> {
    const rows = await this.reading.rowsAt(users.map((user) => ({ kind: 'profile', user }) as const))
    return rows.map((row) => (row === undefined ? undefined : profileIn(row)))
  }

  async generation(): Promise<number> {
    return (await this.reading.getOfStore({ kind: 'generation' }, readGeneration)) ?? 0
  }

  /** A conversation that lost its head is damaged, not new (SPEC STORE4). */
  protected lostHead(conversation: ConversationId): StoreError {
    return this.damages.condemn(conversation, 'its head is missing')
  }

  async #headRow(conversation: ConversationId): Promise<StoredHead | undefined> {
    return await this.reading.get({ kind: 'head', conversation }, readHead)
  }

  /** Undefined for a damaged row: one conversation must not take a user's whole list along. */
  #inboxRow(row: Row): ConversationId | undefined {
    try {
      return readInbox(row)
    } catch (error) {
      const key = decodeKey(row.key)
      if (key?.kind !== 'inbox') throw error
      this.damages.note(key.conversation, error)
      return undefined
    }
  }
}

/** One profile that cannot be read must not take a list of people along; `parley verify` tells of it. */
function profileIn(row: Row): ProfileRow | 'damaged' {
  try {
    return readProfile(row)
  } catch (error) {
    if (!isDamage(error)) throw error
    return 'damaged'
  }
}
