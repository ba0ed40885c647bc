// Receipts and private state that say nothing any more: what of them leaves the document, and that nothing else does.
import { expect, test } from 'vitest'
import * as Y from 'yjs'

import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import { encodeEntry, type KnownEntry } from '../../../shared/chat/entry.ts'
import { privateConversationOf } from '../../../shared/chat/private-conversation.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { createDoc, isSettled, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'

const [ann, bob] = [userId('ann'), userId('bob')]

function write(device: FakeDevice, ...entries: readonly KnownEntry[]): void {
  device.append(...entries.map(encodeEntry))
}

async function liveEntries(node: SyncNode, id: ConversationId): Promise<number> {
  const stored = await node.gate.store.head(id)
  if (stored?.kind !== 'head') throw new Error('no head')
  expect(stored.head.through).toBe(-1)
  return stored.head.liveEntries
}

/** Seqs of the log whose bytes are gone because later entries say the same. */
async function superseded(node: SyncNode, id: ConversationId): Promise<readonly number[]> {
  const seqs: number[] = []
  for await (const row of node.gate.store.entriesNewestFirst(id)) if (row.superseded === true) seqs.unshift(row.seq)
  return seqs
}

async function newcomer(node: SyncNode, id: ConversationId): Promise<FakeDevice> {
  const fresh = new FakeDevice('ann', id, createDoc(0xffff_fff0))
  await bringTogether(node, [fresh])
  expect(isSettled(fresh.doc)).toBe(true)
  return fresh
}

test('[SUPERSEDE1] a thousand receipts leave one in the document, and whoever folds that knows all of it', async () => {
  const node = createSyncNode()
  const id = await node.create('ann', 'bob')
  const [writer, reader] = [new FakeDevice('ann', id, createDoc(1)), new FakeDevice('bob', id, createDoc(2))]
  write(writer, ...Array.from({ length: 100 }, (_, index) => messageEntry(`message ${index}`)))
  await bringTogether(node, [writer, reader])
  const before = await liveEntries(node, id)
  const size = Y.encodeStateAsUpdate((await newcomer(node, id)).doc).length
  for (let round = 0; round < 10; round++) {
    for (let index = 0; index < 100; index++) {
      write(reader, { kind: 'read', through: round * 10 + Math.floor(index / 10), received: 100 })
    }
    await bringTogether(node, [writer, reader])
  }
  expect(await liveEntries(node, id)).toBe(before + 1)
  const fresh = await newcomer(node, id)
  for (const device of [writer, reader, fresh]) {
    expect(device.folded.view().reads.get(bob)).toEqual({ through: 99, received: 100 })
  }
  // Their stamps are what is left of a thousand, and one record for each commit.
  expect(Y.encodeStateAsUpdate(fresh.doc).length).toBeLessThan(size + 10_000)
  expect(Y.encodeStateAsUpdate(fresh.doc)).toEqual(Y.encodeStateAsUpdate(reader.doc))
  expect(node.errors).toEqual([])
})

test('[SUPERSEDE1] what is still needed stays: a receipt that says only a part, and those of others', async () => {
  const node = createSyncNode()
  const id = await node.create('ann', 'bob', 'cleo')
  const devices = ['ann', 'bob', 'cleo'].map((user, index) => new FakeDevice(user, id, createDoc(index + 1)))
  const [first, second, third] = devices
  if (first === undefined || second === undefined || third === undefined) throw new Error('three devices')
  write(first, ...Array.from({ length: 9 }, (_, index) => messageEntry(`message ${index}`)))
  await bringTogether(node, devices)
  write(second, { kind: 'read', through: 3 })
  write(third, { kind: 'read', through: 2 })
  await bringTogether(node, devices)
  // Says nothing of what was read.
  write(second, { kind: 'read', received: 8 })
  await bringTogether(node, devices)
  expect(await superseded(node, id)).toEqual([])
  const last = first.folded.view().lastSeq
  // Nothing new, and then all there is.
  write(second, { kind: 'read', through: 1 }, { kind: 'read', through: 8, received: 9 })
  await bringTogether(node, devices)
  expect(await superseded(node, id)).toEqual([last, last + 1])
  const fresh = await newcomer(node, id)
  for (const device of [...devices, fresh]) {
    expect([...device.folded.view().reads]).toEqual([
      [bob, { through: 8, received: 9 }],
      [userId('cleo'), { through: 2, received: 2 }],
    ])
  }
})

