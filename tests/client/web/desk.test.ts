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
