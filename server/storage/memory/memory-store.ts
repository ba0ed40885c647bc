/**
 * The store in memory, for tests and simulations: the promises of every store, except that the disk goes with the
 * process. A disk can be given, to open a store again on what another one left.
 */

import type { MessageId } from '../../../shared/chat/entry.ts'
import type { StampedMessage } from '../../../shared/chat/message.ts'
import type { ClientId, ConversationId, UserId } from '../../../shared/sync/ids.ts'
import { assertCommits, isMoved } from '../commit-rules.ts'
import type {
  ChainRow,
  ClaimRow,
  Commit,
  CommitOutcome,
  ConversationStore,
  DamagedHead,
  DeletedRow,
  DroppedRow,
  EntryRow,
  EventRow,
  IdempotencyRow,
  InDoubt,
  MemberRow,
  PinRow,
  PlaceRow,
  RecordRow,
  SeqRange,
  SettingRow,
  StoredHead,
  StoreError,
  TouchedRow,
} from '../conversation-store.ts'
import { type DamageOptions, Damages } from '../damages.ts'
import type { InvitationRow, ProfileRow } from '../people-rows.ts'
import { recordRuns, type Run, runOf, RunWalk } from '../seq-run.ts'
import { StoreLife } from '../store-life.ts'
import { applyCommits, createMemoryDisk, idempotencyKey, type MemoryDisk, placeKey, type Rows } from './memory-disk.ts'

export interface MemoryStoreOptions extends DamageOptions {
  readonly disk?: MemoryDisk
  /** Awaited before anything is written: holds a commit while it is pending, and fails the store when it rejects. */
  readonly beforeCommit?: (commits: readonly Commit[]) => Promise<void>
  /** Awaited when everything is written: fails the store all the same when it rejects. */
  readonly afterCommit?: (commits: readonly Commit[]) => Promise<void>
  /** Awaited when the store is to be opened again: it cannot be when it rejects. */
  readonly beforeRecovery?: () => Promise<void>
}

export function createMemoryStore(options: MemoryStoreOptions = {}): ConversationStore {
  return new MemoryStore(options)
}

class MemoryStore implements ConversationStore {
  readonly #disk: MemoryDisk
  readonly #beforeCommit: MemoryStoreOptions['beforeCommit']
  readonly #afterCommit: MemoryStoreOptions['afterCommit']
  readonly #beforeRecovery: MemoryStoreOptions['beforeRecovery']
  readonly #life = new StoreLife()
  readonly #damages: Damages
  /** The commits of the write that failed, those that moved left out. */
  #doubted: readonly { readonly commit: Commit; readonly state: InDoubt }[] = []

  constructor({ disk = createMemoryDisk(), ...options }: MemoryStoreOptions) {
    this.#disk = disk
    this.#beforeCommit = options.beforeCommit
    this.#afterCommit = options.afterCommit
    this.#beforeRecovery = options.beforeRecovery
    this.#damages = new Damages(options)
  }

