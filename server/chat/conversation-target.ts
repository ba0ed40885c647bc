/** A live conversation as a channel sees it. */

import { Fault } from '../../shared/fault.ts'
import type { ClientId, ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { StateVector } from '../../shared/sync/state-vector.ts'
import { encodePart, encodeRest } from '../sync/catch-up.ts'
import type { Ledger } from '../sync/ledger.ts'
import type { DurableState } from '../sync/projection.ts'
import type { SyncTarget } from '../sync/sync-target.ts'
import { takeUpdate } from './intake.ts'
import { enterPrivate } from './private-state.ts'
import type { Registry } from './registry.ts'

/** Acquires a conversation for a channel of `user`; Fault `not-found`, `deleted` or `no-access`. */
export async function acquireTarget(registry: Registry, user: UserId, id: ConversationId): Promise<SyncTarget> {
  await enterPrivate(registry, user, id)
  const { live, release } = await registry.acquire(id)
  try {
    if (live.accessOf(user) !== undefined) await live.showFrom(user)
  } catch (error) {
    release()
    throw error
  }
  const { store } = live.deps
  const { presence, ledger } = live
  /** What was read, unless a new epoch began meanwhile. */
  const current = <T>(state: DurableState, read: T): T => {
    if (!ledger.isCurrent(state)) throw new Fault('restart')
    return read
  }
  return {
    follow: (subscriber) => live.follow(subscriber),
    unfollow: (subscriber) => live.unfollow(subscriber),
    durable: () => ledger.durable(),
    isBehind: (state, known) => isBehind(ledger, state, known),
    noteBehind: () => live.deps.noteBehind(live.id),
    encodeRest: async (state, known) => current(state, await encodeRest(store, live.id, state, known)),
    encodePart: async (state, known) => current(state, await encodePart(store, live.id, state, known)),
    take: (sender, update) => takeUpdate(live, sender, update),
    announce: (subscriber, announcement, device) =>
      presence.announce(subscriber, subscriber.user, announcement, device),
    others: (subscriber) => presence.others(subscriber),
    renewPresence: () => presence.renew(),
    release,
  }
}

/**
 * The server's own chains of this epoch, held ones included, are written here alone: nobody can know more of them. Of
 * those of an earlier epoch a device may: a restored store lacks the ends of them.
 */
function isBehind(ledger: Ledger, state: DurableState, known: StateVector): boolean {
  const isAhead = (client: ClientId, next: number): boolean => (known.get(client) ?? 0) > next
  if (isAhead(state.serverClient, state.nextRecord)) return true
  for (const client of ledger.heldChains()) if (isAhead(client, state.chains.get(client)?.next ?? 0)) return true
  return false
}
