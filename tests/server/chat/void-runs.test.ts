// A chain that is void again and again is closed; what was judged before that stays, also in the same slice.
import { expect, test } from 'vitest'

import { encodeEntry } from '../../../shared/chat/entry.ts'
import { limits } from '../../../shared/limits.ts'
import { jsonPayload } from '../../helpers/adversarial-cast.ts'
import { clientId, createDoc, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, endlessWindow } from '../../helpers/sync-node.ts'

const broken = jsonPayload('{')

function said(text: string, at: number): Uint8Array {
  return encodeEntry(messageEntry(text, { at }))
}

test(`[SYNC7] at the void behind ${limits.voidRunsPerChain} runs: overloaded, and what stands before it is durable`, async () => {
  const node = createSyncNode({ window: endlessWindow })
  const id = await node.create('ann')
  const runs = Array.from({ length: limits.voidRunsPerChain }, (_, index) => [said(`${index}`, index), broken]).flat()
  const device = new FakeDevice('ann', id, createDoc(1))
  device.append(...runs)
  await bringTogether(node, [device])
  expect(device.closes).toEqual([])
  expect((await node.gate.store.deleted(id))[0]?.ranges).toHaveLength(limits.voidRunsPerChain)

  device.append(said('before', 5000), said('and right before', 5001), broken, said('behind', 5002))
  await deliverAll(node, [device])
  expect(device.closes).toEqual(['overloaded'])
  // Nobody has written anything since.
  const { messages } = await node.conversations.messages(userId('ann'), id, { limit: 10_000 })
  expect(messages.slice(-3).map(({ content }) => content)).toEqual([
    `${limits.voidRunsPerChain - 1}`,
    'before',
    'and right before',
  ])
  expect((await node.gate.store.deleted(id))[0]?.ranges).toHaveLength(limits.voidRunsPerChain)
  const { places } = await node.conversations.chain(userId('ann'), id, clientId(1), runs.length)
  expect(places.map(({ outcome }) => outcome.kind)).toEqual(['accepted', 'accepted'])

  // Runs are counted by those that the disk has, too.
  device.disconnect()
  const reopened = createSyncNode({ store: node.gate.store, window: endlessWindow })
  await bringTogether(reopened, [device])
  expect(device.closes).toEqual(['overloaded', 'overloaded'])
  expect((await node.conversations.get(userId('ann'), id)).lastSeq).toBe(runs.length + 1)
  expect([node.errors, node.storeFailures, reopened.errors, reopened.storeFailures]).toEqual([[], [], [], []])
})

test('[SYNC7] one run, however long, is no reason: it costs everybody one range', async () => {
  const node = createSyncNode({ window: endlessWindow })
  const id = await node.create('ann')
  const device = new FakeDevice('ann', id, createDoc(1))
  device.append(...Array.from({ length: 2 * limits.voidRunsPerChain }, () => broken), said('behind', 1))
  await bringTogether(node, [device])
  expect([device.closes, device.folded.texts()]).toEqual([[], ['behind']])
  expect((await node.gate.store.deleted(id))[0]?.ranges).toHaveLength(1)
})
