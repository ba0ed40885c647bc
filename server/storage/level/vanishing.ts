/**
 * What has yet to vanish from the medium, erased rows and deleted conversations, and the work that does it in the
 * background, one pass at a time: a pass takes all that there is when it begins. It is in rows of its own, so that it goes
 * on after a restart (SPEC ERASE1, ERASE2).
 */

import type { ConversationId } from '../../../shared/sync/ids.ts'
import { type Commit, StoreError } from '../conversation-store.ts'
import type { Damages } from '../damages.ts'
import { runsOf } from '../seq-run.ts'
import type { StoreLife } from '../store-life.ts'
import type { RowSink } from './batch.ts'
import { type Database, getRowSync, scan } from './database.ts'
import { eraseEarlier, type Medium, type Stretch } from './erasing.ts'
import { decodeKey, encodeKey, numberedRange, vanishingRange } from './keys.ts'
import { rangesOfAll, removeRows } from './purging.ts'
import { readHead } from './rows.ts'
import type { Row } from './seal.ts'
import { type ErasingRow, readErasing, readPurging } from './vanishing-rows.ts'

/** Seqs that lie no further apart are compacted as one range: so many rows are less work than another compaction. */
const nearSeqs = 1024

/** Runs of a conversation that are compacted in one pass: each takes a tenth of a second, however little lies in it. */
const runsAtOnce = 16

/** After a pass has failed: whoever reads for very long, or another process that has its hands on the files, may be gone. */
const retryMs = 60_000

export interface VanishingOptions {
  /** Told each time that what was erased is still on the medium; it is tried again after a minute. */
  readonly onVanishingFailed?: ((error: unknown) => void) | undefined
}

export interface VanishingStore extends VanishingOptions {
  readonly life: StoreLife
  readonly damages: Damages
  /** What is open at the moment. */
  readonly database: () => Database
  readonly location: string
}

export class Vanishing {
  readonly #store: VanishingStore
  #erasing = new Set<ErasingRow>()
  #purging = new Set<ConversationId>()
  #running: Promise<void> | undefined
  #stop = new AbortController()
  #retry: ReturnType<typeof setTimeout> | undefined

  constructor(store: VanishingStore) {
    this.#store = store
  }

  /** Whether a conversation was deleted and rows of it may still be there: nobody is to see them. */
  hides(conversation: ConversationId): boolean {
    return this.#purging.has(conversation)
  }

  /** Reads what is left to do. Where that is damaged one conversation is refused, and the others go on. */
  async load(): Promise<void> {
    this.#erasing = new Set()
    this.#purging = new Set()
    const database = this.#store.database()
    for (const kind of ['purging', 'erasing'] as const) {
      for await (const rows of scan(database, vanishingRange(kind))) for (const row of rows) this.#take(row)
    }
  }

  /** Takes note of commits that are durable. */
  add(commits: readonly Commit[]): void {
    for (const commit of commits) {
      const { conversation } = commit
      if (commit.kind === 'delete') this.#purging.add(conversation)
      else if (commit.erases.length > 0) {
        this.#erasing.add({ conversation, revision: commit.head.revision, seqs: commit.erases })
      } else continue
      this.start()
    }
  }

