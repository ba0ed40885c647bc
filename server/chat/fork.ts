/** Entries that come again: whether they are those that were accepted, or whether two devices write one chain. */

import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { ClientId } from '../../shared/sync/ids.ts'
import type { Overlap } from '../sync/acceptance.ts'
import type { LiveConversation } from './live-conversation.ts'

/** How many entries were compared: that is work as well. */
export interface Compared {
  entries: number
}

export async function overlapsAgree(
  live: LiveConversation,
  overlaps: Iterable<Overlap>,
  compared: Compared = { entries: 0 },
): Promise<boolean> {
  const all = overlaps[Symbol.iterator]()
  for (let slice = nextSlice(all); slice.length > 0; slice = nextSlice(all)) {
    compared.entries += slice.length
    const stored: Overlap[] = []
    for (const overlap of slice) {
      const crc = live.ledger.uncommittedCrc(overlap.client, overlap.clock)
      if (crc === undefined) stored.push(overlap)
      else if (!agree(crc, overlap)) return false
    }
    for (const client of new Set(stored.map((overlap) => overlap.client))) {
      const ofOne = stored.filter((overlap) => overlap.client === client)
      if (!(await storedAgree(live, client, ofOne))) return false
    }
  }
  return true
}

function nextSlice<T>(items: Iterator<T>): T[] {
  const slice: T[] = []
  while (slice.length < limits.entriesPerSlice) {
    const read = items.next()
    if (read.done === true) break
    slice.push(read.value)
  }
  return slice
}

async function storedAgree(live: LiveConversation, client: ClientId, overlaps: readonly Overlap[]): Promise<boolean> {
  const { store } = live.deps
  const clocks = overlaps.map(({ clock }) => clock)
  const places = await store.places(live.id, client, clocks)
  const agreed = overlaps.every((overlap, index) => agree(places[index]?.crc, overlap))
  // Rows that went with their conversation are no fork.
  if (!agreed && (await store.head(live.id))?.kind === 'deleted') throw new Fault('deleted')
  return agreed
}

/**
 * Where no bytes were accepted any will do: after a restore, what was void may come first from another device of the same
 * user, which no longer has the bytes, and then from its author, who still has.
 */
function agree(accepted: number | undefined, { crc }: Overlap): boolean {
  return accepted === 0 || accepted === crc
}
