// The same again, for ever: over REST and over sockets, after the message was archived, edited and redacted.
import { expect, test } from 'vitest'

import { windowRules } from '../../../server/chat/archiving.ts'
import { encodeEntry, type MessageEntry } from '../../../shared/chat/entry.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { clientId, createDoc, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'

const [ann, bob] = [userId('ann'), userId('bob')]
const window = { ...windowRules, entries: 40, keptEntries: 10, keptAtLeast: 4 }

async function headOf(node: SyncNode, id: ConversationId): Promise<{ through: number; nextSeq: number }> {
  const stored = await node.gate.store.head(id)
  if (stored?.kind !== 'head') throw new Error('no head')
  return stored.head
}

/** So much is said that everything before is archived. */
async function archive(node: SyncNode, id: ConversationId): Promise<void> {
  const { nextSeq } = await headOf(node, id)
  for (let index = 0; index < 60; index++) await node.conversations.post(bob, id, messageEntry(`${index}`), undefined)
  await node.settled()
  expect((await headOf(node, id)).through).toBeGreaterThanOrEqual(nextSeq - 1)
}

const texts = async (node: SyncNode, id: ConversationId): Promise<readonly string[]> =>
  (await node.conversations.messages(ann, id, { limit: 1000 })).messages.map(({ content }) => content)

test('[IDEM1] over REST the same id or key answers with the same message as it is now, archived, edited and redacted', async () => {
  const node = createSyncNode({ window })
  const id = await node.create('ann', 'bob')
  const entry = messageEntry('hello')
  const post = (more: Partial<MessageEntry> = {}, key: string | undefined = 'a-key') =>
    node.conversations.post(ann, id, { ...messageEntry('hello'), ...more }, key)
  const { message, created } = await post({ id: entry.id })
  expect(created).toBe(true)

  const steps = [
    async () => archive(node, id),
    async () => void (await node.conversations.apply(ann, id, { kind: 'edit', of: entry.id, content: 'new', at: 1 })),
    async () => archive(node, id),
    async () => void (await node.conversations.apply(ann, id, { kind: 'redact', of: entry.id })),
    async () => archive(node, id),
  ]
  for (const step of steps) {
    await step()
    const { nextSeq } = await headOf(node, id)
    const now = await node.conversations.message(ann, id, entry.id)
    expect(now.seq).toBe(message.seq)
    for (const again of [await post({ id: entry.id }, undefined), await post(), await post({ id: entry.id })]) {
      expect(again).toEqual({ message: now, created: false })
    }
    // Another role or other words, also those that it has now, are another message.
    for (const other of [{ content: 'other' }, { content: now.content || 'x' }, { role: 'assistant' }] as const) {
      if (other.content === 'hello') continue
      await expect(post({ id: entry.id, ...other }, undefined)).rejects.toMatchObject({ code: 'other-content' })
      await expect(post(other)).rejects.toMatchObject({ code: 'other-content' })
    }
    const taken = node.conversations.post(bob, id, { ...entry }, undefined)
    await expect(taken).rejects.toMatchObject({ code: 'id-taken' })
    expect((await headOf(node, id)).nextSeq).toBe(nextSeq)
  }
  expect(await node.conversations.message(ann, id, entry.id)).toMatchObject({ content: '', redactedBy: 'ann' })
  expect((await texts(node, id)).filter((text) => text === 'hello')).toEqual([])
  expect(node.errors).toEqual([])
})

test('[IDEM1] over sockets the same update changes nothing, and the same id on another chain is void, for ever', async () => {
  const node = createSyncNode({ window })
  const id = await node.create('ann', 'bob')
  const device = new FakeDevice('ann', id, createDoc(11))
  const entry = messageEntry('hello')
  await bringTogether(node, [device])
  device.append(encodeEntry(entry), encodeEntry({ kind: 'edit', of: entry.id, content: 'better', at: 2 }))
  await deliverAll(node, [device])
  const resent = [...device.sentUpdates]
  expect(resent).toHaveLength(1)
  const posted = await node.conversations.message(ann, id, entry.id)
  const steps = [
    async () => archive(node, id),
    async () => void (await node.conversations.apply(ann, id, { kind: 'redact', of: entry.id })),
    async () => archive(node, id),
  ]
  for (const [round, step] of steps.entries()) {
    await step()
    await deliverAll(node, [device])
    const before = await headOf(node, id)
    const now = await node.conversations.message(ann, id, entry.id)
    for (const update of resent) device.send(update)
    await deliverAll(node, [device])
    expect((await headOf(node, id)).nextSeq).toBe(before.nextSeq)

    // A device that lost its chain brings the message again: its author has sent it, whatever became of it.
    const another = new FakeDevice('ann', id, createDoc(100 + round))
    const thief = new FakeDevice('bob', id, createDoc(200 + round))
    await bringTogether(node, [another, thief])
    another.append(encodeEntry(entry))
    thief.append(encodeEntry(entry))
    await deliverAll(node, [another, thief])
    const { places } = await node.conversations.chain(ann, id, clientId(100 + round), 0)
    expect(places).toMatchObject([{ outcome: { kind: 'void', reason: 'duplicate' } }])
    const stolen = await node.conversations.chain(bob, id, clientId(200 + round), 0)
    expect(stolen.places).toMatchObject([{ outcome: { kind: 'void', reason: 'id-taken' } }])
    another.disconnect()
    thief.disconnect()
    expect(await node.conversations.message(ann, id, entry.id)).toEqual(now)
    expect(now.seq).toBe(posted.seq)
    // And over REST it is the same message too.
    expect(await node.conversations.post(ann, id, entry, undefined)).toEqual({ message: now, created: false })
  }
  expect(await node.conversations.message(ann, id, entry.id)).toMatchObject({ content: '' })
  expect(node.errors).toEqual([])
})
