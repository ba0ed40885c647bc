/**
 * Group commit (SPEC STORE1): one synced batch is in flight at a time, and everything that arrives meanwhile goes into
 * the next. After a failed write all that is in flight or waits has failed, and nothing is acknowledged until the store
 * has been opened again and has vouched for what it holds (SPEC STORE10): else it keeps accepting writes that will be gone.
 */

import { limits } from '../../shared/limits.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import {
  type Commit,
  type CommitOutcome,
  type ConversationStore,
  type InDoubt,
  isDamage,
  StoreError,
} from '../storage/conversation-store.ts'

/** One party to a batch, for example a conversation with entries waiting. */
export interface Writer {
  /** Takes everything that waits; undefined when nothing does. What comes later belongs to the next batch. */
  readonly seal: () => Sealed | undefined
  /** A bug of ours stopped it: it alone has to start again from the disk. */
  readonly abandon: (error: unknown) => void
}

export interface Sealed {
  readonly commit: Commit
  /** Called once; `failed` when it is not known to be durable, and with it all that was built upon it. */
  readonly settle: (outcome: CommitOutcome | 'failed') => void
}

export interface GroupCommit {
  /** Asks that `writer` be part of the next batch. */
  readonly request: (writer: Writer) => void
  /** Resolves when nothing waits and nothing is in flight. */
  readonly idle: () => Promise<void>
}

/** The clock, and who is told of failed writes. */
export interface CommitWatch {
  /** In ms. */
  readonly now: () => number
  /** Resolves after so many ms. */
  readonly sleep: (ms: number) => Promise<void>
  /** The store was opened again after `error`; the conversations of the failed batch, and what is there of them. */
  readonly onRecovered: (error: unknown, inDoubt: ReadonlyMap<ConversationId, InDoubt>) => void
  /** Once: it could not be opened again, or failed too often. Everything that is requested afterwards fails. */
  readonly onFailure: (error: unknown) => void
}

function guarded(writer: Writer, step: () => void): void {
  try {
    step()
  } catch (error) {
    writer.abandon(error)
  }
}

export function createGroupCommit(store: ConversationStore, watch: CommitWatch): GroupCommit {
  let waiting = new Set<Writer>()
  let running: Promise<void> | undefined
  /** Writes fail: those that wait with them. Set until the store has been opened again, or for ever. */
  let failure: { readonly error: unknown } | undefined
  let isLost = false
  const failures: number[] = []

  async function writeBatch(writers: ReadonlySet<Writer>): Promise<void> {
    const batch: { readonly writer: Writer; readonly sealed: Sealed }[] = []
    for (const writer of writers) {
      guarded(writer, () => {
        const sealed = writer.seal()
        if (sealed !== undefined) batch.push({ writer, sealed })
      })
    }
    if (batch.length === 0) return
    let outcomes: readonly (CommitOutcome | 'failed')[] = []
    try {
      if (failure === undefined) outcomes = await write(batch.map(({ sealed }) => sealed.commit))
    } catch (bug) {
      for (const { writer } of batch) writer.abandon(bug)
      return
    }
    for (const [index, { writer, sealed }] of batch.entries()) {
      guarded(writer, () => sealed.settle(outcomes[index] ?? 'failed'))
    }
  }

  async function write(commits: readonly Commit[]): Promise<readonly (CommitOutcome | 'failed')[]> {
    try {
      return await store.commit(commits)
    } catch (error) {
      // One damaged conversation: nothing was written, and the others need not suffer for it.
      if (isDamage(error)) return writeOneByOne(commits)
      // Nothing was written: the store says that it was called wrongly.
      if (!(error instanceof StoreError)) throw error
      failure = { error }
      return []
    }
  }

  async function writeOneByOne(commits: readonly Commit[]): Promise<readonly (CommitOutcome | 'failed')[]> {
    if (commits.length === 1) return ['failed']
    const outcomes: (CommitOutcome | 'failed')[] = []
    for (const commit of commits) {
      const [outcome] = failure === undefined ? await write([commit]) : []
      outcomes.push(outcome ?? 'failed')
    }
    return outcomes
  }

  /** Opens the store again, unless it fails too often for that to help. What waited has been told. */
  async function recover(error: unknown): Promise<void> {
    const nowMs = watch.now()
    failures.push(nowMs)
    const recent = failures.filter((ms) => nowMs - ms < limits.storeFailureWindowMs)
    try {
      if (recent.length >= limits.storeFailures) {
        throw new StoreError('failed', `writes failed ${recent.length} times within a minute`, { cause: error })
      }
      const inDoubt = await store.recover()
      failure = undefined
      watch.onRecovered(error, inDoubt)
    } catch (reason) {
      isLost = true
      watch.onFailure(reason)
    }
  }

  async function run(): Promise<void> {
    // The rest of this turn's sockets and requests join the batch.
    await new Promise<void>((resolve) => setImmediate(resolve))
    let siblings = 0
    while (waiting.size > 0) {
      // Under load a little patience makes fewer and larger batches, and with them fewer frames to everybody.
      if (failure === undefined && siblings >= limits.commitSiblings) await watch.sleep(limits.commitDelayMs)
      const writers = waiting
      waiting = new Set()
      siblings = writers.size
      await writeBatch(writers)
      // What came while the failed write was under way may build upon it, and need not wait for a disk to be told.
      if (failure !== undefined && !isLost && waiting.size === 0) await recover(failure.error)
    }
    running = undefined
  }

  return {
    request: (writer) => {
      waiting.add(writer)
      running ??= run()
    },
    idle: async () => {
      while (running !== undefined) await running
    },
  }
}
