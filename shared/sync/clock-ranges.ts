/** Ranges of clocks, ascending, apart from each other: what is deleted of a chain. Pure; every result is a new list. */

import type { ClockRange } from './chain-update/chain-struct.ts'

/** Clocks from `from`, inclusive, to `to`, exclusive. */
export interface ClockRun {
  readonly from: number
  readonly to: number
}

/** Adds a range, which may touch or overlap others. */
export function withRange(ranges: readonly ClockRange[], added: ClockRange): ClockRange[] {
  const last = ranges.at(-1)
  // Nearly always: behind all others.
  if (last === undefined || last.clock + last.length < added.clock) return [...ranges, added]
  const result: ClockRange[] = []
  let { clock } = added
  let end = clock + added.length
  let isPlaced = false
  for (const range of ranges) {
    const rangeEnd = range.clock + range.length
    if (rangeEnd < clock) {
      result.push(range)
    } else if (range.clock > end) {
      if (!isPlaced) result.push({ clock, length: end - clock })
      isPlaced = true
      result.push(range)
    } else {
      clock = Math.min(clock, range.clock)
      end = Math.max(end, rangeEnd)
    }
  }
  if (!isPlaced) result.push({ clock, length: end - clock })
  return result
}

/** Adds clocks, in whatever order; for many of them, where one after another would be quadratic. */
export function withClocks(ranges: readonly ClockRange[], clocks: readonly number[]): ClockRange[] {
  const added = clocks.map((clock): ClockRange => ({ clock, length: 1 }))
  const merged: { clock: number; length: number }[] = []
  for (const { clock, length } of [...ranges, ...added].toSorted((a, b) => a.clock - b.clock)) {
    const last = merged.at(-1)
    if (last === undefined || last.clock + last.length < clock) merged.push({ clock, length })
    else last.length = Math.max(last.length, clock + length - last.clock)
  }
  return merged
}

/** The runs of a stretch that no range covers, ascending. */
export function keptRuns(ranges: readonly ClockRange[], from: number, to: number): ClockRun[] {
  const runs: ClockRun[] = []
  let next = from
  for (const { clock, length } of ranges) {
    if (clock >= to) break
    if (clock > next) runs.push({ from: next, to: clock })
    next = Math.max(next, clock + length)
  }
  if (next < to) runs.push({ from: next, to })
  return runs
}

/** How many clocks of a stretch no range covers. */
export function keptCount(ranges: readonly ClockRange[], from: number, to: number): number {
  let count = Math.max(0, to - from)
  for (const { clock, length } of ranges) {
    if (clock >= to) break
    count -= Math.max(0, Math.min(to, clock + length) - Math.max(from, clock))
  }
  return count
}

/** Where a stretch ends that begins at `from` and has `count` clocks that no range covers; `to` when there are no more. */
export function endAfter(ranges: readonly ClockRange[], from: number, to: number, count: number): number {
  let left = count
  for (const run of keptRuns(ranges, from, to)) {
    if (run.to - run.from >= left) return run.from + left
    left -= run.to - run.from
  }
  return to
}

export function isCovered(ranges: readonly ClockRange[], clock: number): boolean {
  return ranges.some((range) => range.clock <= clock && clock < range.clock + range.length)
}

/** The parts of ranges within a stretch. */
export function clipRanges(ranges: readonly ClockRange[], from: number, to: number): ClockRange[] {
  return ranges.flatMap(({ clock, length }) => {
    const start = Math.max(clock, from)
    const end = Math.min(clock + length, to)
    return start < end ? [{ clock: start, length: end - start }] : []
  })
}
