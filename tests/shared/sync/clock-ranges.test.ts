// Ranges of deleted clocks against a set of numbers that says the same.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import type { ClockRange } from '../../../shared/sync/chain-update/chain-struct.ts'
import {
  clipRanges,
  endAfter,
  isCovered,
  keptCount,
  keptRuns,
  withClocks,
  withRange,
} from '../../../shared/sync/clock-ranges.ts'

const range = fc.record({ clock: fc.nat(40), length: fc.integer({ min: 1, max: 9 }) })
const ranges = fc.array(range, { maxLength: 12 }).map((list) => list.reduce<readonly ClockRange[]>(withRange, []))
const stretch = fc.tuple(fc.nat(55), fc.nat(55)).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))

function clocksOf(list: readonly ClockRange[]): Set<number> {
  return new Set(list.flatMap(({ clock, length }) => Array.from({ length }, (_, index) => clock + index)))
}

function endOf(one: ClockRange | undefined): number {
  return one === undefined ? 0 : one.clock + one.length
}

test('[CODEC2] adding a range keeps them ascending, apart and whole', () => {
  fc.assert(
    fc.property(ranges, range, (list, added) => {
      const result = withRange(list, added)
      expect(clocksOf(result)).toEqual(clocksOf([...list, added]))
      const gaps = result.slice(1).map(({ clock }, index) => clock - endOf(result[index]))
      expect(gaps.every((gap) => gap > 0)).toBe(true)
    }),
  )
})

test('[ARCH3] what is kept of a stretch is what no range covers', () => {
  fc.assert(
    fc.property(ranges, stretch, fc.integer({ min: 1, max: 20 }), (list, { from, to }, count) => {
      const covered = clocksOf(list)
      const kept = Array.from({ length: to - from }, (_, index) => from + index).filter((clock) => !covered.has(clock))
      const runs = keptRuns(list, from, to)
      expect(runs.flatMap((run) => Array.from({ length: run.to - run.from }, (_, index) => run.from + index))).toEqual(
        kept,
      )
      expect(keptCount(list, from, to)).toBe(kept.length)
      expect(clocksOf(clipRanges(list, from, to)).size).toBe(to - from - kept.length)
      for (let clock = from; clock < to; clock++) expect(isCovered(list, clock)).toBe(covered.has(clock))
      expect(keptCount(list, from, endAfter(list, from, to, count))).toBe(Math.min(count, kept.length))
    }),
  )
})

test('[CODEC2] adding many clocks is adding them one by one', () => {
  fc.assert(
    fc.property(ranges, fc.array(fc.nat(60), { maxLength: 20 }), (list, clocks) => {
      const one = clocks.reduce<readonly ClockRange[]>((all, clock) => withRange(all, { clock, length: 1 }), list)
      expect(withClocks(list, clocks)).toEqual(one)
    }),
  )
})
