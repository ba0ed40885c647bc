// The archive comes to the device by itself: newest first, resumable, within the budget, out of everybody's way.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { type FillRow, newestGap, PageFill, type PageFillDeps } from '../../client/page-fill.ts'
import type { MessagesAnswer } from '../../client/rest-answers.ts'
import { RestFailure } from '../../client/rest-client.ts'
import type { PageStore } from '../../client/storage/page-store.ts'
import { messageOf, stampMessage } from '../../shared/chat/message.ts'
import { ann, conversationId, message } from '../helpers/client-rows.ts'
import { keepingMemory } from '../helpers/open-rig.ts'

const [one, two, three] = [conversationId(1), conversationId(2), conversationId(3)]

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

interface FillRig {
  readonly fill: PageFill
  readonly store: PageStore
  readonly rows: FillRow[]
  readonly asked: string[]
  readonly told: { kept: number; full: number; readonly failures: unknown[] }
  most: number
  hasTime: boolean
  answer: () => Promise<void>
}

function start(
  rows: readonly FillRow[],
  store: PageStore = keepingMemory().pages,
  more: Partial<PageFillDeps> = {},
): FillRig {
  let underWay = 0
  const rig: FillRig = {
    store,
    rows: [...rows],
    asked: [],
    told: { kept: 0, full: 0, failures: [] },
    most: 0,
    hasTime: true,
    answer: async () => undefined,
    fill: new PageFill({
      rows: () => rig.rows,
      store: async () => store,
      hasTime: () => rig.hasTime,
      onKept: () => void rig.told.kept++,
      onFull: () => void rig.told.full++,
      onFailure: (error) => void rig.told.failures.push(error),
      fetch: async (id, { before, limit }): Promise<MessagesAnswer> => {
        rig.asked.push(`${id.at(-1)} before ${before}`)
        rig.most = Math.max(rig.most, ++underWay)
        await rig.answer()
        await Promise.resolve()
        underWay--
        const from = Math.max(0, before - limit)
        const seqs = Array.from({ length: before - from }, (_, index) => from + index)
        return { messages: seqs.map((seq) => stampMessage(messageOf(ann, message(seq + 1)), seq, 1)), asOf: 5000 }
      },
      ...more,
    }),
  }
  return rig
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1)

test('the newest gap is the last run that is not kept', () => {
  expect(newestGap([], 10)).toEqual({ from: 0, to: 10 })
  expect(newestGap([{ from: 0, to: 10 }], 10)).toBeUndefined()
  expect(newestGap([{ from: 4, to: 20 }], 10)).toEqual({ from: 0, to: 4 })
  expect(
    newestGap(
      [
        { from: 2, to: 5 },
        { from: 7, to: 9 },
      ],
      10,
    ),
  ).toEqual({ from: 9, to: 10 })
  expect(
    newestGap(
      [
        { from: 2, to: 5 },
        { from: 7, to: 10 },
      ],
      10,
    ),
  ).toEqual({ from: 5, to: 7 })
  expect(newestGap([], 0)).toBeUndefined()
})

test('[PAGE4] newest activity first, newest messages first, two at a time, until all is there', async () => {
  const rig = start([
    { id: one, through: 449, updatedAt: 1 },
    { id: two, through: 99, updatedAt: 3 },
    { id: three, through: 99, updatedAt: 2 },
  ])
  rig.answer = () => new Promise((resolve) => setTimeout(resolve, 5))
  rig.fill.proceed()
  await vi.advanceTimersByTimeAsync(100)
  expect(rig.asked).toEqual(['2 before 100', '3 before 100', '1 before 450', '1 before 250', '1 before 50'])
  expect(rig.most).toBe(2)
  for (const { id, through } of rig.rows)
    expect((await rig.store.facts(id)).spans).toEqual([{ from: 0, to: through + 1 }])
  rig.fill.proceed()
  await settle()
  expect(rig.asked).toHaveLength(5)
})

test('[PAGE4] it stops when there is no time, and goes on where it stopped, also after a restart', async () => {
  const rig = start([{ id: one, through: 599, updatedAt: 1 }])
  rig.answer = async () => {
    rig.hasTime = false
  }
  rig.fill.proceed()
  await settle()
  expect(rig.asked).toEqual(['1 before 600'])
  rig.fill.close()
  const later = start(rig.rows, rig.store)
  later.fill.proceed()
  await settle()
  expect(later.asked).toEqual(['1 before 400', '1 before 200'])
})

