/** A live conversation as a socket session sees it. */

import type { ConversationId } from '../../shared/sync/ids.ts'
import type { StateVector } from '../../shared/sync/state-vector.ts'
import { type DurableState, encodeMissing } from '../sync/projection.ts'
import type { SyncTarget } from '../sync/sync-target.ts'
import { takeUpdate } from './intake.ts'
import type { Registry } from './registry.ts'

/** Acquires a conversation for a socket; Fault `not-found` or `deleted`. */
export async function acquireTarget(registry: Registry, id: ConversationId): Promise<SyncTarget> {
  const { live, release } = await registry.acquire(id)
  return {
    follow: (subscriber) => live.follow(subscriber),
    unfollow: (subscriber) => live.unfollow(subscriber),
    durable: () => live.ledger.durable(),
    isBehind,
    encodeMissing: (state, known) => encodeMissing(live.deps.store, live.id, state, known),
    take: (sender, update) => takeUpdate(live, sender, update),
    release,
  }
}

/** The server's own chains, held ones included, are written here alone: nobody can know more of them. */
function isBehind(state: DurableState, known: StateVector): boolean {
  if ((known.get(state.serverClient) ?? 0) > state.nextRecord) return true
  for (const [client, { held, next }] of state.chains) if (held && (known.get(client) ?? 0) > next) return true
  return false
}
