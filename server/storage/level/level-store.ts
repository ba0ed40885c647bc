/**
 * The store on LevelDB: one process, one folder. Turns a call of `commit` into one atomic, synced batch, and queries
 * into gets and range scans. What keys are stands in keys.ts, what rows hold in rows.ts.
 */

import type { MessageId } from '../../../shared/chat/entry.ts'
import type { StampedMessage } from '../../../shared/chat/message.ts'
import type { ClientId, ConversationId, UserId } from '../../../shared/sync/ids.ts'
import { assertCommits, isMoved } from '../commit-rules.ts'
import {
  type ChainRow,
  type ClaimRow,
  type Commit,
  type CommitOutcome,
  type ConversationStore,
  type DamagedHead,
  type DeletedRow,
  type DroppedRow,
  type EntryRow,
  type Head,
  type IdempotencyRow,
  type InDoubt,
  type MemberRow,
  type PlaceRow,
  type RecordRow,
  type SeqRange,
  StoreError,
  type StoredHead,
} from '../conversation-store.ts'
import { type DamageOptions, Damages } from '../damages.ts'
import { type Run, runOf } from '../seq-run.ts'
import { StoreLife } from '../store-life.ts'
import { addDeletion, addWrites } from './batch.ts'
import { type Batch, type Database, getRowSync } from './database.ts'
import { decodeKey, encodeKey, inboxRange, numberedRange } from './keys.ts'
import { openAgain, openOrMake, type Place } from './opening.ts'
import { Reading } from './reading.ts'
import { type Doubt, resolveDoubt } from './recovery.ts'
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
  readMember,
  readMessage,
  readPlace,
  readRecord,
  writeGeneration,
} from './rows.ts'
import type { Row } from './seal.ts'

export interface LevelStoreOptions extends Place, DamageOptions {}

/**
 * Opens the store in a folder, or makes one where there is nothing. Throws StoreError `locked`, `damaged` or `failed`;
 * what was a store is never taken for a new one (SPEC STORE4).
 */
export async function openLevelStore(options: LevelStoreOptions): Promise<ConversationStore> {
  return levelStoreOn(await openOrMake(options), options)
}

/** The store on a database that is open. */
export function levelStoreOn(database: Database, options: LevelStoreOptions): ConversationStore {
  return new LevelStore(database, options)
}

class LevelStore implements ConversationStore {
  #database: Database
  readonly #place: Place
  readonly #life = new StoreLife()
  readonly #damages: Damages
  readonly #reading: Reading
  /** What the write that failed was to write. */
  #doubts: readonly Doubt[] = []

  constructor(database: Database, options: LevelStoreOptions) {
    this.#database = database
    this.#place = options
    this.#damages = new Damages(options)
    this.#reading = new Reading(this.#life, this.#damages, () => this.#database)
  }

  async commit(commits: readonly Commit[]): Promise<readonly CommitOutcome[]> {
    return await this.#life.commit(async () => await this.#write(commits))
  }

  async recover(): Promise<ReadonlyMap<ConversationId, InDoubt>> {
    return await this.#life.recover(async () => {
      await this.#database.close()
      this.#database = await openAgain(this.#place)
      try {
        const states = new Map<ConversationId, InDoubt>()
        for (const doubt of this.#doubts) {
          states.set(doubt.commit.conversation, await resolveDoubt(this.#database, doubt))
        }
        this.#doubts = []
        return states
      } catch (error) {
        await this.#database.close()
        throw error
      }
    })
  }

  condemn(conversation: ConversationId, what: string): StoreError {
    return this.#damages.condemn(conversation, what)
  }

  condemned(): ReadonlyMap<ConversationId, string> {
    return this.#damages.found()
  }

  async head(conversation: ConversationId): Promise<StoredHead | undefined> {
    const stored = await this.#reading.get({ kind: 'head', conversation }, readHead)
    if (stored === undefined) await this.#assertNoRecords(conversation)
    return stored
  }

  async heads(conversations: readonly ConversationId[]): Promise<readonly (StoredHead | DamagedHead | undefined)[]> {
    const keys = conversations.map((conversation) => ({ kind: 'head', conversation }) as const)
    return await this.#reading.getEach(keys, readHead)
  }

  async chains(conversation: ConversationId): Promise<readonly ChainRow[]> {
    return await this.#reading.list('chain', conversation, readChain)
  }

  async deleted(conversation: ConversationId): Promise<readonly DeletedRow[]> {
    return await this.#reading.list('deleted', conversation, readDeleted)
  }

  async dropped(
    conversation: ConversationId,
    clients: readonly ClientId[],
  ): Promise<readonly (DroppedRow | undefined)[]> {
    const keys = clients.map((client) => ({ kind: 'dropped', conversation, client }) as const)
    return await this.#reading.getMany(conversation, keys, readDropped)
  }

  entriesNewestFirst(conversation: ConversationId, range: SeqRange = {}): AsyncIterable<EntryRow> {
    const runIn = (head: Head): Run => runOf(range, head.nextSeq)
    const order = { kind: 'log', direction: 'descending', numberOf: ({ seq }: EntryRow): number => seq } as const
    return this.#reading.walk({ ...order, conversation, runIn, read: readEntry })
  }

