/** What is deleted of the chains of a document, and what of that the next commit has to tell of. */

import type { ClockRange } from '../../shared/sync/chain-update/chain-struct.ts'
import type { DeleteSet } from '../../shared/sync/chain-update/encode-update.ts'
import { withClocks, withRange } from '../../shared/sync/clock-ranges.ts'
import type { ClientId } from '../../shared/sync/ids.ts'

export interface Place {
  readonly client: ClientId
  readonly clock: number
}

export class DeletedClocks {
  #ranges: ReadonlyMap<ClientId, readonly ClockRange[]>
  /** The same, once it may be changed. */
  #own: Map<ClientId, readonly ClockRange[]> | undefined
  /** What was there before and goes with the next commit. */
  #goes = new Map<ClientId, readonly ClockRange[]>()

  /** What is given stays as it is: of most conversations nothing more is ever deleted. */
  constructor(ranges: ReadonlyMap<ClientId, readonly ClockRange[]>) {
    this.#ranges = ranges
  }

  of(client: ClientId): readonly ClockRange[] {
    return this.#ranges.get(client) ?? []
  }

  /** What never was there. */
  add(client: ClientId, range: ClockRange): void {
    this.#toChange().set(client, withRange(this.of(client), range))
  }

  /** What was relayed before, perhaps. */
  takeAway(client: ClientId, range: ClockRange): void {
    this.#goes.set(client, withRange(this.#goes.get(client) ?? [], range))
    this.add(client, range)
  }

  /** Both, for many. */
  addPlaces(fresh: readonly Place[], told: readonly Place[]): void {
    for (const [client, clocks] of byClient(told)) {
      this.#goes.set(client, withClocks(this.#goes.get(client) ?? [], clocks))
    }
    for (const [client, clocks] of byClient([...fresh, ...told])) {
      this.#toChange().set(client, withClocks(this.of(client), clocks))
    }
  }

  /** The chain is not in the document any more. */
  drop(client: ClientId): void {
    this.#toChange().delete(client)
  }

  /** What was one client's is another's. */
  move(from: ClientId, to: ClientId): void {
    const ranges = this.#ranges.get(from)
    const own = this.#toChange()
    if (ranges !== undefined) own.set(to, ranges)
    own.delete(from)
  }

  /** What goes with the commit that takes it. */
  takeGoes(): DeleteSet {
    const goes = this.#goes
    this.#goes = new Map()
    return goes
  }

  #toChange(): Map<ClientId, readonly ClockRange[]> {
    this.#own ??= new Map(this.#ranges)
    this.#ranges = this.#own
    return this.#own
  }
}

function byClient(places: readonly Place[]): ReadonlyMap<ClientId, readonly number[]> {
  const clocks = new Map<ClientId, number[]>()
  for (const { client, clock } of places) {
    const known = clocks.get(client)
    if (known === undefined) clocks.set(client, [clock])
    else known.push(clock)
  }
  return clocks
}
