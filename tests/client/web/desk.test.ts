// What the page has open, when a conversation is deleted from the device under it.
import { expect, test, vi } from 'vitest'

import { createDesk } from '../../../client/web/desk.ts'
import { startClientRig } from '../../helpers/client-rig.ts'
import { conversationId, conversationRow } from '../../helpers/client-rows.ts'
import { keepingMemory } from '../../helpers/open-rig.ts'

test('[WIPE2] what was open says why it is not any more, and can be opened again', async () => {
  vi.useFakeTimers()
  const one = conversationId(1)
  const storage = keepingMemory()
  await storage.putConversation(conversationRow(one, { access: 'writer' }))
  const rig = startClientRig({ storage })
  rig.server(one)
  const place = createDesk(rig.client, () => undefined).at(one)
  place.subscribe(() => undefined)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(place.getSnapshot().phase).toBe('open')
  rig.sync.last().say({ type: 'activity', moved: [], gone: [{ conversation: one, code: 'no-access', wipe: true }] })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(place.getSnapshot()).toMatchObject({ phase: 'failed', reason: expect.stringContaining('deleted') })
  place.retry()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(place.getSnapshot().phase).toBe('open')
  await rig.client.close()
  vi.useRealTimers()
})

test('[MEMBER2] one that is gone is read until it is forgotten, and says so then', async () => {
  vi.useFakeTimers()
  const one = conversationId(1)
  const storage = keepingMemory()
  await storage.putConversation(conversationRow(one, { access: 'writer' }))
  const rig = startClientRig({ storage })
  rig.server(one)
  const desk = createDesk(rig.client, () => undefined)
  const place = desk.at(one)
  place.subscribe(() => undefined)
  await vi.advanceTimersByTimeAsync(10_000)
  desk.forget(one)
  await vi.advanceTimersByTimeAsync(1000)
  expect(place.getSnapshot()).toMatchObject({ phase: 'failed', reason: 'The conversation is not gone.' })
  place.retry()
  await vi.advanceTimersByTimeAsync(1000)
  rig.sync.remove(one)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(place.getSnapshot().phase).toBe('open')
  desk.forget(one)
  await vi.advanceTimersByTimeAsync(1000)
  expect(place.getSnapshot()).toEqual({ phase: 'failed', reason: 'It was deleted from this device.' })
  expect(rig.client.conversations.getSnapshot()).toEqual([])
  await rig.client.close()
  vi.useRealTimers()
})