  records(conversation: ConversationId, fromClock: number): AsyncIterable<RecordRow> {
    const runIn = (head: Head): Run => ({ from: fromClock, to: head.nextRecord })
    const order = { kind: 'record', direction: 'ascending', numberOf: ({ clock }: RecordRow): number => clock } as const
    return this.#reading.walk({ ...order, conversation, runIn, read: readRecord })
  }

  async places(
    conversation: ConversationId,
    client: ClientId,
    clocks: readonly number[],
  ): Promise<readonly (PlaceRow | undefined)[]> {
    const keys = clocks.map((clock) => ({ kind: 'place', conversation, client, clock }) as const)
    return await this.#reading.getMany(conversation, keys, readPlace)
  }

  async messages(
    conversation: ConversationId,
    query: SeqRange & { readonly limit: number; readonly take: 'newest' | 'oldest' },
  ): Promise<readonly StampedMessage[]> {
    const run = runOf(query)
    if (run.from >= run.to || query.limit <= 0) return []
    const reverse = query.take === 'newest'
    const range = numberedRange('message', conversation, run)
    const messages = await this.#reading.listRange(conversation, range, readMessage, { reverse, limit: query.limit })
    return reverse ? messages.toReversed() : messages
  }

  async message(conversation: ConversationId, seq: number): Promise<StampedMessage | undefined> {
    return await this.#reading.get({ kind: 'message', conversation, seq }, readMessage)
  }

  async claims(conversation: ConversationId, ids: readonly MessageId[]): Promise<readonly (ClaimRow | undefined)[]> {
    const keys = ids.map((id) => ({ kind: 'id', conversation, id }) as const)
    return await this.#reading.getMany(conversation, keys, readClaim)
  }

  async idempotency(conversation: ConversationId, user: UserId, key: string): Promise<IdempotencyRow | undefined> {
    return await this.#reading.get({ kind: 'idempotency', conversation, user, key }, readIdempotency)
  }

  async members(conversation: ConversationId): Promise<readonly MemberRow[]> {
    return await this.#reading.list('member', conversation, readMember)
  }

  async member(conversation: ConversationId, user: UserId): Promise<MemberRow | undefined> {
    return await this.#reading.get({ kind: 'member', conversation, user }, readMember)
  }

  async conversationsOf(user: UserId): Promise<readonly ConversationId[]> {
    const rows = await this.#reading.rowsIn(inboxRange(user))
    return rows.map((row) => this.#inboxRow(row)).filter((conversation) => conversation !== undefined)
  }

  async generation(): Promise<number> {
    return (await this.#reading.getOfStore({ kind: 'generation' }, readGeneration)) ?? 0
  }

  async markRestored(nowMs: number): Promise<number> {
    const generation = Math.max(nowMs, (await this.generation()) + 1)
    const { key, value } = writeGeneration(generation)
    await this.#life.commit(async () => {
      const batch = this.#database.batch()
      batch.put(key, value)
      await this.#sync(batch, [])
    })
    return generation
  }

  async close(): Promise<void> {
    await this.#life.close(async () => await this.#database.close())
  }

  /** One batch, one sync (SPEC STORE1). What is read first is of this process alone, for LevelDB locks the folder. */
  async #write(commits: readonly Commit[]): Promise<readonly CommitOutcome[]> {
    assertCommits(commits)
    const batch = this.#database.batch()
    try {
      const outcomes: CommitOutcome[] = []
      const doubts: Doubt[] = []
      for (const commit of commits) {
        const doubt = await this.#addCommit(batch, commit)
        if (doubt !== undefined) doubts.push(doubt)
        outcomes.push(doubt === undefined ? 'moved' : 'committed')
      }
      if (batch.length > 0) await this.#sync(batch, doubts)
      return outcomes
    } finally {
      await batch.close()
    }
  }

  /** Undefined, and nothing added, when it was made for another head. */
  async #addCommit(batch: Batch, commit: Commit): Promise<Doubt | undefined> {
    const { conversation, expectedRevision } = commit
    this.#damages.assertWhole(conversation)
    try {
      const row = getRowSync(this.#database, encodeKey({ kind: 'head', conversation }))
      const before = row === undefined ? undefined : readHead(row)
      if (before === undefined) await this.#assertNoRecords(conversation)
      if (isMoved(before, expectedRevision)) return undefined
      if (commit.kind === 'write') addWrites(batch, commit)
      else await addDeletion(batch, commit, this.#database)
      return { commit, before }
    } catch (error) {
      throw this.#damages.note(conversation, error)
    }
  }

  /** A conversation that lost its head is damaged, not new (SPEC STORE4). */
  async #assertNoRecords(conversation: ConversationId): Promise<void> {
    const first = await this.#reading.get({ kind: 'record', conversation, clock: 0 }, readRecord)
    if (first !== undefined) throw this.condemn(conversation, 'its head is missing')
  }

  async #sync(batch: Batch, doubts: readonly Doubt[]): Promise<void> {
    try {
      await batch.write({ sync: true })
    } catch (error) {
      this.#doubts = doubts
      throw this.#life.fail(error)
    }
  }

  /** Undefined for a damaged row: one conversation must not take a user's whole list along. */
  #inboxRow(row: Row): ConversationId | undefined {
    try {
      return readInbox(row)
    } catch (error) {
      const key = decodeKey(row.key)
      if (key?.kind !== 'inbox') throw error
      this.#damages.note(key.conversation, error)
      return undefined
    }
  }
}
