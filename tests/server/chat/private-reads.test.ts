// What is read in private counts for whoever asks, takes a bounded place, and costs a list one look.
import { expect, test } from 'vitest'

import type { Conversations } from '../../../server/conversations.ts'
import { Refused } from '../../../server/conversations.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import type { MessageId } from '../../../shared/chat/entry.ts'
import { privateConversationOf } from '../../../shared/chat/private-conversation.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { userId } from '../../helpers/chain-doc.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { storeAround } from '../../helpers/store-around.ts'
import { createSyncNode } from '../../helpers/sync-node.ts'

const [ann, bob] = [userId('ann'), userId('bob')]
const bobs = privateConversationOf(bob)

/** A root with an answer in its thread. */
async function answered(conversations: Conversations, id: ConversationId): Promise<{ root: MessageId; seq: number }> {
  const root = (await conversations.post(ann, id, messageEntry('root'), undefined)).message.id
  const answer = messageEntry('answer', { thread: root })
  return { root, seq: (await conversations.post(ann, id, answer, undefined)).message.seq }
}

test('[PRIVATE2] registers of threads are so many at most, and go when all is read that far', async () => {
  const { conversations, create } = createSyncNode()
  const id = await create('ann', 'bob')
  const threads: { root: MessageId; seq: number }[] = []
  for (let index = 0; index <= limits.privateThreadReads; index++) threads.push(await answered(conversations, id))
  const read = (through: number, thread?: MessageId) =>
    conversations.read(bob, id, { through, private: true, ...(thread === undefined ? {} : { thread }) })
  const keys = async (): Promise<number> => (await conversations.privateState(bob)).length
  for (const { root, seq } of threads.slice(1)) await read(seq, root)
  expect(await keys()).toBe(limits.privateThreadReads)
  const [first, middle] = [threads[0], threads[100]]
  if (first === undefined || middle === undefined) throw new Error('no threads')
  await expect(read(first.seq, first.root)).rejects.toThrow(new Refused('too-many'))
  // One that is there already goes on, and one commit takes those that are passed.
  expect(await read(middle.seq, middle.root)).toMatchObject({ through: middle.seq })
  expect((await conversations.own(bob, id)).unread).toBe(limits.privateThreadReads + 2)
  await read(middle.seq)
  expect(await keys()).toBe(1 + limits.privateThreadReads - 100)
  const { unread, register, threads: beyond } = await conversations.own(bob, id)
  expect([unread, register, beyond.size]).toEqual([100, { through: middle.seq, received: -1 }, 100])
  // Of somebody else nothing has changed.
  expect((await conversations.own(ann, id)).register).toEqual({ through: -1, received: -1 })
})

test('[PRIVATE2] a list looks once, whatever its length, and begins no private conversation; a damaged one takes nothing along', async () => {
  const inner = createMemoryStore()
  const asked: unknown[][] = []
  const store = storeAround(inner, (name, ask, args) => {
    if (name === 'settings') asked.push([...args])
    return ask()
  })
  const { conversations, create } = createSyncNode({ store })
  const ids: ConversationId[] = []
  for (let index = 0; index < 20; index++) ids.push(await create('ann', 'bob'))
  const id = ids[7] ?? bobs
  const { message } = await conversations.post(ann, id, messageEntry('one'), undefined)
  const list = async (): Promise<number | undefined> => {
    const { items } = await conversations.list(bob, { limit: 200, cursor: undefined })
    expect(items).toHaveLength(20)
    return items.find((item) => item.id === id)?.unread
  }
  asked.length = 0
  expect(await list()).toBe(1)
  expect(asked).toEqual([[bobs, 'read/']])
  expect(await store.head(bobs)).toBeUndefined()
  await conversations.read(bob, id, { through: message.seq, private: true })
  expect(await list()).toBe(0)
  store.condemn(bobs, 'a test')
  expect(await list()).toBe(1)
  expect((await conversations.own(bob, id)).unread).toBe(1)
})
