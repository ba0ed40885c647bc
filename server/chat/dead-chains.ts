/**
 * Which chains a new epoch can do without: those of which every entry is void or archived. What was erased is gone too, but
 * while it is live a stamp speaks of it, and waits for its place to be there.
 */

import type { ClientId, ConversationId } from '../../shared/sync/ids.ts'
import type { ConversationStore } from '../storage/conversation-store.ts'
import { placesNewestFirst } from '../storage/places.ts'
import type { Ledger } from '../sync/ledger.ts'

export async function droppableChains(
  store: ConversationStore,
  conversation: ConversationId,
  ledger: Ledger,
): Promise<ReadonlySet<ClientId>> {
  const droppable = new Set<ClientId>()
  for (const client of ledger.deadChains()) {
    if (!(await hasErased(store, conversation, client, ledger))) droppable.add(client)
  }
  return droppable
}

/** Whether an entry of a chain of which nothing is left is neither void nor archived. */
async function hasErased(
  store: ConversationStore,
  conversation: ConversationId,
  client: ClientId,
  ledger: Ledger,
): Promise<boolean> {
  const { through } = ledger.window
  const all = { from: 0, to: ledger.durableNext(client) }
  for await (const { place } of placesNewestFirst(store, conversation, client, all)) {
    // What lies before it in the chain lies before it in the order.
    if (place === undefined || place.seq <= through) return false
    if (place.voidReason === undefined) return true
  }
  return false
}
