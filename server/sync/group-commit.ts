/**
 * Group commit (SPEC STORE1): one synced batch is in flight at a time, and everything that arrives meanwhile goes into
 * the next. After a failed write nothing more is acknowledged: the store keeps accepting writes that will be gone.
 */

import { type Commit, type CommitOutcome, type ConversationStore, StoreError } from '../storage/conversation-store.ts'

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

function guarded(writer: Writer, step: () => void): void {
  try {
    step()
  } catch (error) {
    writer.abandon(error)
  }
}

/** `onFailure` hears of the first failed write, once; all that is requested afterwards fails. */
export function createGroupCommit(store: ConversationStore, onFailure: (error: unknown) => void): GroupCommit {
  let waiting = new Set<Writer>()
  let running: Promise<void> | undefined
  let failed = false

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
      if (!failed) outcomes = await write(batch.map(({ sealed }) => sealed.commit))
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
      if (error instanceof StoreError && error.code === 'damaged') return writeOneByOne(commits)
      // Nothing was written: the store says that it was called wrongly.
      if (!(error instanceof StoreError)) throw error
      failed = true
      onFailure(error)
      return []
    }
  }

  async function writeOneByOne(commits: readonly Commit[]): Promise<readonly (CommitOutcome | 'failed')[]> {
    if (commits.length === 1) return ['failed']
    const outcomes: (CommitOutcome | 'failed')[] = []
    for (const commit of commits) outcomes.push((failed ? undefined : (await write([commit]))[0]) ?? 'failed')
    return outcomes
  }

  async function run(): Promise<void> {
    // The rest of this turn's sockets and requests join the batch.
    await new Promise<void>((resolve) => setImmediate(resolve))
    while (waiting.size > 0) {
      const writers = waiting
      waiting = new Set()
      await writeBatch(writers)
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
