// How long the background waits for what somebody has open.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import type { ConnectionStatus, ConversationStatus } from '../../client/api.ts'
import { createPatience } from '../../client/patience.ts'
import { createStore } from '../../client/store.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('[BACK1] it ends after 30 s of waiting, however often the conversation changes, and begins anew when it was served', async () => {
  const onOver = vi.fn<() => void>()
  const patience = createPatience(onOver)
  const status = createStore<ConversationStatus>({
    connection: { phase: 'connecting' },
    storage: { phase: 'persistent' },
    pending: 0,
  })
  const become = (connection: ConnectionStatus): void => status.set({ ...status.getSnapshot(), connection })
  const conversation = { status }
  const look = (): void => patience.look(conversation)
  status.subscribe(look)
  look()
  await vi.advanceTimersByTimeAsync(29_999)
  become({ phase: 'syncing' })
  expect(patience.isServed(conversation)).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect([patience.isServed(conversation), onOver.mock.calls.length]).toEqual([true, 1])
  become({ phase: 'live' })
  become({ phase: 'connecting' })
  expect(patience.isServed(conversation)).toBe(false)
  become({ phase: 'closed' })
  expect([patience.isServed(conversation), vi.getTimerCount()]).toEqual([true, 0])
})
