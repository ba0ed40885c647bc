// Whoever is removed hears nothing of what was written afterwards, also when both are one commit.
import { expect, test } from 'vitest'

import { encodeEntry } from '../../../shared/chat/entry.ts'
import { createDoc, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode } from '../../helpers/sync-node.ts'

const [ann, bob] = [userId('ann'), userId('bob')]

test('[MEMBER1] what follows a removal in the same commit is relayed to those who stayed, and not to who was removed', async () => {
  const node = createSyncNode()
  const id = await node.create('ann', 'bob', 'eve')
  const [first, second, third] = [
    new FakeDevice('ann', id, createDoc(1)),
    new FakeDevice('bob', id, createDoc(2)),
    new FakeDevice('eve', id, createDoc(3)),
  ]
  const tab = new FakeDevice('bob', id, createDoc(4))
  const devices = [first, second, third, tab]
  await bringTogether(node, devices)
  first.append(encodeEntry(messageEntry('for all')))
  await deliverAll(node, devices)

  node.gate.hold()
  first.append(encodeEntry(messageEntry('in flight')))
  await deliverAll(node, devices)
  const before = node.gate.batches().length
  const removal = node.conversations.apply(ann, id, { kind: 'member', user: bob, access: null })
  await node.settled()
  first.append(encodeEntry(messageEntry('behind his back')))
  first.deliverUp()
  await node.settled()
  node.gate.open()
  await removal
  await deliverAll(node, devices)

  // The removal and the message were one commit, or nothing is shown by this.
  const batches = node.gate.batches().slice(before)
  expect(batches).toHaveLength(1)
  expect(batches[0]?.map((commit) => (commit.kind === 'write' ? commit.entries.length : 0))).toEqual([2])
  expect(devices.map(({ closes }) => closes)).toEqual([[], ['no-access'], [], ['no-access']])
  expect(third.folded.texts()).toEqual(['for all', 'in flight', 'behind his back'])
  for (const removed of [second, tab]) expect(removed.folded.texts()).toEqual(['for all', 'in flight'])
  expect(node.errors).toEqual([])
})

test('[MEMBER1] who is removed and taken back in one commit stays, and hears of it', async () => {
  const node = createSyncNode()
  const id = await node.create('ann', 'bob')
  const device = new FakeDevice('bob', id, createDoc(2))
  await bringTogether(node, [device])
  node.gate.hold()
  const inFlight = node.conversations.post(ann, id, messageEntry('in flight'), undefined)
  await node.settled()
  const changes = [null, 'reader' as const].map((access) =>
    node.conversations.apply(ann, id, { kind: 'member', user: bob, access }),
  )
  await node.settled()
  node.gate.open()
  await Promise.all([inFlight, ...changes])
  await deliverAll(node, [device])
  expect(device.closes).toEqual([])
  expect(device.folded.view().members.get(bob)).toBe('reader')
})