  async commit(commits: readonly Commit[]): Promise<readonly CommitOutcome[]> {
    return await this.#life.commit(async () => {
      assertCommits(commits)
      for (const { conversation } of commits) this.#damages.assertWhole(conversation)
      await this.#orFail(commits, 'before', this.#beforeCommit)
      const outcomes = applyCommits(this.#disk, commits)
      const written = commits.filter((_commit, index) => outcomes[index] === 'committed')
      await this.#orFail(written, 'after', this.#afterCommit)
      return outcomes
    })
  }

  async recover(): Promise<ReadonlyMap<ConversationId, InDoubt>> {
    return await this.#life.recover(async () => {
      await this.#beforeRecovery?.()
      const states = new Map(this.#doubted.map(({ commit, state }) => [commit.conversation, state]))
      this.#doubted = []
      return states
    })
  }

  condemn(conversation: ConversationId, what: string): StoreError {
    return this.#damages.condemn(conversation, what)
  }

  condemned(): ReadonlyMap<ConversationId, string> {
    return this.#damages.found()
  }

  async #orFail(commits: readonly Commit[], state: InDoubt, hook: MemoryStoreOptions['beforeCommit']): Promise<void> {
    try {
      await hook?.(commits)
    } catch (error) {
      this.#doubted = commits
        .filter(({ conversation, expectedRevision }) => {
          return state === 'after' || !isMoved(this.#disk.conversations.get(conversation)?.head, expectedRevision)
        })
        .map((commit) => ({ commit, state }))
      throw this.#life.fail(error)
    }
  }

  async head(conversation: ConversationId): Promise<StoredHead | undefined> {
    return this.#rows(conversation)?.head
  }

  async heads(conversations: readonly ConversationId[]): Promise<readonly (StoredHead | DamagedHead | undefined)[]> {
    const isDamaged = (conversation: ConversationId): boolean => this.#damages.found().has(conversation)
    return conversations.map((id) => (isDamaged(id) ? { kind: 'damaged' } : this.#rows(id)?.head))
  }

  async chains(conversation: ConversationId): Promise<readonly ChainRow[]> {
    return [...(this.#rows(conversation)?.chains.values() ?? [])].toSorted((a, b) => a.client - b.client)
  }

  async deleted(conversation: ConversationId): Promise<readonly DeletedRow[]> {
    return [...(this.#rows(conversation)?.deleted.values() ?? [])].toSorted((a, b) => a.client - b.client)
  }

  async dropped(
    conversation: ConversationId,
    clients: readonly ClientId[],
  ): Promise<readonly (DroppedRow | undefined)[]> {
    const rows = this.#rows(conversation)
    return clients.map((client) => rows?.dropped.get(client))
  }

  async *entriesNewestFirst(conversation: ConversationId, range: SeqRange = {}): AsyncGenerator<EntryRow> {
    const rows = this.#rows(conversation)
    if (rows?.head.kind !== 'head') return
    const run = runOf(range, rows.head.head.nextSeq)
    const walk = new RunWalk(run, 'descending', 'log', conversation)
    yield* this.#walk(conversation, walk, numbered(rows.entries, run).toReversed(), ({ seq }) => seq)
  }

  async *records(conversation: ConversationId, { from, to }: Run): AsyncGenerator<RecordRow> {
    const rows = this.#rows(conversation)
    if (rows?.head.kind !== 'head') return
    for (const run of recordRuns(rows.head.head, { from, to })) {
      const walk = new RunWalk(run, 'ascending', 'record', conversation)
      yield* this.#walk(conversation, walk, numbered(rows.records, run), ({ clock }) => clock)
    }
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

  async messagesAt(
    conversation: ConversationId,
    seqs: readonly number[],
  ): Promise<readonly (StampedMessage | undefined)[]> {
    const rows = this.#rows(conversation)
    return seqs.map((seq) => rows?.messages.get(seq))
  }

  async touched(
    conversation: ConversationId,
    { after, limit }: { readonly after: number; readonly limit: number },
  ): Promise<readonly TouchedRow[]> {
    const rows = this.#rows(conversation)
    return rows === undefined ? [] : numbered(rows.touched, runOf({ after })).slice(0, Math.max(0, limit))
  }

  async pieces(conversation: ConversationId, id: MessageId): Promise<readonly number[]> {
    const rows = [...(this.#rows(conversation)?.pieces.values() ?? [])]
    return rows.flatMap((row) => (row.id === id ? [row.seq] : [])).toSorted((a, b) => a - b)
  }

  async replies(
    conversation: ConversationId,
    root: MessageId,
    { limit, take, ...range }: SeqRange & { readonly limit: number; readonly take: 'newest' | 'oldest' },
  ): Promise<readonly number[]> {
    const rows = this.#rows(conversation)
    if (rows === undefined || limit <= 0) return []
    const seqs = numbered(rows.replies, runOf(range)).flatMap((row) => (row.root === root ? [row.seq] : []))
    return take === 'newest' ? seqs.slice(-limit) : seqs.slice(0, limit)
  }

  async events(
    conversation: ConversationId,
    { limit, take, ...range }: SeqRange & { readonly limit: number; readonly take: 'newest' | 'oldest' },
  ): Promise<readonly EventRow[]> {
    const rows = this.#rows(conversation)
    if (rows === undefined || limit <= 0) return []
    const events = numbered(rows.events, runOf(range))
    return take === 'newest' ? events.slice(-limit) : events.slice(0, limit)
  }

  async settings(conversation: ConversationId, prefix = ''): Promise<readonly SettingRow[]> {
    const rows = [...(this.#rows(conversation)?.settings.values() ?? [])].filter(({ key }) => key.startsWith(prefix))
    return rows.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  }

  async pins(conversation: ConversationId): Promise<readonly PinRow[]> {
    return [...(this.#rows(conversation)?.pins.values() ?? [])].toSorted((a, b) => (a.id < b.id ? -1 : 1))
  }

  async claims(conversation: ConversationId, ids: readonly MessageId[]): Promise<readonly (ClaimRow | undefined)[]> {
    const rows = this.#rows(conversation)
    return ids.map((id) => rows?.claims.get(id))
  }

  async idempotency(conversation: ConversationId, user: UserId, key: string): Promise<IdempotencyRow | undefined> {
    return this.#rows(conversation)?.idempotency.get(idempotencyKey(user, key))
  }

  async members(conversation: ConversationId, limit?: number): Promise<readonly MemberRow[]> {
    const rows = [...(this.#rows(conversation)?.members.values() ?? [])].toSorted((a, b) => (a.user < b.user ? -1 : 1))
    return rows.slice(0, limit)
  }

  async member(conversation: ConversationId, user: UserId): Promise<MemberRow | undefined> {
    return this.#rows(conversation)?.members.get(user)
  }

  async conversationsOf(user: UserId): Promise<readonly ConversationId[]> {
    this.#life.assertReadable()
    return [...this.#disk.conversations].filter(([, rows]) => rows.members.has(user)).map(([id]) => id)
  }

  async invitations(conversation: ConversationId): Promise<readonly InvitationRow[]> {
    return [...(this.#rows(conversation)?.invitations.values() ?? [])].toSorted((a, b) => (a.id < b.id ? -1 : 1))
  }

  async profiles(users: readonly UserId[]): Promise<readonly (ProfileRow | undefined)[]> {
    this.#life.assertReadable()
    return users.map((user) => this.#disk.profiles.get(user))
  }

  async putProfile(row: ProfileRow): Promise<void> {
    await this.#life.beside(async () => {
      await this.#beforeCommit?.([])
      this.#disk.profiles.set(row.user, row)
      await this.#afterCommit?.([])
    })
  }

  async removeProfile(user: UserId): Promise<void> {
    await this.#life.beside(async () => {
      await this.#beforeCommit?.([])
      this.#disk.profiles.delete(user)
      await this.#afterCommit?.([])
    })
  }

  async generation(): Promise<number> {
    this.#life.assertReadable()
    return this.#disk.generation
  }

  async markRestored(nowMs: number): Promise<number> {
    return await this.#life.commit(async () => {
      this.#disk.generation = Math.max(nowMs, this.#disk.generation + 1)
      return this.#disk.generation
    })
  }

  /** Memory keeps no earlier versions. */
  async erased(): Promise<void> {
    this.#life.assertReadable()
  }

  async close(): Promise<void> {
    await this.#life.close(async () => {})
  }

  *#walk<T>(
    conversation: ConversationId,
    walk: RunWalk,
    rows: readonly T[],
    numberOf: (row: T) => number,
  ): Generator<T> {
    try {
      for (const row of rows) {
        this.#life.assertReadable()
        walk.step(numberOf(row))
        yield row
      }
      walk.end()
    } catch (error) {
      throw this.#damages.note(conversation, error)
    }
  }

  #rows(conversation: ConversationId): Rows | undefined {
    this.#life.assertReadable()
    this.#damages.assertWhole(conversation)
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
