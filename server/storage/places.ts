/** Walks the places of a chain, some looked up at a time. */

import type { ClientId, ConversationId } from '../../shared/sync/ids.ts'
import type { ConversationStore, PlaceRow } from './conversation-store.ts'
import type { Run } from './seq-run.ts'

/** Places looked up in one go. */
const placesPerLookUp = 256

/** Of the clocks of `run`, the highest first; undefined where there is none. */
export async function* placesNewestFirst(
  store: ConversationStore,
  conversation: ConversationId,
  client: ClientId,
  { from, to }: Run,
): AsyncGenerator<{ readonly clock: number; readonly place: PlaceRow | undefined }> {
  for (let high = to; high > from; high -= placesPerLookUp) {
    const low = Math.max(from, high - placesPerLookUp)
    const clocks = Array.from({ length: high - low }, (_, index) => high - 1 - index)
    const places = await store.places(conversation, client, clocks)
    for (const [index, clock] of clocks.entries()) yield { clock, place: places[index] }
  }
}
