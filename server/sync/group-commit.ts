/**
 * Group commit (SPEC STORE1): one synced batch is in flight at a time, and everything that arrives meanwhile goes into
 * the next. After a failed write nothing more is acknowledged: the store keeps accepting writes that will be gone.
 */

import type { Commit, CommitOutcome, ConversationStore } from '../storage/conversation-store.ts'

/** One party to a batch, for example a conversation with entries waiting. */
export interface Writer {
  /** Takes everything that waits; undefined when nothing does. What comes later belongs to the next batch. */
  readonly seal: () => Sealed | undefined
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

/** `onFailure` hears of the first failed write, once; all that is requested afterwards fails. */
export function createGroupCommit(store: ConversationStore, onFailure: (error: unknown) => void): GroupCommit {
  let waiting = new Set<Writer>()
  let running: Promise<void> | undefined
  let failed = false

  async function writeBatch(writers: ReadonlySet<Writer>): Promise<void> {
    const sealed = [...writers].map((writer) => writer.seal()).filter((batch) => batch !== undefined)
    if (sealed.length === 0) return
    if (failed) {
      for (const { settle } of sealed) settle('failed')
      return
    }
    try {
      const outcomes = await store.commit(sealed.map(({ commit }) => commit))
      for (const [index, { settle }] of sealed.entries()) settle(outcomes[index] ?? 'failed')
    } catch (error) {
      failed = true
      for (const { settle } of sealed) settle('failed')
      onFailure(error)
    }
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
