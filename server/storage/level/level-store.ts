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
  type DeletedRow,
  type EntryRow,
  type Head,
  type IdempotencyRow,
  type MemberRow,
  type PlaceRow,
  type RecordRow,
  type SeqRange,
  StoreError,
  type StoredHead,
} from '../conversation-store.ts'
import { type Run, runOf, RunWalk } from '../seq-run.ts'
import { StoreLife } from '../store-life.ts'
import { addDeletion, addWrites } from './batch.ts'
import { type Batch, type Database, getRows, getRowSync, openDatabase, scan, type ScanOptions } from './database.ts'
import { prepareFolder, unmarkFolder } from './folder.ts'
import { encodeKey, inboxRange, type Key, type KeyRange, numberedRange, rangeOf } from './keys.ts'
import {
  readChain,
  readClaim,
  readDeleted,
  readEntry,
  readFormat,
  readHead,
  readIdempotency,
  readInbox,
  readMember,
  readMessage,
  readPlace,
  readRecord,
  writeFormat,
} from './rows.ts'
import type { Row } from './seal.ts'

/** Version of the format of keys and rows. */
const formatVersion = 1

/**
 * Opens the store in a folder, or makes one where there is nothing. Throws StoreError `locked`, `damaged` or `failed`;
 * what was a store is never taken for a new one (SPEC STORE4).
 */
export async function openLevelStore({ location }: { readonly location: string }): Promise<ConversationStore> {
  try {
    const folder = await prepareFolder(location)
    const database = await openDatabase(location, { createIfMissing: folder === 'new' })
    try {
      await checkFormat(database, location, folder)
      if (folder === 'new') await unmarkFolder(location)
    } catch (error) {
      await database.close()
      throw error
    }
    return new LevelStore(database)
  } catch (cause) {
    if (cause instanceof StoreError) throw cause
    throw new StoreError('failed', `the store in ${location} could not be opened`, { cause })
  }
}

async function checkFormat(database: Database, location: string, folder: 'new' | 'existing'): Promise<void> {
  const row = getRowSync(database, encodeKey({ kind: 'format' }))
  if (row === undefined) {
    if (folder === 'existing') throw new StoreError('damaged', `${location} holds a database, but no store`)
    const { key, value } = writeFormat(formatVersion)
    await database.put(key, value, { sync: true })
    return
  }
  const version = readFormat(row)
  if (version !== formatVersion) {
    const text = `the store in ${location} has format ${version}; this program reads format ${formatVersion}`
    throw new StoreError('failed', text)
  }
}

class LevelStore implements ConversationStore {
  readonly #database: Database
  readonly #life = new StoreLife()

  constructor(database: Database) {
    this.#database = database
  }

  async commit(commits: readonly Commit[]): Promise<readonly CommitOutcome[]> {
    return await this.#life.commit(async () => await this.#write(commits))
  }

  async head(conversation: ConversationId): Promise<StoredHead | undefined> {
    return await this.#get({ kind: 'head', conversation }, readHead)
  }

