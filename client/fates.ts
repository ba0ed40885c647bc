/**
 * What became of own entries whose places no longer tell it here (SPEC ARCH2): they were archived, or became void, before
 * this device saw their stamps. The server is asked, chain by chain.
 */

import { parseVoidReason, type VoidReason } from '../shared/chat/policy.ts'
import type { RestChain } from '../shared/rest.ts'
import { crc32 } from '../shared/sync/crc32.ts'
import type { ClientId } from '../shared/sync/ids.ts'
import type { OutboxPlace, OutboxRow } from './storage/client-storage.ts'

/**
 * `accepted`, `void`: it, and no other entry, was accepted there. `other`: other bytes were: another copy of this device
 * has written there. `unknown`: the server has never had it.
 */
export type Fate =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'void'; readonly reason: VoidReason }
  | { readonly kind: 'other' }
  | { readonly kind: 'unknown' }

/** The server's word on an own chain from a clock on; undefined when it knows no such chain. Rejects when it cannot be had. */
export type LookUpChain = (client: ClientId, from: number) => Promise<RestChain | undefined>

type Place = Pick<OutboxRow, 'client' | 'clock' | 'payload'>

/** By place, as `placeKey` writes it. Rejects when the server cannot be asked. */
export async function lookUpFates(places: readonly Place[], lookUp: LookUpChain): Promise<ReadonlyMap<string, Fate>> {
  const fates = new Map<string, Fate>()
  const chains = new Map<ClientId, Place[]>()
  for (const place of places) chains.set(place.client, [...(chains.get(place.client) ?? []), place])
  for (const [client, all] of chains) {
    let left = all.toSorted((a, b) => a.clock - b.clock)
    for (let first = left[0]; first !== undefined; [first] = left) {
      const chain = await lookUp(client, first.clock)
      const known = left.filter((place) => {
        const fate = fateOf(place, chain)
        if (fate !== undefined) fates.set(placeKey(place), fate)
        return fate !== undefined
      })
      // A server that says nothing of the first it is asked for will not do so later.
      if (!known.includes(first)) throw new Error('the server does not tell what became of an entry')
      left = left.filter((place) => !known.includes(place))
    }
  }
  return fates
}

export function placeKey({ client, clock }: OutboxPlace): string {
  return `${client}/${clock}`
}

/** Undefined when this answer does not reach it. */
function fateOf({ clock, payload }: Place, chain: RestChain | undefined): Fate | undefined {
  if (chain === undefined || clock >= chain.next_clock) return { kind: 'unknown' }
  const entry = chain.entries.find((one) => one.clock === clock)
  if (entry === undefined) return undefined
  // Where there were no bytes, any will do.
  if (entry.crc !== crc32(payload) && entry.crc !== 0) return { kind: 'other' }
  return entry.state === 'accepted' ? { kind: 'accepted' } : { kind: 'void', reason: parseVoidReason(entry.reason) }
}