test('[SUPERSEDE1] a receipt that takes nothing reads nothing of the log, however many threads its author has read', async () => {
  const store = createMemoryStore()
  const walk = store.entriesNewestFirst.bind(store)
  let walks = 0
  store.entriesNewestFirst = (...asked) => {
    walks++
    return walk(...asked)
  }
  const node = createSyncNode({ store })
  const id = await node.create('ann', 'bob')
  const [writer, reader] = [new FakeDevice('ann', id, createDoc(1)), new FakeDevice('bob', id, createDoc(2))]
  const roots = Array.from({ length: 30 }, (_, index) => messageEntry(`root ${index}`))
  write(writer, ...roots)
  await bringTogether(node, [writer, reader])
  // Far apart in the log: each is a walk of its own.
  for (const [index, root] of roots.entries()) {
    write(reader, { kind: 'read', through: index, thread: root.id })
    write(writer, messageEntry(`between ${index}`))
    await bringTogether(node, [writer, reader])
  }
  walks = 0
  const end = reader.folded.view().lastSeq + 1
  // Each in an update of its own: nothing, beyond the end, and half of them.
  for (const through of [...Array.from({ length: 20 }, () => 0), ...Array.from({ length: 20 }, () => end + 99)]) {
    write(reader, { kind: 'read', through })
    await bringTogether(node, [writer, reader])
  }
  // The first one moves the register, and takes the thread that was read no further.
  expect(walks).toBeLessThan(30)
  write(reader, { kind: 'read', through: 14, received: 59 })
  await bringTogether(node, [writer, reader])
  const fresh = await newcomer(node, id)
  for (const device of [writer, reader, fresh]) {
    expect(device.folded.view().reads.get(bob)).toEqual({ through: 14, received: 59 })
    expect(device.folded.view().threadReads.get(bob)?.size).toBe(15)
  }
  // What was read of all is the newest of these, what says nothing new is gone as well.
  const gone = await superseded(node, id)
  expect(gone.length).toBe(15 + 20)
  expect(Y.encodeStateAsUpdate(fresh.doc)).toEqual(Y.encodeStateAsUpdate(reader.doc))
  expect(node.errors).toEqual([])
})

test('[SUPERSEDE1][FORK1] a receipt that is sent again after it was superseded is neither a fork nor anything new', async () => {
  const node = createSyncNode()
  const id = await node.create('ann', 'bob')
  const reader = new FakeDevice('bob', id, createDoc(2))
  write(reader, messageEntry('hello'), { kind: 'read', through: 0 })
  await bringTogether(node, [reader])
  const copy = createDoc(2)
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(reader.doc))
  write(reader, { kind: 'read', through: 1, received: 1 })
  await bringTogether(node, [reader])
  const { lastSeq } = reader.folded.view()
  reader.disconnect()
  const again = new FakeDevice('bob', id, copy)
  await bringTogether(node, [again])
  expect([again.closes, again.folded.view().lastSeq]).toEqual([[], lastSeq])
  expect(Y.encodeStateAsUpdate(again.doc)).toEqual(Y.encodeStateAsUpdate(reader.doc))
})

test('[SUPERSEDE1][PRIVATE1] of each key of the private state the last value stays, across a restart of the server too', async () => {
  const node = createSyncNode()
  const id = privateConversationOf(ann)
  const device = new FakeDevice('ann', id, createDoc(1))
  await bringTogether(node, [device])
  for (let round = 0; round < 20; round++) {
    write(device, { kind: 'set', key: 'draft/a', value: `draft ${round}` })
    if (round < 3) write(device, { kind: 'set', key: 'mute/b', value: round > 0 ? true : null })
    await bringTogether(node, [device])
  }
  expect(await liveEntries(node, id)).toBe(2)
  device.disconnect()
  const again = createSyncNode({ store: node.gate.store })
  await bringTogether(again, [device])
  write(device, { kind: 'set', key: 'draft/a', value: null })
  await bringTogether(again, [device])
  expect(await liveEntries(again, id)).toBe(2)
  const fresh = new FakeDevice('ann', id, createDoc(9))
  await bringTogether(again, [fresh])
  expect([...fresh.folded.view().settings]).toEqual([['mute/b', true]])
  expect(await again.conversations.privateState(ann)).toEqual([{ key: 'mute/b', value: true }])
  expect([...node.errors, ...again.errors]).toEqual([])
})

test('[PRIVATE1] nobody else enters, begins, lists or deletes it, and it takes nothing but settings', async () => {
  const node = createSyncNode()
  const id = privateConversationOf(ann)
  const stranger = new FakeDevice('bob', id, createDoc(2))
  await stranger.connect(node)
  expect(stranger.closes).toEqual(['no-access'])
  await expect(node.conversations.create(bob, { id })).rejects.toMatchObject({ code: 'no-access' })
  const set = { kind: 'set', key: 'x', value: 1 } as const
  await expect(node.conversations.apply(bob, id, set)).rejects.toMatchObject({ code: 'no-access' })
  await node.conversations.apply(ann, id, set)
  const member = { kind: 'member', user: bob, access: 'owner' } as const
  await expect(node.conversations.apply(ann, id, member)).rejects.toMatchObject({ reason: 'access' })
  await expect(node.conversations.post(ann, id, messageEntry('note'), undefined)).rejects.toMatchObject({
    reason: 'access',
  })
  await expect(node.conversations.delete(ann, id)).rejects.toMatchObject({ code: 'no-access' })
  for (const user of [ann, bob]) {
    expect(await node.conversations.list(user, { limit: 10, cursor: undefined })).toMatchObject({ items: [] })
  }
  await expect(node.conversations.messages(bob, id, { limit: 1 })).rejects.toMatchObject({ code: 'no-access' })
  expect(privateConversationOf(bob)).not.toBe(id)
})
