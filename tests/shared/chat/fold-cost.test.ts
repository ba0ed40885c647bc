// What folding a full window costs, against decoding and parsing the same bytes in the same run. Generous: a busy machine is no
// failure, twice the work for each message of all of them is. `npm run bench fold` has the budget.
import { decodeUtf8 } from 'lib0/string'
import { expect, test } from 'vitest'

import type { ChainSource } from '../../../shared/chat/chain-source.ts'
import { ConversationFold } from '../../../shared/chat/fold.ts'
import { limits } from '../../../shared/limits.ts'
import { createMixedWindow } from '../../helpers/mixed-window.ts'

const rounds = 25
const mostTimes = 10

function time(job: () => unknown): number {
  const start = performance.now()
  job()
  return performance.now() - start
}

test('[VIEW1] a full window is read once, entry by entry, and folded within ten times of parsing it', () => {
  const window = createMixedWindow(7)
  const source = window.source()
  let asked = 0
  const counting: ChainSource = {
    ...source,
    payloadAt: (...place) => (asked++, source.payloadAt(...place)),
    recordAt: (...place) => (asked++, source.recordAt(...place)),
  }
  const foldOf = (from: ChainSource): ConversationFold => {
    const fold = new ConversationFold()
    fold.advance(from, window.server)
    return fold
  }
  expect(foldOf(counting).view(source).sent).toHaveLength(window.messages)
  expect(asked).toBeLessThan(2.1 * limits.windowEntries)

  const best = { fold: Infinity, parse: Infinity }
  for (let round = 0; round < rounds; round++) {
    best.fold = Math.min(
      best.fold,
      time(() => foldOf(source).view(source)),
    )
    best.parse = Math.min(
      best.parse,
      time(() => window.payloads.map((payload): unknown => JSON.parse(decodeUtf8(payload.subarray(1))))),
    )
  }
  console.log(`fold: ${(best.fold / best.parse).toFixed(1)} times of parsing`)
  expect(best.fold / best.parse).toBeLessThan(mostTimes)
})
