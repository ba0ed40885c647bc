// What leaves a document, and what does not: whatever makes it larger counts, not only what people read.
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { encodeEntry } from '../../../shared/chat/entry.ts'
import { limits } from '../../../shared/limits.ts'
import { createDoc, isSettled, userId } from '../../helpers/chain-doc.ts'
import { messagePayload, voidPayload } from '../../helpers/chain-writer.ts'
import { bringTogether, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'

async function windowOf(
  node: SyncNode,
  id: ConversationId,
): Promise<{ through: number; all: number; liveBytes: number }> {
  const stored = await node.gate.store.head(id)
  if (stored?.kind !== 'head') throw new Error('no head')
  const { through, nextSeq, liveBytes } = stored.head
  return { through, all: nextSeq - 1 - through, liveBytes }
}

async function newcomer(node: SyncNode, id: ConversationId): Promise<FakeDevice> {
  const fresh = new FakeDevice('ann', id, createDoc(0xffff_fff0))
  await bringTogether(node, [fresh])
  expect(isSettled(fresh.doc)).toBe(true)
  return fresh
}

function piece(index: number): Uint8Array {
  const { id } = messageEntry('')
  return encodeEntry({ kind: 'delta', of: id, text: `piece ${index} ${'x'.repeat(20)}` })
}

describe('a document stays small', () => {
  test.each([
    ['void entries of somebody who may only read', 8, 'rob', () => voidPayload()],
    ['pieces of streams that never end', 8, 'ann', piece],
    ['messages', 8, 'ann', (index: number) => messagePayload(`message ${index}`)],
    ['messages of 20 KiB', 4, 'ann', () => messagePayload('x'.repeat(20_000))],
  ] as const)('[ARCH1] however many %s there are', async (_what, rounds, user, payload) => {
    const node = createSyncNode()
    const { state } = await node.conversations.create(userId('ann'), {
      members: [{ user: userId('rob'), access: 'reader' }],
    })
    const device = new FakeDevice(user, state.id, createDoc(77))
    await device.connect(node)
    for (let round = 0; round < rounds; round++) {
      device.append(...Array.from({ length: 500 }, (_, index) => payload(round * 500 + index)))
      await bringTogether(node, [device])
    }
    const { through, all, liveBytes } = await windowOf(node, state.id)
    expect(through).toBeGreaterThan(1500)
    expect(all).toBeLessThanOrEqual(4 * limits.windowEntries)
    const mostBytes = Math.max(limits.windowBytes, 1.5 * limits.keptAtLeast * 21_000)
    expect(liveBytes).toBeLessThanOrEqual(mostBytes)
    const fresh = await newcomer(node, state.id)
    expect(Y.encodeStateAsUpdate(fresh.doc).length).toBeLessThan(2 * mostBytes)
    expect(Y.encodeStateAsUpdate(device.doc)).toEqual(Y.encodeStateAsUpdate(fresh.doc))
    expect(node.errors).toEqual([])
  })

  test('[ARCH1] the newest 32 stay however large they are, and large ones leave several at a time', async () => {
    const node = createSyncNode()
    const id = await node.create('ann')
    const device = new FakeDevice('ann', id, createDoc(78))
    await device.connect(node)
    const ends = new Set<number>()
    for (let count = 0; count < 70; count++) {
      device.append(messagePayload('x'.repeat(limits.entryBytes - 1000)))
      await bringTogether(node, [device])
      const { through, all } = await windowOf(node, id)
      ends.add(through)
      expect(all).toBeLessThanOrEqual(1.5 * limits.keptAtLeast)
      expect(all).toBeGreaterThanOrEqual(Math.min(limits.keptAtLeast, count + 1))
    }
    const { all } = await windowOf(node, id)
    expect(ends.size).toBe(3)
    expect((await newcomer(node, id)).folded.view().sent).toHaveLength(all)
  })
})
