// The unread count of a list: others' messages behind the own read register, up to what a badge can show.
import { expect, test } from 'vitest'

import { limits } from '../../../shared/limits.ts'
import { createDoc, userId } from '../../helpers/chain-doc.ts'
import { encodeEntry } from '../../../shared/chat/entry.ts'
import { bringTogether, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode } from '../../helpers/sync-node.ts'

const bob = userId('bob')

test('[REST3] unread counts others’ messages behind the read register, and stops at 999', async () => {
  const node = createSyncNode()
  const id = await node.create('ann', 'bob')
  const unread = async (): Promise<number | undefined> => {
    const { items } = await node.conversations.list(bob, { limit: 10, cursor: undefined })
    return items[0]?.unread
  }
  const ann = new FakeDevice('ann', id, createDoc(1))
  ann.append(...Array.from({ length: limits.unreadCount - 1 }, (_, index) => encodeEntry(messageEntry(`${index}`))))
  await bringTogether(node, [ann])
  expect(await unread()).toBe(998)
  ann.append(...['one', 'two', 'three'].map((text) => encodeEntry(messageEntry(text))))
  await bringTogether(node, [ann])
  expect(await unread()).toBe(999)
  const { messages } = await node.conversations.messages(bob, id, { limit: 3 })
  await node.conversations.apply(bob, id, { kind: 'read', through: messages[0]?.seq ?? -1 })
  expect(await unread()).toBe(2)
  await node.conversations.apply(bob, id, { kind: 'read', through: messages[2]?.seq ?? -1 })
  expect(await unread()).toBe(0)
})
