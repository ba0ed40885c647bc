/** What the records of a server's chain say of places in chains: stamped with a checksum, void, erased, superseded. Knows no document. */

import type { ClientId } from '../sync/ids.ts'
import type { Erased, Stamp, Superseded, Void } from '../sync/record.ts'
import { parseVoidReason, type VoidReason } from './policy.ts'

/** Consecutive clocks of a chain with consecutive seqs. */
interface StampedRun {
  readonly clock: number
  readonly seq: number
  readonly crcs: readonly number[]
}

interface PlacesOfChain {
  /** By ascending clock, apart from each other. */
  runs: StampedRun[]
  readonly voids: Map<number, VoidReason>
  readonly erased: Map<number, Erased>
  readonly superseded: Set<number>
  /** Clock up to which it is stamped. */
  stampedThrough: number
}

export class RecordedPlaces {
  readonly #chains = new Map<ClientId, PlacesOfChain>()

  /** Clock up to which the entries of a chain are stamped, as far as that can be seen here. */
  stampedThrough(client: ClientId): number {
    return this.#chains.get(client)?.stampedThrough ?? 0
  }

  /** Undefined when no stamp for that place is known here. */
  crc(client: ClientId, clock: number): number | undefined {
    const runs = this.#chains.get(client)?.runs ?? []
    const run = runs[firstBehind(runs, clock) - 1]
    return run?.crcs[clock - run.clock]
  }

  voidReason(client: ClientId, clock: number): VoidReason | undefined {
    return this.#chains.get(client)?.voids.get(clock)
  }

  erased(client: ClientId, clock: number): Erased | undefined {
    return this.#chains.get(client)?.erased.get(clock)
  }

  /** Whether a later entry of the same author says all that this one said. */
  isSuperseded(client: ClientId, clock: number): boolean {
    return this.#chains.get(client)?.superseded.has(clock) === true
  }

  noteVoid({ client, clock, reason }: Void): void {
    this.#chain(client).voids.set(clock, parseVoidReason(reason))
  }

  noteErased(record: Erased): void {
    this.#chain(record.client).erased.set(record.clock, record)
  }

  noteSuperseded({ runs }: Superseded): void {
    for (const { client, clock, length } of runs) {
      const { superseded } = this.#chain(client)
      for (let at = clock; at < clock + length; at++) superseded.add(at)
    }
  }

  /** A stamp may be told again: whoever begins anew reads it twice. */
  noteStamp({ seq: first, runs }: Stamp): void {
    let seq = first
    for (const { client, clock, crcs } of runs) {
      const chain = this.#chain(client)
      // Nearly always behind all others.
      const isLast = (chain.runs.at(-1)?.clock ?? -1) < clock
      const at = isLast ? chain.runs.length : firstBehind(chain.runs, clock)
      const before = chain.runs[at - 1]
      const isNew = before === undefined || before.clock + before.crcs.length <= clock
      if (isNew && isLast) chain.runs.push({ clock, seq, crcs })
      else if (isNew) chain.runs.splice(at, 0, { clock, seq, crcs })
      chain.stampedThrough = clock + crcs.length
      seq += crcs.length
    }
  }

  /** Forgets what is known of the places stamped up to `seq`. */
  forget(seq: number): void {
    for (const chain of this.#chains.values()) {
      const kept: StampedRun[] = []
      for (const run of chain.runs) {
        const gone = Math.min(run.crcs.length, Math.max(0, seq + 1 - run.seq))
        for (let clock = run.clock; clock < run.clock + gone; clock++) {
          chain.voids.delete(clock)
          chain.erased.delete(clock)
          chain.superseded.delete(clock)
        }
        if (gone === 0) kept.push(run)
        else if (gone < run.crcs.length) {
          kept.push({ clock: run.clock + gone, seq: run.seq + gone, crcs: run.crcs.slice(gone) })
        }
      }
      chain.runs = kept
    }
  }

  /** Stamps are read anew: how far chains are stamped is not known until then. */
  beginAnew(): void {
    for (const chain of this.#chains.values()) chain.stampedThrough = 0
  }

  #chain(client: ClientId): PlacesOfChain {
    const known = this.#chains.get(client)
    if (known !== undefined) return known
    const nothing = { runs: [], voids: new Map(), erased: new Map(), superseded: new Set<number>() }
    const chain: PlacesOfChain = { ...nothing, stampedThrough: 0 }
    this.#chains.set(client, chain)
    return chain
  }
}

/** Index of the first run that begins behind a clock. */
function firstBehind(runs: readonly StampedRun[], clock: number): number {
  let low = 0
  let high = runs.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((runs[middle]?.clock ?? 0) > clock) high = middle
    else low = middle + 1
  }
  return low
}
