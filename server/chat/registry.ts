/** The live conversations of this process: each at most once, loaded when used, dropped when nobody has used it for a while. */

import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import { type ClientId, type ConversationId, parseClientId } from '../../shared/sync/ids.ts'
import { LiveConversation } from './live-conversation.ts'
import type { LiveDeps } from './live-deps.ts'
import { emptyConversation, loadConversation } from './loaded-conversation.ts'

interface Lease {
  readonly live: LiveConversation
  /** To be called once, when the holder is done with it. */
  readonly release: () => void
}

export interface Registry {
  /** Fault `not-found` or `deleted`. It stays loaded until released. */
  readonly acquire: (id: ConversationId) => Promise<Lease>
  /** Acquires for the time of `use`. */
  readonly use: <T>(id: ConversationId, use: (live: LiveConversation) => Promise<T>) => Promise<T>
  /** Acquires it also when it does not exist yet: then it is empty, and nothing of it stored. */
  readonly useOrBegin: <T>(id: ConversationId, use: (live: LiveConversation) => Promise<T>) => Promise<T>
  /** Drops what has been idle since before `nowMs - limits.idleConversationMs`. */
  readonly sweep: (nowMs: number) => void
  readonly size: () => number
  /** Nothing more is taken by any of them; resolves when what is under way is staged (SPEC PROC2). */
  readonly stop: () => Promise<void>
}

interface Slot {
  readonly live: Promise<LiveConversation>
  /** Undefined while it is being loaded, or could not be. */
  loaded: LiveConversation | undefined
  users: number
  idleSinceMs: number
}

export function createRegistry(deps: LiveDeps): Registry {
  const slots = new Map<ConversationId, Slot>()

  /** An unborn one when there is none: whether it may begin is for each of those who wait for it to say. */
  async function load(id: ConversationId): Promise<LiveConversation> {
    const loaded = await loadConversation(deps.store, id)
    if (loaded === undefined) {
      const generation = await deps.store.generation()
      return new LiveConversation(id, emptyConversation(id, drawClientId(deps), deps.now(), generation), deps)
    }
    const live = new LiveConversation(id, loaded, deps)
    // From a backup: before anybody is answered, so that nobody builds upon what devices know more of.
    if (loaded.head.generation < loaded.generation) await renew(live)
    else if (loaded.upgrade !== undefined) deps.commits.request(live)
    // The process may have ended before it could.
    live.keepWindow()
    return live
  }

  async function acquire(id: ConversationId, mayBegin: boolean): Promise<Lease> {
    let slot = slots.get(id)
    if (slot === undefined) {
      slot = { live: load(id), loaded: undefined, users: 0, idleSinceMs: deps.now() }
      slots.set(id, slot)
    }
    const held = slot
    held.users++
    try {
      const live = await held.live
      held.loaded = live
      if (live.ended !== undefined) throw new Fault(live.ended)
      if (live.isUnborn && !mayBegin) throw new Fault('not-found')
      return { live, release: () => release(id, held) }
    } catch (error) {
      release(id, held)
      throw error
    }
  }

  function release(id: ConversationId, slot: Slot): void {
    slot.users--
    slot.idleSinceMs = deps.now()
    const { loaded } = slot
    const isSpent = loaded === undefined || loaded.ended !== undefined || (slot.users === 0 && loaded.isUnborn)
    if (isSpent && slots.get(id) === slot) slots.delete(id)
  }

  async function use<T>(
    id: ConversationId,
    mayBegin: boolean,
    job: (live: LiveConversation) => Promise<T>,
  ): Promise<T> {
    const lease = await acquire(id, mayBegin)
    try {
      return await job(lease.live)
    } finally {
      lease.release()
    }
  }

  return {
    acquire: (id) => acquire(id, false),
    use: (id, job) => use(id, false, job),
    useOrBegin: (id, job) => use(id, true, job),
    size: () => slots.size,
    stop: async () => {
      await Promise.allSettled([...slots.values()].map(async ({ live }) => (await live).stop()))
    },
    sweep: (nowMs) => {
      for (const [id, slot] of slots) {
        const isIdle = slot.users === 0 && nowMs - slot.idleSinceMs >= limits.idleConversationMs
        if (isIdle && slot.loaded?.isQuiet === true) slots.delete(id)
      }
    },
  }
}

async function renew(live: LiveConversation): Promise<void> {
  const { durable } = await live.serially(async () => {
    await live.beginEpoch()
    return { durable: live.commit() }
  })
  await durable
}

function drawClientId(deps: LiveDeps): ClientId {
  const client = parseClientId(deps.drawUint32())
  if (client === undefined) throw new Error('not an unsigned 32-bit integer')
  return client
}
