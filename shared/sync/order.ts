/**
 * The fold order of entries that have no seq yet. Chains are merged by the running maximum of `at` within each chain,
 * so that a clock that was set back never makes an author's own entries change places.
 */

import type { ClientId } from './ids.ts'

/** An entry as far as its order is concerned. */
export interface Placed {
  readonly client: ClientId
  readonly clock: number
  /** The device's clock in ms, when the entry tells it; else it inherits the one before it in its chain. */
  readonly at: number | undefined
}

/** Puts entries in fold order. The entries of each chain must come by ascending clock; ties go by client, then clock. */
export function inFoldOrder<T extends Placed>(entries: readonly T[]): T[] {
  const latest = new Map<ClientId, number>()
  const keyed = entries.map((entry) => {
    const key = Math.max(latest.get(entry.client) ?? 0, entry.at ?? 0)
    latest.set(entry.client, key)
    return { key, entry }
  })
  keyed.sort((a, b) => a.key - b.key || a.entry.client - b.entry.client || a.entry.clock - b.entry.clock)
  return keyed.map(({ entry }) => entry)
}
