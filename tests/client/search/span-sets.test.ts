// Sets of seqs, against sets of numbers.
import { expect, test } from 'vitest'

import { commonSpans, newestMissing, withSpan } from '../../../client/search/span-sets.ts'
import type { Span } from '../../../client/storage/page-store.ts'
import { forSeeds, type Random } from '../../helpers/seeded-random.ts'

const end = 60
const numbers = Array.from({ length: end }, (_, index) => index)

function isIn(spans: readonly Span[], seq: number): boolean {
  return spans.some(({ from, to }) => from <= seq && seq < to)
}

function makeSpans(random: Random): readonly Span[] {
  let spans: readonly Span[] = []
  for (let left = random.below(5); left > 0; left--) {
    const from = random.below(end)
    spans = withSpan(spans, { from, to: random.between(from + 1, end) })
  }
  return spans
}

test('[SEARCH1] what is read of what is kept, newest first and in small runs, is all of it, each once', () => {
  forSeeds('spans', 300, (random) => {
    const [kept, known] = [makeSpans(random), makeSpans(random)]
    const common = commonSpans(kept, known)
    expect(numbers.filter((seq) => isIn(common, seq))).toEqual(
      numbers.filter((seq) => isIn(kept, seq) && isIn(known, seq)),
    )
    let read = common
    let last = end
    for (let span = newestMissing(kept, read, 7); span !== undefined; span = newestMissing(kept, read, 7)) {
      expect(span.to - span.from).toBeLessThanOrEqual(7)
      expect(span.to).toBeLessThanOrEqual(last)
      last = span.from
      for (let seq = span.from; seq < span.to; seq++) expect([isIn(kept, seq), isIn(read, seq)]).toEqual([true, false])
      read = withSpan(read, span)
    }
    expect(numbers.filter((seq) => isIn(read, seq))).toEqual(numbers.filter((seq) => isIn(kept, seq)))
  })
})
