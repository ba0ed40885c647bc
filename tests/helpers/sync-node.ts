// The server without its sockets and without HTTP: store, group commit, live conversations, and sessions on sockets that
// are queues. Nothing happens by itself but what `settled` waits for. Knows no test runner.
import { type WindowRules, windowRules } from '../../server/chat/archiving.ts'
import { BehindNotes } from '../../server/chat/behind.ts'
import { createRegistry, type Registry } from '../../server/chat/registry.ts'
import { createConversations } from '../../server/chat/service.ts'
import { acquireTarget } from '../../server/chat/conversation-target.ts'
import type { Conversations } from '../../server/conversations.ts'
import type { ConversationStore } from '../../server/storage/conversation-store.ts'
import { createMemoryStore } from '../../server/storage/memory/memory-store.ts'
import { createGroupCommit, type GroupCommit } from '../../server/sync/group-commit.ts'
import { ActivityFeed } from '../../server/sync/activity.ts'
import type { SessionRates, SocketPort } from '../../server/sync/session.ts'
import { StockSession } from '../../server/sync/stock-session.ts'
import { Fault, type FaultCode } from '../../shared/fault.ts'
import { type ConversationId, parseConversationId } from '../../shared/sync/ids.ts'
import { forgedUuidV7 } from './adversarial-cast.ts'
import { userId } from './chain-doc.ts'
import { createGate, type Gate } from './gated-store.ts'
import { createRandom, type Random } from './seeded-random.ts'

export interface SyncNodeOptions {
  readonly store?: ConversationStore
  readonly random?: Random
  /** Server time in ms. */
  readonly now?: () => number
  /** How much a document may hold. */
  readonly window?: WindowRules
}

export interface SyncNode {
  readonly gate: Gate
  readonly commits: GroupCommit
  /** Devices that knew more than this node. */
  readonly behind: BehindNotes
  readonly registry: Registry
  readonly conversations: Conversations
  /** Resolves when nothing is under way but what waits at the gate. */
  readonly settled: () => Promise<void>
  /** A session of `user` on `port`; the fault that keeps them out was told to the port, and then it is undefined. */
  readonly connect: (user: string, id: ConversationId, port: SocketPort) => Promise<StockSession | undefined>
  /** A conversation of `owner` and `writers`. */
  readonly create: (owner: string, ...writers: readonly string[]) => Promise<ConversationId>
  /** What went wrong that should not have. */
  readonly errors: readonly unknown[]
  /** What the store refused to write before it was opened again. */
  readonly recovered: readonly unknown[]
  /** Why it could not be opened again. */
  readonly storeFailures: readonly unknown[]
}

export function createSyncNode(options: SyncNodeOptions = {}): SyncNode {
  const { store = createMemoryStore(), random = createRandom(1), now = steppingClock(), window = windowRules } = options
  const errors: unknown[] = []
  const recovered: unknown[] = []
  const storeFailures: unknown[] = []
  const gate = createGate(store)
  const commits = createGroupCommit(gate.store, {
    sleep: async () => undefined,
    now,
    onRecovered: (error) => recovered.push(error),
    onFailure: (error) => storeFailures.push(error),
  })
  const behind = new BehindNotes()
  const registry = createRegistry({
    store: gate.store,
    commits,
    now,
    drawUint32: () => random.between(0, 0xffff_ffff),
    activity: new ActivityFeed(afterPause),
    afterPause,
    after: (ms, job) => {
      const timer = setTimeout(job, ms).unref()
      return () => clearTimeout(timer)
    },
    noteBehind: (id) => behind.note(id),
    onBug: (error) => errors.push(error),
    window,
  })
  const drawConversationId = (): ConversationId => {
    const id = parseConversationId(forgedUuidV7(random))
    if (id === undefined) throw new Error('not a UUIDv7')
    return id
  }
  const conversations = createConversations({ store: gate.store, registry, drawConversationId })
  const log = { info: () => undefined, error: (fields: object) => errors.push(fields) }

  return {
    gate,
    commits,
    behind,
    registry,
    conversations,
    settled: gate.settled,
    errors,
    recovered,
    storeFailures,
    connect: async (user, id, port) => {
      try {
        const deps = { log, rates: freeRates, sleep: async () => undefined }
        return new StockSession(userId(user), await acquireTarget(registry, userId(user), id), port, deps)
      } catch (error) {
        port.close(faultOf(error))
        return undefined
      }
    },
    create: async (owner, ...writers) => {
      const members = writers.map((user) => ({ user: userId(user), access: 'writer' as const }))
      const { state } = await conversations.create(userId(owner), { members })
      return state.id
    },
  }
}

/** Documents that hold everything: of use where it is about documents that are large. */
export const endlessWindow: WindowRules = {
  ...windowRules,
  entries: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
}

/** Nobody is slowed down. */
export const freeRates: SessionRates = { entries: { take: () => 0, size: 0 }, bytes: { take: () => 0, size: 0 } }

function afterPause(job: () => void): void {
  setImmediate(job)
}

/** A clock that never stands still. */
export function steppingClock(startMs = 1_700_000_000_000): () => number {
  let nowMs = startMs
  return () => nowMs++
}

function faultOf(error: unknown): FaultCode {
  if (error instanceof Fault) return error.code
  throw error
}
