// A store with a gate before its commits, and a count of what is under way: commits can be held while everything else
// goes on, and a test can tell when nothing more will happen by itself. Knows no test runner.
import type { Commit, CommitOutcome, ConversationStore } from '../../server/storage/conversation-store.ts'

export interface Gate {
  readonly store: ConversationStore
  /** Commits asked for from now on wait. */
  readonly hold: () => void
  /** An attempt to open the store again waits. */
  readonly holdRecovery: () => void
  /** Lets those through that wait, and all that come. */
  readonly open: () => void
  /** Lets through what waits now; what comes later waits. */
  readonly pass: () => void
  /** What waits, batch by batch; a group commit never has more than one. */
  readonly waiting: () => readonly (readonly Commit[])[]
  /** Batches that came so far, in order. */
  readonly batches: () => readonly (readonly Commit[])[]
  /** The next commit that goes through the gate fails with this error, and is never written. */
  readonly failNext: (error: Error) => void
  /** The next attempt to open the store again fails with this error. */
  readonly failRecovery: (error: Error) => void
  /** How often the store was opened again. */
  readonly recoveries: () => number
  /** Resolves when nothing is under way but what waits at the gate. */
  readonly settled: () => Promise<void>
}

interface Waiting {
  readonly commits: readonly Commit[]
  readonly pass: () => void
}

/** Turns without anything under way after which nothing more will come of itself. */
const quietTurns = 4

export function createGate(inner: ConversationStore): Gate {
  const batches: (readonly Commit[])[] = []
  let waiting: Waiting[] = []
  let isHeld = false
  let failure: Error | undefined
  let recoveryFailure: Error | undefined
  let recoveries = 0
  let isRecoveryHeld = false
  let passRecovery = (): void => undefined
  let underWay = 0

  async function counted<T>(work: () => Promise<T>): Promise<T> {
    underWay++
    try {
      return await work()
    } finally {
      underWay--
    }
  }

  async function* countedEach<T>(rows: AsyncIterable<T>): AsyncGenerator<T> {
    underWay++
    try {
      yield* rows
    } finally {
      underWay--
    }
  }

  async function commit(commits: readonly Commit[]): Promise<readonly CommitOutcome[]> {
    batches.push(commits)
    if (isHeld) await new Promise<void>((resolve) => waiting.push({ commits, pass: resolve }))
    return counted(async () => {
      if (failure !== undefined) {
        const error = failure
        failure = undefined
        throw error
      }
      return inner.commit(commits)
    })
  }

  function pass(): void {
    const ready = waiting
    waiting = []
    for (const one of ready) one.pass()
  }

  return {
    store: {
      commit,
      recover: async () => {
        recoveries++
        if (isRecoveryHeld) await new Promise<void>((resolve) => (passRecovery = resolve))
        return counted(async () => {
          if (recoveryFailure !== undefined) throw recoveryFailure
          return inner.recover()
        })
      },
      condemn: (id, what) => inner.condemn(id, what),
      condemned: () => inner.condemned(),
      head: (id) => counted(() => inner.head(id)),
      heads: (ids) => counted(() => inner.heads(ids)),
      chains: (id) => counted(() => inner.chains(id)),
      deleted: (id) => counted(() => inner.deleted(id)),
      dropped: (id, clients) => counted(() => inner.dropped(id, clients)),
      entriesNewestFirst: (id, range) => countedEach(inner.entriesNewestFirst(id, range)),
      records: (id, run) => countedEach(inner.records(id, run)),
      places: (id, client, clocks) => counted(() => inner.places(id, client, clocks)),
      messages: (id, query) => counted(() => inner.messages(id, query)),
      message: (id, seq) => counted(() => inner.message(id, seq)),
      messagesAt: (id, seqs) => counted(() => inner.messagesAt(id, seqs)),
      touched: (id, query) => counted(() => inner.touched(id, query)),
      pieces: (id, message) => counted(() => inner.pieces(id, message)),
      replies: (id, root, query) => counted(() => inner.replies(id, root, query)),
      events: (id, query) => counted(() => inner.events(id, query)),
      settings: (...asked) => counted(() => inner.settings(...asked)),
      pins: (id) => counted(() => inner.pins(id)),
      claims: (id, ids) => counted(() => inner.claims(id, ids)),
      idempotency: (id, user, key) => counted(() => inner.idempotency(id, user, key)),
      members: (id, limit) => counted(() => inner.members(id, limit)),
      member: (id, user) => counted(() => inner.member(id, user)),
      conversationsOf: (user) => counted(() => inner.conversationsOf(user)),
      invitations: (id) => counted(() => inner.invitations(id)),
      profiles: (users) => counted(() => inner.profiles(users)),
      putProfile: (row) => counted(() => inner.putProfile(row)),
      removeProfile: (user) => counted(() => inner.removeProfile(user)),
      generation: () => counted(() => inner.generation()),
      markRestored: (nowMs) => counted(() => inner.markRestored(nowMs)),
      erased: () => inner.erased(),
      close: () => inner.close(),
    },
    hold: () => {
      isHeld = true
    },
    holdRecovery: () => {
      isRecoveryHeld = true
    },
    open: () => {
      isHeld = false
      isRecoveryHeld = false
      pass()
      passRecovery()
    },
    pass,
    waiting: () => waiting.map(({ commits }) => commits),
    batches: () => batches,
    failNext: (error) => {
      failure = error
    },
    failRecovery: (error) => {
      recoveryFailure = error
    },
    recoveries: () => recoveries,
    settled: async () => {
      for (let quiet = 0; quiet < quietTurns; quiet = underWay > 0 ? 0 : quiet + 1) {
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
    },
  }
}
