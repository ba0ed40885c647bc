// Whoever is removed while they read is told nothing of what came behind that, and what is deleted meanwhile is told as such.
import { describe, expect, test } from 'vitest'

import { createConversations } from '../../../server/chat/service.ts'
import type { Conversations } from '../../../server/conversations.ts'
import type { ConversationStore } from '../../../server/storage/conversation-store.ts'
import type { MessageId } from '../../../shared/chat/entry.ts'
import { Fault, type FaultCode } from '../../../shared/fault.ts'
import type { ClientId, ConversationId } from '../../../shared/sync/ids.ts'
import { userId } from '../../helpers/chain-doc.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { storeAround } from '../../helpers/store-around.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'

const [ann, bob] = [userId('ann'), userId('bob')]

interface Told {
  readonly from: Conversations
  readonly id: ConversationId
  readonly of: MessageId
  readonly chain: ClientId
}

/** Every way in which a member reads, and a read of the store on it, behind the look at whether they are one. */
const ways: readonly (readonly [string, keyof ConversationStore, (told: Told) => Promise<unknown>])[] = [
  ['messages', 'messages', ({ from, id }) => from.messages(bob, id, { limit: 10 })],
  ['a message', 'message', ({ from, id, of }) => from.message(bob, id, of)],
  ['events', 'events', ({ from, id }) => from.events(bob, id, { limit: 10 })],
  ['versions', 'pieces', ({ from, id, of }) => from.versions(bob, id, of)],
  ['pins', 'messagesAt', ({ from, id }) => from.pins(bob, id)],
  ['changes', 'messagesAt', ({ from, id }) => from.changes(bob, id, { after: -1, limit: 10 })],
  ['a chain', 'places', ({ from, id, chain }) => from.chain(bob, id, chain, 0)],
  ['people', 'messagesAt', ({ from, id }) => from.peopleAt(bob, id, [1, 2])],
  ['members', 'members', ({ from, id }) => from.members(bob, id)],
  ['a thread', 'claims', ({ from, id, of }) => from.thread(bob, id, of)],
  ['all that is told of it alone', 'settings', ({ from, id }) => from.own(bob, id)],
]

/** A conversation in which bob has said, edited and pinned something; `happens` once, right before `name` is read. */
async function start(name: keyof ConversationStore, happens: (node: SyncNode, id: ConversationId) => Promise<unknown>) {
  const node = createSyncNode()
  const { store } = node.gate
  const id = await node.create('ann', 'bob')
  const { message } = await node.conversations.post(bob, id, messageEntry('before'), undefined)
  await node.conversations.apply(bob, id, { kind: 'edit', of: message.id, content: 'still before', at: 1 })
  await node.conversations.apply(ann, id, { kind: 'pin', of: message.id, on: true })
  const chain = (await store.chains(id)).find(({ user }) => user === bob)?.client
  if (chain === undefined) throw new Error('no chain')
  let pending: typeof happens | undefined = happens
  const interrupted = storeAround(store, async (key, ask) => {
    const due = key === name ? pending : undefined
    if (due !== undefined) pending = undefined
    await due?.(node, id)
    return ask()
  })
  const { registry } = node
  const from = createConversations({ store: interrupted, registry, drawConversationId: () => id })
  return { from, id, of: message.id, chain, node, said: message }
}

async function remove({ conversations }: SyncNode, id: ConversationId): Promise<void> {
  await conversations.apply(ann, id, { kind: 'member', user: bob, access: null })
  await conversations.post(ann, id, messageEntry('behind his back'), undefined)
}

const events: readonly (readonly [FaultCode, Parameters<typeof start>[1]])[] = [
  ['no-access', remove],
  ['deleted', ({ conversations }, id) => conversations.delete(ann, id)],
]

describe.each(events)('whoever would be told %s the next time', (code, happens) => {
  test.each(ways)('[REST6] is told so when that happens in the middle of reading: %s', async (_, name, read) => {
    const told = await start(name, happens)
    await expect(read(told)).rejects.toThrow(new Fault(code))
    expect([...told.node.gate.store.condemned()]).toEqual([])
  })
})

test('[REST6][HISTORY1] whoever is removed and joins late while they read is told nothing of what came in between', async () => {
  const { from, id, said } = await start('messages', async (node, at) => {
    await node.conversations.change(ann, at, new Map([['history', 'from-join']]))
    await remove(node, at)
    await node.conversations.apply(ann, at, { kind: 'member', user: bob, access: 'writer' })
    await node.conversations.post(ann, at, messageEntry('to his face'), undefined)
  })
  const { messages } = await from.messages(bob, id, { limit: 10, after: said.seq })
  expect(messages.map(({ content }) => content)).toEqual(['to his face'])
})

test('[REST5][REST6] whoever is removed while they send once more is answered with what they sent, and no more', async () => {
  const { from, id, said, node } = await start('member', remove)
  const { id: of } = said
  await node.conversations.apply(ann, id, { kind: 'react', of, emoji: 'x', on: true })
  const { message, created } = await from.post(bob, id, { ...messageEntry('before'), id: of }, undefined)
  expect([created, message.content, message.reactions, message.pinned]).toEqual([
    false,
    'still before',
    undefined,
    undefined,
  ])
})
