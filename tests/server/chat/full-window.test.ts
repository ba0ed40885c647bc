// What fills a document beside messages, and what a checkpoint has to carry: both are bounded.
import { expect, test } from 'vitest'
import * as Y from 'yjs'

import { windowRules } from '../../../server/chat/archiving.ts'
import { encodeEntry } from '../../../shared/chat/entry.ts'
import { rosterFromJson } from '../../../shared/chat/roster.ts'
import { limits } from '../../../shared/limits.ts'
import { parseRecord } from '../../../shared/sync/record.ts'
import { createDoc, userId } from '../../helpers/chain-doc.ts'
import { voidPayload } from '../../helpers/chain-writer.ts'
import { bringTogether, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode } from '../../helpers/sync-node.ts'

test.each(['void entries', 'pieces of a stream'])(
  '[ARCH1][ARCH2] %s do not fill a document without end',
  async (what) => {
    const node = createSyncNode({ window: { ...windowRules, entries: 16, keptEntries: 8, keptAtLeast: 2 } })
    const id = await node.create('ann', 'bob')
    const [ann, bob, fresh] = [
      new FakeDevice('ann', id, createDoc(1)),
      new FakeDevice('bob', id, createDoc(2)),
      new FakeDevice('bob', id, createDoc(3)),
    ]
    const stream = messageEntry('to come').id
    const payload = (index: number): Uint8Array =>
      what === 'void entries' ? voidPayload() : encodeEntry({ kind: 'delta', of: stream, text: `piece ${index}` })
    bob.append(encodeEntry(messageEntry('one')))
    for (let index = 0; index < 500; index++) {
      ann.append(payload(index))
      if (index % 50 === 0) await bringTogether(node, [ann, bob])
    }
    await bringTogether(node, [ann, bob])
    bob.append(encodeEntry(messageEntry('two')))
    await bringTogether(node, [ann, bob, fresh])
    const { live, release } = await node.registry.acquire(id)
    expect(live.ledger.nextSeq - 1 - live.ledger.window.through).toBeLessThanOrEqual(64)
    expect(live.ledger.window.firstRecord).toBeGreaterThan(1)
    release()
    for (const device of [ann, bob, fresh]) {
      expect(Y.encodeStateAsUpdate(device.doc)).toEqual(Y.encodeStateAsUpdate(fresh.doc))
      expect(device.folded.view().sent.map(({ content }) => content)).toEqual(['two'])
    }
    const rows = await node.gate.store.messages(id, { limit: 10, take: 'oldest' })
    expect(rows.map(({ content }) => content)).toEqual(['one', 'two'])
    expect(node.errors).toEqual([])
  },
)

test('[ARCH1] a checkpoint fits in a frame, however long the names of its members are', async () => {
  const node = createSyncNode({ window: { ...windowRules, entries: 4, keptEntries: 1, keptAtLeast: 1 } })
  const id = await node.create('ann')
  const ann = new FakeDevice('ann', id, createDoc(1))
  const name = (index: number): string => `${index}`.padStart(128, '"')
  const members = Array.from({ length: 3000 }, (_, index) => userId(name(index)))
  ann.append(...members.map((user) => encodeEntry({ kind: 'member', user, access: 'reader' })))
  ann.append(encodeEntry({ kind: 'set', key: 'long', value: 'x'.repeat(limits.settingsBytes - 200) }))
  await bringTogether(node, [ann])
  const { live, release } = await node.registry.acquire(id)
  const joined = [...live.roster.users()].length
  expect(joined).toBeGreaterThan(1000)
  expect(joined).toBeLessThan(members.length)
  for (const user of live.roster.users()) live.roster.read(user, { kind: 'read', through: 123 }, 0)
  await node.conversations.apply(userId('ann'), id, { kind: 'set', key: 'title', value: 'full' })
  for (let index = 0; index < 4; index++) {
    await node.conversations.apply(userId('ann'), id, { kind: 'set', key: 'topic', value: index })
  }
  await node.settled()
  const { checkpoint } = live.ledger.window
  const run = { from: checkpoint ?? 0, to: (checkpoint ?? 0) + 1 }
  for await (const { payload } of node.gate.store.records(id, run)) {
    const record = payload && parseRecord(payload)
    if (record?.kind !== 'checkpoint') throw new Error('no checkpoint')
    expect(rosterFromJson(record.state)).toMatchObject({ title: 'full', reads: { size: joined } })
    expect(payload?.length).toBeGreaterThan(limits.frameBytes / 2)
    expect(payload?.length).toBeLessThan(limits.frameBytes - 1024)
  }
  release()
  expect(node.errors).toEqual([])
})

test('[PROC2][ARCH1] a process that is stopping archives nothing more', async () => {
  const node = createSyncNode({ window: { ...windowRules, entries: 8, keptEntries: 4, keptAtLeast: 1 } })
  const id = await node.create('ann')
  const ann = new FakeDevice('ann', id, createDoc(1))
  await bringTogether(node, [ann])
  node.gate.hold()
  ann.append(...Array.from({ length: 9 }, (_, index) => encodeEntry(messageEntry(`number ${index}`))))
  ann.deliverUp()
  await node.settled()
  expect(node.gate.waiting()).toHaveLength(1)
  const stopped = node.registry.stop()
  node.gate.open()
  await stopped
  await node.commits.idle()
  const before = node.gate.batches().length
  await node.settled()
  expect(node.gate.batches()).toHaveLength(before)
  const stored = await node.gate.store.head(id)
  expect(stored).toMatchObject({ kind: 'head', head: { through: -1, liveEntries: 9 } })
  // Nor is it forgotten.
  const next = createSyncNode({
    store: node.gate.store,
    window: { ...windowRules, entries: 8, keptEntries: 4, keptAtLeast: 1 },
  })
  await bringTogether(next, [new FakeDevice('ann', id, createDoc(2))])
  expect(await next.gate.store.head(id)).toMatchObject({ head: { through: 4, liveEntries: 4 } })
})
