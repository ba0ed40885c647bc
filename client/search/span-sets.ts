/** Sets of seqs as ascending spans that do not touch. Pure. */

import type { Span } from '../storage/page-store.ts'

/** What lies in both. */
export function commonSpans(a: readonly Span[], b: readonly Span[]): readonly Span[] {
  const common: Span[] = []
  for (const one of a) {
    for (const other of b) {
      const [from, to] = [Math.max(one.from, other.from), Math.min(one.to, other.to)]
      if (from < to) common.push({ from, to })
    }
  }
  return common
}

/** The last run of at most `most` seqs that is in the spans, but not in the others. */
export function newestMissing(spans: readonly Span[], others: readonly Span[], most: number): Span | undefined {
  for (const { from, to } of spans.toReversed()) {
    let end = to
    for (const other of others.toReversed()) {
      if (other.from >= end) continue
      if (other.to < end) break
      end = other.from
    }
    if (end <= from) continue
    const before = others.findLast((other) => other.to < end)?.to ?? from
    return { from: Math.max(from, before, end - most), to: end }
  }
  return undefined
}

export function withSpan(spans: readonly Span[], span: Span): readonly Span[] {
  const joined: { from: number; to: number }[] = []
  for (const { from, to } of [...spans, span].toSorted((a, b) => a.from - b.from)) {
    const last = joined.at(-1)
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to)
    else joined.push({ from, to })
  }
  return joined
}