  async heads(conversations: readonly ConversationId[]): Promise<readonly (StoredHead | undefined)[]> {
    return await this.#getMany(
      conversations.map((conversation) => ({ kind: 'head', conversation })),
      readHead,
    )
  }

  async chains(conversation: ConversationId): Promise<readonly ChainRow[]> {
    return await this.#list(rangeOf('chain', conversation), readChain)
  }

  async deleted(conversation: ConversationId): Promise<readonly DeletedRow[]> {
    return await this.#list(rangeOf('deleted', conversation), readDeleted)
  }

  entriesNewestFirst(conversation: ConversationId, range: SeqRange = {}): AsyncIterable<EntryRow> {
    const runIn = (head: Head): Run => runOf(range, head.nextSeq)
    return this.#walk({ kind: 'log', conversation, runIn, direction: 'descending' }, readEntry, ({ seq }) => seq)
  }

  records(conversation: ConversationId, fromClock: number): AsyncIterable<RecordRow> {
    const runIn = (head: Head): Run => ({ from: fromClock, to: head.nextRecord })
    return this.#walk({ kind: 'record', conversation, runIn, direction: 'ascending' }, readRecord, ({ clock }) => clock)
  }

  async places(
    conversation: ConversationId,
    client: ClientId,
    clocks: readonly number[],
  ): Promise<readonly (PlaceRow | undefined)[]> {
    return await this.#getMany(
      clocks.map((clock) => ({ kind: 'place', conversation, client, clock })),
      readPlace,
    )
  }

  async messages(
    conversation: ConversationId,
    query: SeqRange & { readonly limit: number; readonly take: 'newest' | 'oldest' },
  ): Promise<readonly StampedMessage[]> {
    const run = runOf(query)
    if (run.from >= run.to || query.limit <= 0) return []
    const reverse = query.take === 'newest'
    const range = numberedRange('message', conversation, run)
    const messages = await this.#list(range, readMessage, { reverse, limit: query.limit })
    return reverse ? messages.toReversed() : messages
  }

  async message(conversation: ConversationId, seq: number): Promise<StampedMessage | undefined> {
    return await this.#get({ kind: 'message', conversation, seq }, readMessage)
  }

  async claims(conversation: ConversationId, ids: readonly MessageId[]): Promise<readonly (ClaimRow | undefined)[]> {
    return await this.#getMany(
      ids.map((id) => ({ kind: 'id', conversation, id })),
      readClaim,
    )
  }

  async idempotency(conversation: ConversationId, user: UserId, key: string): Promise<IdempotencyRow | undefined> {
    return await this.#get({ kind: 'idempotency', conversation, user, key }, readIdempotency)
  }

  async members(conversation: ConversationId): Promise<readonly MemberRow[]> {
    return await this.#list(rangeOf('member', conversation), readMember)
  }

  async member(conversation: ConversationId, user: UserId): Promise<MemberRow | undefined> {
    return await this.#get({ kind: 'member', conversation, user }, readMember)
  }

  async conversationsOf(user: UserId): Promise<readonly ConversationId[]> {
    return await this.#list(inboxRange(user), readInbox)
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
      for (const commit of commits) {
        if (isMoved(this.#currentHead(commit.conversation), commit.expectedRevision)) {
          outcomes.push('moved')
          continue
        }
        if (commit.kind === 'write') addWrites(batch, commit)
        else await addDeletion(batch, commit, this.#database)
        outcomes.push('committed')
      }
      if (batch.length > 0) await this.#sync(batch)
      return outcomes
    } finally {
      await batch.close()
    }
  }

  async #sync(batch: Batch): Promise<void> {
    try {
      await batch.write({ sync: true })
    } catch (error) {
      throw this.#life.fail(error)
    }
  }

  #currentHead(conversation: ConversationId): StoredHead | undefined {
    const row = getRowSync(this.#database, encodeKey({ kind: 'head', conversation }))
    return row === undefined ? undefined : readHead(row)
  }

  async #get<T>(key: Key, read: (row: Row) => T): Promise<T | undefined> {
    const [value] = await this.#getMany([key], read)
    return value
  }

  async #getMany<T>(keys: readonly Key[], read: (row: Row) => T): Promise<(T | undefined)[]> {
    this.#life.assertOpen()
    const rows = await getRows(this.#database, keys.map(encodeKey))
    return rows.map((row) => (row === undefined ? undefined : read(row)))
  }

  async #list<T>(range: KeyRange, read: (row: Row) => T, options?: ScanOptions): Promise<T[]> {
    this.#life.assertOpen()
    const list: T[] = []
    for await (const rows of scan(this.#database, range, options)) for (const row of rows) list.push(read(row))
    return list
  }

  /** Reads a run of numbered rows that lack nothing, up to where the head says that they end (SPEC STORE3). */
  async *#walk<T>(
    { kind, conversation, runIn, direction }: Walk,
    read: (row: Row) => T,
    numberOf: (content: T) => number,
  ): AsyncGenerator<T> {
    this.#life.assertOpen()
    const snapshot = this.#database.snapshot()
    try {
      const [headRow] = await getRows(this.#database, [encodeKey({ kind: 'head', conversation })], snapshot)
      const stored = headRow === undefined ? undefined : readHead(headRow)
      if (stored?.kind !== 'head') return
      const run = runIn(stored.head)
      if (run.from >= run.to) return
      const walk = new RunWalk(run, direction, `conversation ${conversation}: ${kind} row`)
      const range = numberedRange(kind, conversation, run)
      for await (const rows of scan(this.#database, range, { reverse: direction === 'descending', snapshot })) {
        for (const row of rows) {
          const content = read(row)
          walk.step(numberOf(content))
          yield content
        }
      }
      walk.end()
    } finally {
      await snapshot.close()
    }
  }
}

interface Walk {
  readonly kind: 'log' | 'record'
  readonly conversation: ConversationId
  readonly runIn: (head: Head) => Run
  readonly direction: 'ascending' | 'descending'
}
