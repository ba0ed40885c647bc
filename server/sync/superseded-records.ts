/** What is said in the document of entries that lost their bytes because later ones say the same. */

import { limits } from '../../shared/limits.ts'
import type { Superseded } from '../../shared/sync/record.ts'
import type { Place } from './deleted-clocks.ts'

/** As few records as hold them, none when there are none. */
export function supersededRecords(places: readonly Place[]): Superseded[] {
  const sorted = places.toSorted((a, b) => a.client - b.client || a.clock - b.clock)
  const records: Superseded[] = []
  for (let from = 0; from < sorted.length; from += limits.supersededPerRecord)
    records.push({ kind: 'superseded', runs: runsOf(sorted.slice(from, from + limits.supersededPerRecord)) })
  return records
}

function runsOf(places: readonly Place[]): Superseded['runs'] {
  const runs: { client: Place['client']; clock: number; length: number }[] = []
  for (const { client, clock } of places) {
    const last = runs.at(-1)
    if (last?.client === client && last.clock + last.length === clock) last.length++
    else runs.push({ client, clock, length: 1 })
  }
  return runs
}