test('[PAGE4] the budget ends it; nothing that is kept makes way', async () => {
  const store = keepingMemory().pages
  const puts: boolean[] = []
  const rig = start([{ id: one, through: 599, updatedAt: 1 }], {
    ...store,
    put: async (id, run, options) => {
      puts.push(options.mayEvict)
      return puts.length < 2 ? store.put(id, run, options) : 'full'
    },
  })
  rig.fill.proceed()
  await settle()
  expect(puts).toEqual([false, false])
  expect(rig.told).toMatchObject({ kept: 1, full: 1 })
  rig.fill.proceed()
  await settle()
  expect(rig.asked).toHaveLength(2)
})

test('[PAGE4] a device that refuses is told of and not asked again for a while', async () => {
  const store = keepingMemory().pages
  const refused = new Error('QuotaExceededError')
  const rig = start([{ id: one, through: 99, updatedAt: 1 }], { ...store, put: () => Promise.reject(refused) })
  rig.fill.proceed()
  await settle()
  rig.fill.proceed()
  await settle()
  expect(rig.asked).toHaveLength(1)
  expect(rig.told.failures).toEqual([refused])
  await vi.advanceTimersByTimeAsync(600_000)
  expect(rig.asked.length).toBeGreaterThan(1)
  rig.fill.close()
})

test('[PAGE4] a server that cannot be reached is asked again later, one that says no is not, until that may have changed', async () => {
  const rig = start([{ id: one, through: 99, updatedAt: 2 }])
  let tries = 0
  rig.answer = async () => {
    if (++tries === 1) throw new TypeError('fetch failed')
    throw new RestFailure(403, 'no-access', '')
  }
  rig.fill.proceed()
  await settle()
  rig.fill.proceed()
  await settle()
  expect(tries).toBe(1)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(tries).toBe(2)
  rig.fill.proceed()
  await vi.advanceTimersByTimeAsync(600_000)
  expect(tries).toBe(2)
  // The user may read it again.
  rig.answer = async () => undefined
  rig.fill.forget(one)
  rig.fill.proceed()
  await settle()
  expect((await rig.store.facts(one)).spans).toEqual([{ from: 0, to: 100 }])
  expect(rig.told.failures).toEqual([])
})

test('[PAGE4] what is turned off while it is fetched is not gone on with, and what was asked for last is not kept', async () => {
  const rig = start([{ id: one, through: 899, updatedAt: 1 }])
  rig.answer = async () => {
    if (rig.asked.length === 2) rig.rows.length = 0
  }
  rig.fill.proceed()
  await settle()
  expect(rig.asked).toEqual(['1 before 900', '1 before 700'])
  expect((await rig.store.facts(one)).spans).toEqual([{ from: 700, to: 900 }])
})

test('[PAGE4] a device that opens no store is not asked for it without a pause', async () => {
  let asked = 0
  const store = (): Promise<PageStore> => (++asked < 50 ? Promise.reject(new Error('no store')) : new Promise(() => {}))
  const rig = start([{ id: one, through: 899, updatedAt: 1 }], undefined, { store })
  rig.fill.proceed()
  await settle()
  expect(asked).toBe(1)
  rig.fill.close()
})

test('[PAGE4] one that the server cannot give does not keep the others waiting for ever', async () => {
  const rig = start([
    { id: one, through: 99, updatedAt: 9 },
    { id: two, through: 3999, updatedAt: 2 },
    { id: three, through: 3999, updatedAt: 1 },
  ])
  let isDamaged = true
  rig.answer = async () => {
    if (isDamaged && rig.asked.at(-1)?.startsWith('1') === true) throw new RestFailure(503, 'unavailable', 'damaged')
  }
  rig.fill.proceed()
  await vi.advanceTimersByTimeAsync(100_000)
  for (const id of [two, three]) expect((await rig.store.facts(id)).spans).toEqual([{ from: 0, to: 4000 }])
  isDamaged = false
  await vi.advanceTimersByTimeAsync(100_000)
  expect((await rig.store.facts(one)).spans).toEqual([{ from: 0, to: 100 }])
  rig.fill.close()
})
