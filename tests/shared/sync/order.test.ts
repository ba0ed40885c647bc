import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { inFoldOrder, type Placed } from '../../../shared/sync/order.ts'
import { clientId } from '../../helpers/chain-doc.ts'
import { announceSeed } from '../../helpers/seeded-random.ts'

const times = fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined })
/** Chains of a few entries with few different times, so that ties are common. */
const chains = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.nat({ max: 3 }), fc.array(times, { maxLength: 7 })), {
    selector: ([client]) => client,
    maxLength: 5,
  })
  .map((list) =>
    list.map(([client, first, ats]) =>
      ats.map((at, index): Placed => ({ client: clientId(client), clock: first + index, at })),
    ),
  )

function seeded(name: string): { seed: number; numRuns: number } {
  return { seed: announceSeed(name), numRuns: 1_000 }
}

test("[ORDER1] an author's own entries never change places", () => {
  fc.assert(
    fc.property(chains, (list) => {
      const ordered = inFoldOrder(list.flat())
      for (const chain of list) expect(ordered.filter(({ client }) => client === chain[0]?.client)).toEqual(chain)
    }),
    seeded('ORDER1 own entries'),
  )
})

test('[ORDER1] the order does not depend on which chain comes first', () => {
  fc.assert(
    fc.property(chains, fc.nat(), (list, turn) => {
      const turned = [...list.slice(turn % (list.length + 1)), ...list.slice(0, turn % (list.length + 1))]
      expect(inFoldOrder(turned.flat())).toEqual(inFoldOrder(list.flat()))
      expect(inFoldOrder(list.toReversed().flat())).toEqual(inFoldOrder(list.flat()))
    }),
    seeded('ORDER1 chains'),
  )
})

test('[ORDER1] between chains the running maximum of the time decides, then the clientID, then the clock', () => {
  fc.assert(
    fc.property(chains, (list) => {
      const keys = new Map(
        list.flatMap((chain) =>
          chain.map(
            (entry, index) => [entry, Math.max(0, ...chain.slice(0, index + 1).map(({ at }) => at ?? 0))] as const,
          ),
        ),
      )
      const key = (entry: Placed): readonly number[] => [keys.get(entry) ?? 0, entry.client, entry.clock]
      const ordered = inFoldOrder(list.flat()).map(key)
      for (const [index, [at = 0, client = 0, clock = 0]] of ordered.slice(1).entries()) {
        const [atBefore = 0, clientBefore = 0, clockBefore = 0] = ordered[index] ?? []
        expect(at - atBefore || client - clientBefore || clock - clockBefore).toBeGreaterThan(0)
      }
    }),
    seeded('ORDER1 keys'),
  )
})

test('[ORDER1] a clock that was set back, an entry without a time, and a tie', () => {
  const entry = (client: number, clock: number, at?: number): Placed => ({ client: clientId(client), clock, at })
  const ann = [entry(1, 0, 100), entry(1, 1, 50), entry(1, 2)]
  const bob = [entry(2, 0), entry(2, 1, 99), entry(2, 2, 100), entry(2, 3, 101)]
  const shown = (entries: readonly Placed[]): string[] => entries.map(({ client, clock }) => `${client}/${clock}`)
  expect(shown(inFoldOrder([...bob, ...ann]))).toEqual(['2/0', '2/1', '1/0', '1/1', '1/2', '2/2', '2/3'])
  expect(inFoldOrder([])).toEqual([])
})
