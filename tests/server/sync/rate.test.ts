// A bucket for each user: what is taken, what is waited for, what is forgotten.
import { describe, expect, test } from 'vitest'

import { createRates, type Rates } from '../../../server/sync/rate.ts'
import { limits } from '../../../shared/limits.ts'
import { parseUserId, type UserId } from '../../../shared/sync/ids.ts'
import { createRandom } from '../../helpers/seeded-random.ts'

function user(name: string): UserId {
  const id = parseUserId(name)
  if (id === undefined) throw new Error(`no user id: ${name}`)
  return id
}

const [ann, bob] = [user('ann'), user('bob')]

interface Stand {
  readonly rates: Rates
  readonly pass: (ms: number) => void
}

function start({ perSecond = 10, burst = 50 } = {}): Stand {
  let nowMs = 1_700_000_000_000
  return {
    rates: createRates({ now: () => nowMs, perSecond, burst }),
    pass: (ms) => {
      nowMs += ms
    },
  }
}

describe('createRates', () => {
  test('[LIMIT1] a burst goes at once, and what is beyond it has to wait for its place', () => {
    const { rates } = start()
    for (let n = 0; n < 50; n++) expect(rates.take(ann, 1)).toBe(0)
    expect([rates.take(ann, 1), rates.take(ann, 1), rates.take(ann, 3)]).toEqual([100, 200, 500])
  })

  test('[LIMIT1] others do not feel it', () => {
    const { rates } = start()
    expect(rates.take(ann, 1_000_000)).toBe(99_995_000)
    expect(rates.take(bob, 50)).toBe(0)
  })

  test('[LIMIT1] whoever waits as told is never in debt again, and a bucket is never more than full', () => {
    const { rates, pass } = start()
    pass(rates.take(ann, 80))
    expect(rates.take(ann, 0)).toBe(0)
    expect(rates.take(ann, 1)).toBe(100)
    pass(3_600_000)
    expect(rates.take(ann, 51)).toBe(100)
  })

  test('[LIMIT1] a backlog of any size is delayed by exactly its length', () => {
    const { rates, pass } = start()
    const waitMs = rates.take(ann, 10_050)
    expect(waitMs).toBe(1_000_000)
    pass(waitMs - 1)
    expect(rates.take(ann, 0)).toBe(1)
    pass(1)
    expect(rates.take(ann, 0)).toBe(0)
  })

  test('[LIMIT1] what would wait beyond the patience costs nothing, so that asking again does not push it away', () => {
    const { rates, pass } = start()
    rates.take(ann, 60)
    for (let n = 0; n < 1000; n++) expect(rates.take(ann, 1, 1000)).toBe(1100)
    pass(100)
    expect(rates.take(ann, 1, 1000)).toBe(1000)
    expect(rates.take(ann, 1, 1000)).toBe(1100)
  })

  test('[LIMIT1] asking costs nothing and remembers nobody', () => {
    const { rates } = start()
    for (let n = 0; n < 1000; n++) expect(rates.take(user(`user-${n}`), 0)).toBe(0)
    expect(rates.size).toBe(0)
  })

  test('[LIMIT1] idle users are forgotten, those in debt are not', () => {
    const { rates, pass } = start()
    rates.take(ann, 1_000_000)
    let most = 0
    for (let n = 0; n < 100_000; n++) {
      rates.take(user(`user-${n}`), 1)
      pass(1)
      most = Math.max(most, rates.size)
    }
    // At any time 100 of them are not full again: one entry comes back in 100 ms.
    expect(most).toBeGreaterThan(100)
    expect(most).toBeLessThanOrEqual(1024)
    expect(rates.take(ann, 0)).toBe(99_995_000 - 100_000)
  })

  test('[LIMIT1] a clock that is set back or ahead keeps nobody out', () => {
    const { rates, pass } = start()
    rates.take(ann, 60)
    pass(-3_600_000)
    expect(rates.take(ann, 0)).toBe(1000)
    pass(1000)
    expect(rates.take(ann, 0)).toBe(0)
    pass(3_600_000)
    expect(rates.take(ann, 50)).toBe(0)
    pass(-3_600_000)
    expect(rates.take(ann, 10)).toBe(1000)
  })

  test('[LIMIT1] over any time no more is let through than a burst and what came back', () => {
    const random = createRandom(Date.now() % 1_000_000)
    const { seed } = random
    const { rates, pass } = start()
    let [elapsedMs, taken, excess] = [0, 0, 0]
    for (let n = 0; n < 5000; n++) {
      const cost = random.between(1, 20)
      const waitMs = rates.take(ann, cost, 2000)
      if (waitMs <= 2000) {
        taken += cost
        excess = Math.max(excess, taken - 50 - ((elapsedMs + waitMs) / 1000) * 10)
      }
      const passes = random.chance(0.5) ? 0 : random.below(3000)
      elapsedMs += passes
      pass(passes)
    }
    expect(excess, `seed ${seed}`).toBeLessThan(1e-6)
    expect(taken, `seed ${seed}`).toBeGreaterThan(5000)
  })

  test('[LIMIT1] the limit is 1,000 entries a second and 5,000 at once', () => {
    const { rates } = start({ perSecond: limits.entriesPerSecondPerUser, burst: limits.burstEntriesPerUser })
    expect(rates.take(ann, 5000)).toBe(0)
    expect(rates.take(ann, 1000)).toBe(1000)
  })
})
