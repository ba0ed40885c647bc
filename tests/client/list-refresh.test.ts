// How often, and for how much, the list is asked for when conversations move.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { createListRefresh } from '../../client/list-refresh.ts'
import { deferred } from '../helpers/when.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('[BACK1] the first news are asked for at once, a burst behind them together, and not more often than every 2 s', async () => {
  const asked: number[] = []
  const settled = vi.fn<() => void>()
  const refresh = createListRefresh(async (count) => void asked.push(count), settled)
  refresh.need(3)
  refresh.need(1)
  expect(asked).toEqual([3])
  await vi.advanceTimersByTimeAsync(1999)
  for (let count = 0; count < 100; count++) refresh.need(1)
  expect(asked).toEqual([3])
  expect(settled).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(asked).toEqual([3, 101])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(asked).toEqual([3, 101])
  refresh.need(2)
  expect(asked).toEqual([3, 101, 2])
  refresh.close()
})

test('[BACK1] while it is asked for it is busy; what fails is not tried again by itself', async () => {
  const answers = [deferred(), deferred()]
  const load = vi.fn<(count: number) => Promise<void>>()
  for (const { promise } of answers) load.mockReturnValueOnce(promise)
  const settled = vi.fn<() => void>()
  const refresh = createListRefresh(load, settled)
  refresh.need(1)
  expect(refresh.isBusy()).toBe(true)
  answers[0]?.reject(new Error('no network'))
  await vi.advanceTimersByTimeAsync(10_000)
  expect([refresh.isBusy(), settled.mock.calls.length, load.mock.calls.length]).toEqual([false, 1, 1])
  refresh.need(1)
  refresh.close()
  answers[1]?.resolve()
  await vi.advanceTimersByTimeAsync(10_000)
  refresh.need(1)
  expect(load).toHaveBeenCalledTimes(2)
  expect(vi.getTimerCount()).toBe(0)
})
