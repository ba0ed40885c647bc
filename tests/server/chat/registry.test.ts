// Which conversations are in memory: each at most once, as long as somebody uses it, and no longer.
import { describe, expect, test } from 'vitest'

import type { ConversationStore } from '../../../server/storage/conversation-store.ts'
import { StoreError } from '../../../server/storage/conversation-store.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import { encodeEntry } from '../../../shared/chat/entry.ts'
import { Fault } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import { conversationId } from '../../contract/store-rows.ts'
import { createDoc, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { storeAround } from '../../helpers/store-around.ts'
import { createSyncNode } from '../../helpers/sync-node.ts'

const ann = userId('ann')
const bob = userId('bob')
const id = conversationId(1)

/** A store that counts how often a head is read, and fails to when it is told to. */
function watchedStore(): { readonly store: ConversationStore; readonly reads: () => number; damage: boolean } {
  const inner = createMemoryStore()
  let reads = 0
  const watched = {
    damage: false,
    reads: () => reads,
    store: storeAround(inner, (name, ask) => (name === 'head' ? readHead(ask) : ask())),
  }
  async function readHead(ask: () => unknown): Promise<unknown> {
    reads++
    if (watched.damage) throw new StoreError('damaged', 'a row is damaged')
    return ask()
  }
  return watched
}

describe('the registry', () => {
  test('[SYNC11] what nobody uses leaves memory after a minute, and not before', async () => {
    let nowMs = 1_000_000
    const node = createSyncNode({ now: () => nowMs })
    const conversation = await node.create('ann')
    expect(node.registry.size()).toBe(1)
    nowMs += limits.idleConversationMs - 1
    node.registry.sweep(nowMs)
    expect(node.registry.size()).toBe(1)
    nowMs++
    node.registry.sweep(nowMs)
    expect(node.registry.size()).toBe(0)

    // A socket keeps it, for ever; its end does not.
    const device = new FakeDevice('ann', conversation, createDoc(1))
    await bringTogether(node, [device])
    nowMs += 10 * limits.idleConversationMs
    node.registry.sweep(nowMs)
    expect(node.registry.size()).toBe(1)
    device.append(encodeEntry(messageEntry('still here')))
    await deliverAll(node, [device])
    expect(device.folded.view().sent).toHaveLength(1)
    device.disconnect()
    await node.settled()
    node.registry.sweep(nowMs)
    expect(node.registry.size()).toBe(1)
    nowMs += limits.idleConversationMs
    node.registry.sweep(nowMs)
    expect(node.registry.size()).toBe(0)

    // And it comes back as it was.
    await bringTogether(node, [device])
    expect(device.closes).toEqual([])
    expect((await node.conversations.get(ann, conversation)).lastSeq).toBe(0)
  })

  test('[SYNC11] reading over REST loads nothing', async () => {
    const node = createSyncNode()
    const conversation = await node.create('ann')
    node.registry.sweep(Number.MAX_SAFE_INTEGER)
    await node.conversations.get(ann, conversation)
    await node.conversations.messages(ann, conversation, { limit: 50 })
    await node.conversations.list(ann, { limit: 50, cursor: undefined })
    await node.conversations.members(ann, conversation)
    expect(node.registry.size()).toBe(0)
  })

  test('[SYNC11][SYNC2] what is on its way to the disk stays until it is there', async () => {
    const node = createSyncNode()
    const conversation = await node.create('ann')
    const device = new FakeDevice('ann', conversation, createDoc(1))
    await bringTogether(node, [device])
    node.gate.hold()
    device.append(encodeEntry(messageEntry('on its way')))
    await deliverAll(node, [device])
    device.disconnect()
    node.registry.sweep(Number.MAX_SAFE_INTEGER)
    expect(node.registry.size()).toBe(1)
    node.gate.open()
    await node.settled()
    node.registry.sweep(Number.MAX_SAFE_INTEGER)
    expect(node.registry.size()).toBe(0)
    await bringTogether(node, [device])
    expect(device.folded.view().sent).toHaveLength(1)
  })

  test('[SYNC11] a request that is refused keeps nothing in memory', async () => {
    const node = createSyncNode()
    const conversation = await node.create('ann')
    await node.conversations.apply(ann, conversation, { kind: 'member', user: bob, access: 'reader' })
    const post = node.conversations.post(bob, conversation, messageEntry('not allowed'), 'a key')
    await expect(post).rejects.toThrow(/access/)
    await expect(node.conversations.get(bob, conversationId(9))).rejects.toThrow(new Fault('not-found'))
    const other = node.conversations.post(bob, conversationId(9), messageEntry('nowhere'), undefined)
    await expect(other).rejects.toThrow(new Fault('not-found'))
    await node.settled()
    node.registry.sweep(Number.MAX_SAFE_INTEGER)
    expect(node.registry.size()).toBe(0)
    // The key is still free.
    await node.conversations.apply(ann, conversation, { kind: 'member', user: bob, access: 'writer' })
    const again = await node.conversations.post(bob, conversation, messageEntry('allowed now'), 'a key')
    expect([again.created, again.message.content]).toEqual([true, 'allowed now'])
  })

  test('[SYNC11] a conversation that was never begun leaves nothing behind, in memory or on the disk', async () => {
    const node = createSyncNode()
    const begin = node.registry.useOrBegin(id, async (live) => {
      expect(live.isUnborn).toBe(true)
      throw new Error('the request was wrong')
    })
    await expect(begin).rejects.toThrow(/wrong/)
    expect(node.registry.size()).toBe(0)
    await expect(node.registry.acquire(id)).rejects.toThrow(new Fault('not-found'))
    expect(node.registry.size()).toBe(0)
    await node.settled()
    expect(await node.gate.store.head(id)).toBeUndefined()
    expect(node.gate.batches()).toEqual([])
  })

  test('[SYNC11] nobody enters a conversation that somebody else only looked at', async () => {
    const node = createSyncNode()
    let leave = (): void => undefined
    const looking = node.registry.useOrBegin(id, () => new Promise<void>((resolve) => (leave = resolve)))
    await node.settled()
    await expect(node.registry.acquire(id)).rejects.toThrow(new Fault('not-found'))
    leave()
    await looking
    expect(node.registry.size()).toBe(0)
  })
})

describe('at once', () => {
  test('[REST3][SYNC4] several who create one id make one conversation: one has made it, members find it, others may not', async () => {
    const node = createSyncNode()
    const outcomes = await Promise.allSettled(
      [ann, ann, bob, ann].map(async (user) => node.conversations.create(user, { id, title: 'one' })),
    )
    expect(
      outcomes.map((one) => (one.status === 'fulfilled' ? one.value.created : (one.reason as Fault).code)),
    ).toEqual([true, false, 'no-access', false])
    const heads = node.gate
      .batches()
      .flat()
      .filter(({ conversation }) => conversation === id)
    expect(heads).toHaveLength(1)
    const states = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value.state] : []))
    expect(new Set(states.map((state) => JSON.stringify(state))).size).toBe(1)
    expect(await node.conversations.members(ann, id)).toMatchObject([{ user: 'ann', access: 'owner' }])
  })

  test('[SYNC11] however many come at once, it is loaded once', async () => {
    const { store, reads } = watchedStore()
    const node = createSyncNode({ store })
    await node.conversations.create(ann, { id })
    node.registry.sweep(Number.MAX_SAFE_INTEGER)
    const before = reads()
    const leases = await Promise.all(Array.from({ length: 20 }, async () => node.registry.acquire(id)))
    expect(new Set(leases.map(({ live }) => live)).size).toBe(1)
    expect(reads() - before).toBe(1)
    for (const { release } of leases) release()
  })

  test('[STORE3][SYNC3] a conversation that cannot be read is not remembered as such, nor taken for an empty one', async () => {
    const watched = watchedStore()
    const node = createSyncNode({ store: watched.store })
    await node.conversations.create(ann, { id })
    node.registry.sweep(Number.MAX_SAFE_INTEGER)
    watched.damage = true
    const waiting = [node.registry.acquire(id), node.registry.acquire(id)]
    for (const one of waiting) await expect(one).rejects.toThrow(/damaged/)
    await expect(node.conversations.create(ann, { id })).rejects.toThrow(/damaged/)
    expect(node.registry.size()).toBe(0)
    watched.damage = false
    const { live, release } = await node.registry.acquire(id)
    expect(live.accessOf(ann)).toBe('owner')
    release()
  })
})

describe('the end', () => {
  test('[PROC2] nothing more is taken, and what was taken is still committed', async () => {
    const node = createSyncNode()
    const conversation = await node.create('ann')
    const device = new FakeDevice('ann', conversation, createDoc(1))
    await bringTogether(node, [device])
    node.gate.hold()
    device.append(
      ...Array.from({ length: 3 * limits.entriesPerSlice }, (_, at) => encodeEntry(messageEntry(`${at}`, { at }))),
    )
    device.deliverUp()
    await node.settled()
    const stopping = node.registry.stop()
    const post = node.conversations.post(ann, conversation, messageEntry('too late'), undefined)
    await expect(post).rejects.toThrow(new Fault('restart'))
    await stopping
    node.gate.open()
    await node.commits.idle()
    await node.settled()
    expect((await node.conversations.get(ann, conversation)).lastSeq).toBe(limits.entriesPerSlice - 1)
    expect(node.gate.waiting()).toEqual([])
    expect([node.errors, node.storeFailures]).toEqual([[], []])
    await deliverAll(node, [device])
    expect(device.closes).toEqual(['restart'])
  })
})
