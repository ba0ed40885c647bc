// What folding a full window costs, against decoding and parsing the same bytes in the same run, measured as `npm run bench fold`
// does, which has the budget itself, 3 times: what a runner of tests makes of imports, and others at work, cost the rest.
import { expect, test } from 'vitest'

import type { ChainSource } from '../../../shared/chat/chain-source.ts'
import { limits } from '../../../shared/limits.ts'
import { foldAll, timeFolds, timesOfParsing } from '../../helpers/fold-timing.ts'
import { createMixedWindow } from '../../helpers/mixed-window.ts'

const rounds = 100
const batches = 10
const mostTimes = 3.6

test('[VIEW1] a full window is read once, entry by entry', () => {
  const window = createMixedWindow(7)
  const source = window.source()
  let asked = 0
  foldAll(window, {
    ...source,
    payloadAt: (...place) => (asked++, source.payloadAt(...place)),
    recordAt: (...place) => (asked++, source.recordAt(...place)),
  } satisfies ChainSource)
  expect(asked).toBeGreaterThan(limits.windowEntries)
  expect(asked).toBeLessThan(2.1 * limits.windowEntries)
})

test(`[VIEW1] a full window is folded within ${mostTimes} times of parsing it`, { timeout: 120_000 }, async () => {
  const window = createMixedWindow(7)
  const source = window.source()
  let times = Infinity
  const [folded, parsed]: [number[], number[]] = [[], []]
  // The best of many rounds, where others are at work more of them: never of so many that twice the work passes.
  for (let batch = 0; batch < batches && times > mostTimes; batch++) {
    const { parse, folds } = await timeFolds(window, rounds, [() => source])
    folded.push(...folds.flat())
    parsed.push(...parse)
    times = timesOfParsing(folded, parsed)
  }
  console.log(`fold: ${times.toFixed(2)} times of parsing, the best of ${folded.length} rounds`)
  expect(times).toBeLessThan(mostTimes)
})
