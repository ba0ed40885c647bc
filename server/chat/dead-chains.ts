/**
 * Which chains a new epoch can do without: those of which every entry is void or archived. What was erased is gone too, but
 * while it is live a stamp speaks of it, and waits for its place to be there.
 */

import type { ClientId, ConversationId } from '../../shared/sync/ids.ts'
import type { ConversationStore } from '../storage/conversation-store.ts'
import type { Ledger } from '../sync/ledger.ts'

/** Places looked up in one go. */
const placesPerLookUp = 256

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
  for (let end = ledger.durableNext(client); end > 0; end -= placesPerLookUp) {
    const start = Math.max(0, end - placesPerLookUp)
    const clocks = Array.from({ length: end - start }, (_, index) => end - 1 - index)
    for (const place of await store.places(conversation, client, clocks)) {
      // What lies before it in the chain lies before it in the order.
      if (place === undefined || place.seq <= through) return false
      if (place.voidReason === undefined) return true
    }
  }
  return false
}
