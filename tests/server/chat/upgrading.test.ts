// Conversations from before there was an archive: their heads count nothing as live, and settings, pins and pieces have no
// rows. They are counted when they are first used, and archived like all others.
import { expect, test } from 'vitest'
import * as Y from 'yjs'

import { windowRules } from '../../../server/chat/archiving.ts'
import { createMemoryDisk, type MemoryDisk } from '../../../server/storage/memory/memory-disk.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import type { Head } from '../../../server/storage/conversation-store.ts'
import { encodeEntry } from '../../../shared/chat/entry.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { createDoc, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, endlessWindow } from '../../helpers/sync-node.ts'

const ann = userId('ann')
const window = { ...windowRules, entries: 24, keptEntries: 10, keptAtLeast: 3 }

interface Old {
  readonly disk: MemoryDisk
  readonly id: ConversationId
  readonly device: FakeDevice
}

/** What version 0.1 left of a conversation of 60 messages with a title. */
async function makeOld(): Promise<Old> {
  const disk = createMemoryDisk()
  const node = createSyncNode({ store: createMemoryStore({ disk }), window: endlessWindow })
  const { state } = await node.conversations.create(ann, { title: 'Tea' })
  const device = new FakeDevice('ann', state.id, createDoc(1))
  const said = Array.from({ length: 60 }, (_, index) => messageEntry(`number ${index}`))
  device.append(...said.map((entry) => encodeEntry(entry)))
  const [of] = said.map(({ id }) => id)
  if (of === undefined) throw new Error('nothing was said')
  device.append(
    encodeEntry({ kind: 'pin', of, on: true }),
    encodeEntry({ kind: 'set', key: 'topic', value: 'leaves' }),
    encodeEntry({ kind: 'set', key: 'topic', value: null }),
  )
  await bringTogether(node, [device])
  device.disconnect()
  const old = { disk, id: state.id, device }
  forget(old)
  return old
}

/** Takes away what that version did not write. */
function forget({ disk, id }: Old): void {
  const rows = disk.conversations.get(id)
  if (rows?.head.kind !== 'head') throw new Error('no such conversation')
  rows.head = { kind: 'head', head: { ...rows.head.head, liveEntries: 0, liveBytes: 0 } }
  for (const map of [rows.settings, rows.pins, rows.pieces]) map.clear()
}

function headOf({ disk, id }: Old): Head {
  const stored = disk.conversations.get(id)?.head
  if (stored?.kind !== 'head') throw new Error('no such conversation')
  return stored.head
}

test('[ARCH1][ARCH2] a conversation from before there was an archive is counted and archived when it is first opened', async () => {
  const old = await makeOld()
  const node = createSyncNode({ store: createMemoryStore({ disk: old.disk }), window })
  const fresh = new FakeDevice('ann', old.id, createDoc(2))
  await bringTogether(node, [fresh, old.device])
  expect(node.errors).toEqual([])
  const head = headOf(old)
  expect([head.through, head.liveEntries]).toEqual([53, 10])
  for (const device of [fresh, old.device]) {
    const view = device.folded.view()
    expect([view.title, view.pins.size, view.settings.size, view.through]).toEqual(['Tea', 1, 1, 53])
  }
  expect(Y.encodeStateAsUpdate(fresh.doc)).toEqual(Y.encodeStateAsUpdate(old.device.doc))
  const rows = old.disk.conversations.get(old.id)
  expect([...(rows?.settings.values() ?? [])]).toEqual([{ key: 'title', value: 'Tea' }])
  expect(rows?.pins.size).toBe(1)
})

test('[ARCH1] what was counted once is not counted again, and a small one is only counted', async () => {
  const old = await makeOld()
  const node = createSyncNode({ store: createMemoryStore({ disk: old.disk }), window: endlessWindow })
  const { live, release } = await node.registry.acquire(old.id)
  await node.settled()
  expect(headOf(old)).toMatchObject({ through: -1, liveEntries: 64 })
  expect(live.isQuiet).toBe(true)
  release()
  const { revision } = headOf(old)
  const next = createSyncNode({ store: createMemoryStore({ disk: old.disk }), window: endlessWindow })
  const lease = await next.registry.acquire(old.id)
  await next.settled()
  expect(headOf(old).revision).toBe(revision)
  lease.release()
})

test('[EPOCH1][ARCH1] one that was put back from a copy begins its epoch with the commit in which it is counted', async () => {
  const old = await makeOld()
  const store = createMemoryStore({ disk: old.disk })
  const generation = await store.markRestored(1_800_000_000_000)
  const node = createSyncNode({ store, window: endlessWindow })
  const { release } = await node.registry.acquire(old.id)
  await node.settled()
  expect(node.gate.batches()).toHaveLength(1)
  expect(headOf(old)).toMatchObject({ epoch: generation, generation, liveEntries: 64 })
  release()
})

test.each(['is on its way to the disk', 'is still to be written'])(
  '[ERASE1][ARCH1] a redaction takes the words of edits and pieces too while what it is made of %s',
  async (when) => {
    const old = await makeOld()
    const before = createSyncNode({ store: createMemoryStore({ disk: old.disk }), window: endlessWindow })
    const { message } = await before.conversations.post(ann, old.id, messageEntry('a secret'), undefined)
    await before.conversations.apply(ann, old.id, { kind: 'edit', of: message.id, content: 'a better secret', at: 1 })
    await before.registry.stop()
    await before.settled()
    forget(old)

    const node = createSyncNode({ store: createMemoryStore({ disk: old.disk }), window: endlessWindow })
    node.gate.hold()
    const { release } = await node.registry.acquire(old.id)
    if (when === 'is on its way to the disk') await node.settled()
    const redaction = node.conversations.apply(ann, old.id, { kind: 'redact', of: message.id })
    await node.settled()
    node.gate.open()
    await redaction
    release()
    const rows = [...(old.disk.conversations.get(old.id)?.entries.values() ?? [])]
    const texts = rows.map(({ payload }) => new TextDecoder().decode(payload))
    expect(texts.filter((text) => text.includes('secret'))).toEqual([])
    expect(node.errors).toEqual([])
  },
)
