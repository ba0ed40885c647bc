// Who meets whom while a conversation is loaded, begun, or left in the middle of a backlog.
import { describe, expect, test } from 'vitest'

import { windowRules } from '../../../server/chat/archiving.ts'
import type { ConversationStore } from '../../../server/storage/conversation-store.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import { encodeEntry } from '../../../shared/chat/entry.ts'
import { Fault } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import { conversationId } from '../../contract/store-rows.ts'
import { createDoc, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { createGate } from '../../helpers/gated-store.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { storeAround } from '../../helpers/store-around.ts'
import { createSyncNode } from '../../helpers/sync-node.ts'
import { deferred, turn } from '../../helpers/when.ts'

const ann = userId('ann')
const id = conversationId(1)

/** A store whose reads of claims wait while there is a door; `knocks` counts those that came to it. */
function doorStore(): { readonly store: ConversationStore; door: Promise<void> | undefined; knocks: number } {
  const inner = createMemoryStore()
  const doors = {
    door: undefined as Promise<void> | undefined,
    knocks: 0,
    store: storeAround(inner, (name, ask) => (name === 'claims' ? behindDoor(ask) : ask())),
  }
  async function behindDoor(ask: () => unknown): Promise<unknown> {
    if (doors.door !== undefined) doors.knocks++
    await doors.door
    return ask()
  }
  return doors
}

describe('a conversation that is being begun', () => {
  test.each(['before', 'behind'])(
    '[REST3][SYNC3] sockets that knock %s its PUT are told not-found, and it is created all the same',
    async (when) => {
      const node = createSyncNode()
      const devices = Array.from({ length: 5 }, (_, index) => new FakeDevice('ann', id, createDoc(index + 1)))
      const knock = (): Promise<unknown> => Promise.all(devices.map(async (device) => device.connect(node)))
      const knocking = when === 'before' ? knock() : undefined
      const put = node.conversations.create(ann, { id, title: 'fresh' })
      await (knocking ?? knock())
      expect(devices.map(({ closes }) => closes)).toEqual(devices.map(() => ['not-found']))
      const { created, state } = await put
      expect([created, state.title]).toEqual([true, 'fresh'])
      await bringTogether(node, devices)
      expect(devices.map(({ closes }) => closes)).toEqual(devices.map(() => ['not-found']))
      devices[0]?.append(encodeEntry(messageEntry('first')))
      await deliverAll(node, devices)
      for (const { folded } of devices) expect(folded.texts()).toEqual(['first'])
      expect([node.errors, node.storeFailures]).toEqual([[], []])
    },
  )

  test('[SYNC11][SYNC3] knocking alone leaves nothing in memory', async () => {
    const node = createSyncNode()
    const knocks = Array.from({ length: 5 }, async () => node.registry.acquire(id))
    for (const one of knocks) await expect(one).rejects.toThrow(new Fault('not-found'))
    expect(node.registry.size()).toBe(0)
  })
})

describe('a conversation that is being archived', () => {
  test('[SYNC11][ARCH1] stays in memory until that is done, whoever has left it: nobody meets a second one', async () => {
    const { store } = createGate(createMemoryStore())
    let door: Promise<void> | undefined
    let knocks = 0
    const watched: ConversationStore = {
      ...store,
      async *entriesNewestFirst(...query) {
        if (door !== undefined) knocks++
        await door
        yield* store.entriesNewestFirst(...query)
      },
    }
    const window = { ...windowRules, entries: 8, keptEntries: 4, keptAtLeast: 2 }
    const node = createSyncNode({ store: watched, window })
    const conversation = await node.create('ann')
    const { promise, resolve } = deferred()
    door = promise
    const said = Array.from({ length: 10 }, (_, at) => messageEntry(`${at}`, { at }))
    await Promise.all(said.map((entry) => node.conversations.post(ann, conversation, entry, undefined)))
    for (let turns = 0; turns < 100 && knocks === 0; turns++) await turn()
    expect(knocks).toBe(1)
    node.registry.sweep(Number.MAX_SAFE_INTEGER)
    const lease = await node.registry.acquire(conversation)
    door = undefined
    resolve()
    await node.settled()
    expect(await store.head(conversation)).toMatchObject({ head: { liveEntries: 4 } })
    expect((await node.conversations.post(ann, conversation, messageEntry('on'), undefined)).created).toBe(true)
    expect([lease.live.ended, node.errors]).toEqual([undefined, []])
    lease.release()
    node.registry.sweep(Number.MAX_SAFE_INTEGER)
    expect(node.registry.size()).toBe(0)
  })
})

describe('a socket that ends while its backlog is being taken', () => {
  test('[SYNC3][SYNC11][SYNC4] keeps the conversation until all of it is staged: no second one comes to life', async () => {
    const doors = doorStore()
    const node = createSyncNode({ store: doors.store })
    const conversation = await node.create('ann')
    const device = new FakeDevice('ann', conversation, createDoc(1))
    await bringTogether(node, [device])
    const count = 3 * limits.entriesPerSlice
    const { promise, resolve } = deferred()
    node.gate.hold()
    device.append(...Array.from({ length: count }, (_, at) => encodeEntry(messageEntry(`${at}`, { at }))))
    device.deliverUp()
    await node.settled()
    // The first slice is on the disk, nothing is on its way, and the second slice waits for a read.
    doors.door = promise
    node.gate.open()
    for (let turns = 0; turns < 100 && doors.knocks === 0; turns++) await turn()
    expect(doors.knocks).toBe(1)
    device.disconnect()
    for (let turns = 0; turns < 10; turns++) await turn()
    node.registry.sweep(Number.MAX_SAFE_INTEGER)
    expect(node.registry.size()).toBe(1)
    const post = node.conversations.post(ann, conversation, messageEntry('over REST'), undefined)
    doors.door = undefined
    resolve()
    expect((await post).created).toBe(true)
    await node.settled()
    const { messages } = await node.conversations.messages(ann, conversation, { limit: 10_000 })
    expect(messages).toHaveLength(count + 1)
    expect(messages.map(({ seq }) => seq)).toEqual(messages.map((_, index) => index))
    expect([node.errors, node.storeFailures]).toEqual([[], []])
    // And no longer than that.
    node.registry.sweep(Number.MAX_SAFE_INTEGER)
    expect(node.registry.size()).toBe(0)
  })
})