  /** Goes on with what there is, and tries again later where that fails; a store that failed goes on when it is opened again. */
  start(): void {
    const { signal } = this.#stop
    clearTimeout(this.#retry)
    this.#run().catch((error: unknown) => {
      if (signal.aborted || !this.#store.life.isOpen) return
      this.#store.onVanishingFailed?.(error)
      clearTimeout(this.#retry)
      this.#retry = setTimeout(() => this.start(), retryMs)
      this.#retry.unref()
    })
  }

  /** Resolves when nothing is left; rejects with a StoreError when that could not be done, or the store is closed. */
  async finished(): Promise<void> {
    for (;;) {
      await this.#store.life.untilReadable()
      if (this.#isDone()) return
      await this.#run()
    }
  }

  /** Resolves when the step under way has ended. Nothing goes on until `resume`. */
  async stop(): Promise<void> {
    this.#stop.abort()
    clearTimeout(this.#retry)
    await Promise.allSettled([this.#running])
  }

  /** Goes on, in a store that was opened again, with what is found there. */
  async resume(): Promise<void> {
    await this.load()
    this.#stop = new AbortController()
    this.start()
  }

  #take(row: Row): void {
    const key = decodeKey(row.key)
    if (key?.kind !== 'purging' && key?.kind !== 'erasing') return
    const { conversation } = key
    try {
      if (key.kind === 'erasing') this.#erasing.add(readErasing(row))
      else if (this.#isDeleted(readPurging(row))) this.#purging.add(conversation)
      else this.#store.damages.condemn(conversation, 'it is to be purged, but was not deleted')
    } catch (error) {
      this.#store.damages.note(conversation, error)
    }
  }

  #isDeleted(conversation: ConversationId): boolean {
    const head = getRowSync(this.#store.database(), encodeKey({ kind: 'head', conversation }))
    return head !== undefined && readHead(head).kind === 'deleted'
  }

  #isDone(): boolean {
    return this.#erasing.size === 0 && this.#purging.size === 0
  }

  async #run(): Promise<void> {
    this.#running ??= this.#passes(this.#stop.signal).finally(() => {
      this.#running = undefined
    })
    await this.#running
  }

  async #passes(signal: AbortSignal): Promise<void> {
    const { life, database, location } = this.#store
    const write = async (fill: (batch: RowSink) => void): Promise<void> => await this.#write(database(), fill)
    try {
      while (!this.#isDone() && !signal.aborted) {
        life.assertWritable()
        await this.#pass({ database: database(), location, signal, write })
      }
    } catch (cause) {
      if (cause instanceof StoreError) throw cause
      throw new StoreError('failed', 'what was to vanish could not be made to', { cause })
    }
  }

  async #pass(medium: Medium): Promise<void> {
    const erasing = [...this.#erasing]
    const purging = [...this.#purging]
    for (const conversation of purging) await removeRows(conversation, medium)
    const purged = purging.flatMap(rangesOfAll).map((whole) => ({ whole, within: [whole] }))
    await eraseEarlier([...stretchesOf(erasing), ...purged], medium)
    if (medium.signal.aborted) return
    await medium.write((batch) => {
      for (const { conversation, revision } of erasing) {
        batch.del(encodeKey({ kind: 'erasing', conversation, revision }))
      }
      for (const conversation of purging) batch.del(encodeKey({ kind: 'purging', conversation }))
    })
    for (const row of erasing) this.#erasing.delete(row)
    for (const conversation of purging) this.#purging.delete(conversation)
  }

  /**
   * Synced, though nothing would be lost: of two writes that are not, a crash can leave the second without the first, and
   * that is told from damage by nobody. When it fails the store has failed: LevelDB may lose what it takes afterwards.
   */
  async #write(database: Database, fill: (batch: RowSink) => void): Promise<void> {
    this.#store.life.assertWritable()
    const batch = database.batch()
    try {
      fill(batch)
      await batch.write({ sync: true })
    } catch (cause) {
      throw this.#store.life.fail(cause)
    } finally {
      await batch.close()
    }
  }
}

/** Where the rows of erased seqs lie, near ones together; when there are many runs, also those that are less near. */
function stretchesOf(erasing: readonly ErasingRow[]): Stretch[] {
  const byConversation = new Map<ConversationId, Set<number>>()
  for (const { conversation, seqs } of erasing) {
    const known = byConversation.get(conversation) ?? new Set()
    for (const seq of seqs) known.add(seq)
    byConversation.set(conversation, known)
  }
  return [...byConversation].flatMap(([conversation, set]) => {
    const seqs = [...set].toSorted((a, b) => a - b)
    const near = runsOf(seqs, nearSeqs)
    let runs = near
    for (let gap = 2 * nearSeqs; runs.length > runsAtOnce; gap *= 2) runs = runsOf(seqs, gap)
    return (['log', 'message'] as const).flatMap((kind) =>
      runs.map(({ from, to }) => {
        const within = near.filter((run) => run.from >= from && run.to <= to)
        const whole = numberedRange(kind, conversation, { from, to })
        return { whole, within: within.map((run) => numberedRange(kind, conversation, run)) }
      }),
    )
  })
}
