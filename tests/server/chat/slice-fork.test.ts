// Two copies of one device bring long backlogs that differ far behind the first slice.
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { encodeEntry } from '../../../shared/chat/entry.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { append, createDoc, userId } from '../../helpers/chain-doc.ts'
import { deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, endlessWindow, type SyncNode } from '../../helpers/sync-node.ts'

/** Entries, each later than the one before. */
function said(count: number, name: string, fromMs: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) =>
    encodeEntry(messageEntry(`${name} ${index}`, { at: fromMs + index })),
  )
}

/** What a device has written on its own chains. */
function written(chains: Readonly<Record<number, readonly Uint8Array[]>>): Y.Doc {
  const doc = createDoc(99)
  for (const [client, payloads] of Object.entries(chains)) {
    const own = createDoc(Number(client))
    append(own, 'ann', payloads)
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(own))
  }
  return doc
}

/** Connects a device of ann's that has this document, and lets it answer the server's question; commits wait. */
async function bringBacklog(node: SyncNode, id: ConversationId, doc: Y.Doc): Promise<FakeDevice> {
  const device = new FakeDevice('ann', id, doc)
  await device.connect(node)
  device.deliverDown()
  device.deliverUp()
  await node.settled()
  return device
}

async function contents(node: SyncNode, id: ConversationId): Promise<readonly string[]> {
  const { messages } = await node.conversations.messages(userId('ann'), id, { limit: 10_000 })
  return messages.map(({ content }) => content)
}

const head = said(limits.entriesPerSlice + 76, 'both', 0)
const tailLength = 2 * limits.entriesPerSlice

describe('a fork behind the first slice', () => {
  test('[SYNC8][SYNC9][FOLD4] exactly one of the two is told; the other loses nothing', async () => {
    const node = createSyncNode({ window: endlessWindow })
    const id = await node.create('ann')
    node.gate.hold()
    const tails = ['left', 'right'].map((name) => said(tailLength, name, 10_000))
    const devices: FakeDevice[] = []
    for (const tail of tails) devices.push(await bringBacklog(node, id, written({ 1: [...head, ...tail] })))
    node.gate.open()
    await deliverAll(node, devices)
    expect(devices.map(({ closes }) => closes).toSorted((a, b) => a.length - b.length)).toEqual([[], ['forked']])
    expect([node.errors, node.storeFailures]).toEqual([[], []])
    const winner = devices[0]?.closes.length === 0 ? 'left' : 'right'
    const kept = await contents(node, id)
    expect(kept.filter((content) => content.startsWith('both'))).toHaveLength(head.length)
    expect(kept.filter((content) => content.startsWith(winner))).toHaveLength(tailLength)
    expect(kept).toHaveLength(head.length + tailLength)
    // It has as many entries as the server now: what it finds out when it comes back, the stamps tell.
    const loser = devices.find(({ closes }) => closes.length > 0)
    if (loser === undefined) throw new Error('nobody was told')
    await loser.connect(node)
    await deliverAll(node, [loser])
    expect(loser.folded.fold().fork).toEqual({ client: 1, clock: head.length })
  })

  test('[SYNC8][SYNC9][SYNC5] the same backlog of several chains from two sockets at once is no fork', async () => {
    const node = createSyncNode({ window: endlessWindow })
    const id = await node.create('ann')
    node.gate.hold()
    // Merged by their times: every slice has entries of both chains.
    const chains = { 1: said(tailLength, 'one', 0), 2: said(tailLength, 'two', 0) }
    const devices: FakeDevice[] = []
    for (let each = 0; each < 2; each++) devices.push(await bringBacklog(node, id, written(chains)))
    for (let round = 0; round < 12; round++) {
      node.gate.pass()
      await node.settled()
    }
    node.gate.open()
    await deliverAll(node, devices)
    expect([devices.map(({ closes }) => closes), node.errors, node.storeFailures]).toEqual([[[], []], [], []])
    const kept = await contents(node, id)
    expect(kept).toHaveLength(2 * tailLength)
    expect(new Set(kept).size).toBe(2 * tailLength)
    for (const name of ['one', 'two']) {
      const own = kept.filter((content) => content.startsWith(name))
      expect(own).toEqual(Array.from({ length: tailLength }, (_, index) => `${name} ${index}`))
    }
  })

  test('[SYNC8][SYNC9] a fork in the second of two chains is told too', async () => {
    const node = createSyncNode({ window: endlessWindow })
    const id = await node.create('ann')
    node.gate.hold()
    const one = said(tailLength, 'one', 0)
    const devices: FakeDevice[] = []
    for (const name of ['left', 'right']) {
      const two = [...head, ...said(tailLength, name, 10_000)]
      devices.push(await bringBacklog(node, id, written({ 1: one, 2: two })))
    }
    node.gate.open()
    await deliverAll(node, devices)
    expect(devices.map(({ closes }) => closes).toSorted((a, b) => a.length - b.length)).toEqual([[], ['forked']])
    expect([node.errors, node.storeFailures]).toEqual([[], []])
  })
})
