/**
 * The store in memory, for tests and simulations: the promises of every store, except that the disk goes with the
 * process. A disk can be given, to open a store again on what another one left.
 */

import type { MessageId } from '../../../shared/chat/entry.ts'
import type { StampedMessage } from '../../../shared/chat/message.ts'
import type { ClientId, ConversationId, UserId } from '../../../shared/sync/ids.ts'
import { assertCommits } from '../commit-rules.ts'
import type {
  ChainRow,
  ClaimRow,
  Commit,
  CommitOutcome,
  ConversationStore,
  DeletedRow,
  EntryRow,
  IdempotencyRow,
  MemberRow,
  PlaceRow,
  RecordRow,
  SeqRange,
  StoredHead,
} from '../conversation-store.ts'
import { type Run, runOf, RunWalk } from '../seq-run.ts'
import { StoreLife } from '../store-life.ts'
import { applyCommits, createMemoryDisk, idempotencyKey, type MemoryDisk, placeKey, type Rows } from './memory-disk.ts'

export interface MemoryStoreOptions {
  readonly disk?: MemoryDisk
  /** Awaited before anything is written: holds a commit while it is pending, and fails the store when it rejects. */
  readonly beforeCommit?: (commits: readonly Commit[]) => Promise<void>
}

export function createMemoryStore(options: MemoryStoreOptions = {}): ConversationStore {
  return new MemoryStore(options)
}

class MemoryStore implements ConversationStore {
  readonly #disk: MemoryDisk
  readonly #beforeCommit: MemoryStoreOptions['beforeCommit']
  readonly #life = new StoreLife()

  constructor({ disk = createMemoryDisk(), beforeCommit }: MemoryStoreOptions) {
    this.#disk = disk
    this.#beforeCommit = beforeCommit
  }

  async commit(commits: readonly Commit[]): Promise<readonly CommitOutcome[]> {
    return await this.#life.commit(async () => {
      assertCommits(commits)
      try {
        await this.#beforeCommit?.(commits)
      } catch (error) {
        throw this.#life.fail(error)
      }
      return applyCommits(this.#disk, commits)
    })
  }

  async head(conversation: ConversationId): Promise<StoredHead | undefined> {
    return this.#rows(conversation)?.head
  }

  async heads(conversations: readonly ConversationId[]): Promise<readonly (StoredHead | undefined)[]> {
    return conversations.map((conversation) => this.#rows(conversation)?.head)
  }

  async chains(conversation: ConversationId): Promise<readonly ChainRow[]> {
    return [...(this.#rows(conversation)?.chains.values() ?? [])].toSorted((a, b) => a.client - b.client)
  }

  async deleted(conversation: ConversationId): Promise<readonly DeletedRow[]> {
    return [...(this.#rows(conversation)?.deleted.values() ?? [])].toSorted((a, b) => a.client - b.client)
  }

  async *entriesNewestFirst(conversation: ConversationId, range: SeqRange = {}): AsyncGenerator<EntryRow> {
    const rows = this.#rows(conversation)
    if (rows?.head.kind !== 'head') return
    const run = runOf(range, rows.head.head.nextSeq)
    const walk = new RunWalk(run, 'descending', `conversation ${conversation}: log row`)
    yield* this.#walk(walk, numbered(rows.entries, run).toReversed(), ({ seq }) => seq)
  }

  async *records(conversation: ConversationId, fromClock: number): AsyncGenerator<RecordRow> {
    const rows = this.#rows(conversation)
    if (rows?.head.kind !== 'head') return
    const run = { from: fromClock, to: rows.head.head.nextRecord }
    const walk = new RunWalk(run, 'ascending', `conversation ${conversation}: record row`)
    yield* this.#walk(walk, numbered(rows.records, run), ({ clock }) => clock)
  }

  async places(
    conversation: ConversationId,
    client: ClientId,
    clocks: readonly number[],
  ): Promise<readonly (PlaceRow | undefined)[]> {
    const rows = this.#rows(conversation)
    return clocks.map((clock) => rows?.places.get(placeKey(client, clock)))
  }

  async messages(
    conversation: ConversationId,
    { limit, take, ...range }: SeqRange & { readonly limit: number; readonly take: 'newest' | 'oldest' },
  ): Promise<readonly StampedMessage[]> {
    const rows = this.#rows(conversation)
    if (rows === undefined || limit <= 0) return []
    const messages = numbered(rows.messages, runOf(range))
    return take === 'newest' ? messages.slice(-limit) : messages.slice(0, limit)
  }

  async message(conversation: ConversationId, seq: number): Promise<StampedMessage | undefined> {
    return this.#rows(conversation)?.messages.get(seq)
  }

  async claims(conversation: ConversationId, ids: readonly MessageId[]): Promise<readonly (ClaimRow | undefined)[]> {
    const rows = this.#rows(conversation)
    return ids.map((id) => rows?.claims.get(id))
  }

  async idempotency(conversation: ConversationId, user: UserId, key: string): Promise<IdempotencyRow | undefined> {
    return this.#rows(conversation)?.idempotency.get(idempotencyKey(user, key))
  }

  async members(conversation: ConversationId): Promise<readonly MemberRow[]> {
    return [...(this.#rows(conversation)?.members.values() ?? [])].toSorted((a, b) => (a.user < b.user ? -1 : 1))
  }

  async member(conversation: ConversationId, user: UserId): Promise<MemberRow | undefined> {
    return this.#rows(conversation)?.members.get(user)
  }

  async conversationsOf(user: UserId): Promise<readonly ConversationId[]> {
    this.#life.assertOpen()
    return [...this.#disk.conversations].filter(([, rows]) => rows.members.has(user)).map(([id]) => id)
  }

  async close(): Promise<void> {
    await this.#life.close(async () => {})
  }

  *#walk<T>(walk: RunWalk, rows: readonly T[], numberOf: (row: T) => number): Generator<T> {
    for (const row of rows) {
      this.#life.assertOpen()
      walk.step(numberOf(row))
      yield row
    }
    walk.end()
  }

  #rows(conversation: ConversationId): Rows | undefined {
    this.#life.assertOpen()
    return this.#disk.conversations.get(conversation)
  }
}

/** The rows of a run that are there, ascending, as they are now. */
function numbered<T>(rows: ReadonlyMap<number, T>, { from, to }: Run): T[] {
  return [...rows]
    .filter(([number]) => number >= from && number < to)
    .toSorted(([a], [b]) => a - b)
    .map(([, row]) => row)
}
