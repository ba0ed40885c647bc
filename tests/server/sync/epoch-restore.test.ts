// A server on an older copy of its data: as a mere copy, which forces nothing, and as a restore, which begins new epochs.
// The devices are stock: real Y.Docs that keep what they had.
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { createMemoryDisk, type MemoryDisk } from '../../../server/storage/memory/memory-disk.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import { encodeEntry } from '../../../shared/chat/entry.ts'
import type { StampedMessage } from '../../../shared/chat/message.ts'
import { Fault } from '../../../shared/fault.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { createDoc, isSettled, rootContents, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { createRandom } from '../../helpers/seeded-random.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, steppingClock, type SyncNode } from '../../helpers/sync-node.ts'

const ann = userId('ann')
const restoredMs = 1_800_000_000_000

function say(device: FakeDevice, ...texts: readonly string[]): void {
  for (const text of texts) device.append(encodeEntry(messageEntry(text)))
}

async function post(node: SyncNode, user: string, id: ConversationId, text: string): Promise<void> {
  await node.conversations.post(userId(user), id, messageEntry(text), undefined)
}

async function history(node: SyncNode, id: ConversationId): Promise<readonly StampedMessage[]> {
  return (await node.conversations.messages(ann, id, { limit: 200 })).messages
}

/** Each run draws other clientIDs, as real ones do. */
function nodeOn(disk: MemoryDisk, seed: number): SyncNode {
  return createSyncNode({
    store: createMemoryStore({ disk }),
    random: createRandom(seed),
    now: steppingClock(1_700_000_000_000 + seed * 1_000_000),
  })
}

/** Contents of what is sent. */
function sent(device: FakeDevice): readonly string[] {
  return device.folded.view().sent.map(({ content }) => content)
}

interface Story {
  readonly id: ConversationId
  /** As it was when the copy was made. */
  readonly copy: () => MemoryDisk
  readonly before: readonly StampedMessage[]
  /** Both saw everything that came after it. */
  readonly ann: FakeDevice
  readonly bob: FakeDevice
  /** Saw nothing of what came after. */
  readonly offline: FakeDevice
}

/** A conversation that goes on after its data was copied, over sockets and over REST. */
async function tell(): Promise<Story> {
  const disk = createMemoryDisk()
  const node = nodeOn(disk, 1)
  const id = await node.create('ann', 'bob', 'cid')
  const devices = [1, 2, 3].map((client, index) => {
    return new FakeDevice(['ann', 'bob', 'cid'][index] ?? '', id, createDoc(client))
  })
  const [first, second, offline] = devices
  if (first === undefined || second === undefined || offline === undefined) throw new Error('three devices')
  say(first, 'a1', 'a2')
  await bringTogether(node, devices)
  await post(node, 'bob', id, 'rest1')
  second.append(Uint8Array.of(9), encodeEntry(messageEntry('b1')))
  await deliverAll(node, devices)
  const before = await history(node, id)
  const copied = structuredClone(disk)
  offline.disconnect()
  say(first, 'a3')
  await deliverAll(node, [first, second])
  await post(node, 'bob', id, 'rest2')
  await post(node, 'ann', id, 'rest3')
  say(second, 'b2')
  await deliverAll(node, [first, second])
  expect(sent(first)).toEqual(['a1', 'a2', 'rest1', 'b1', 'a3', 'rest2', 'rest3', 'b2'])
  for (const device of [first, second]) device.disconnect()
  expect(node.errors).toEqual([])
  return { id, copy: () => structuredClone(copied), before, ann: first, bob: second, offline }
}

describe('a mere copy', () => {
  test('[EPOCH3] devices that are ahead are turned away, nothing of the server changes, and operators hear of it', async () => {
    const { id, copy, before, ann: ahead, bob, offline } = await tell()
    const disk = copy()
    const node = nodeOn(disk, 2)
    await bringTogether(node, [ahead, bob])
    expect([ahead.closes, bob.closes]).toEqual([['server-behind'], ['server-behind']])
    expect(await history(node, id)).toEqual(before)
    expect(disk).toEqual(copy())
    expect(node.behind.count).toBe(2)
    expect(node.behind.warnings()).toEqual([expect.stringContaining(id)])
    expect(node.behind.warnings()[0]).toContain('parley restore')

    // Whoever is not ahead works, and so does REST.
    say(offline, 'c1')
    await bringTogether(node, [offline])
    await post(node, 'bob', id, 'rest4')
    await deliverAll(node, [offline])
    expect([offline.closes, sent(offline)]).toEqual([[], ['a1', 'a2', 'rest1', 'b1', 'c1', 'rest4']])
    expect((await node.gate.store.head(id))?.kind).toBe('head')
    expect(await node.gate.store.head(id)).toMatchObject({ head: { epoch: 0 } })
    expect(node.errors).toEqual([])
  })
})

describe('a restore', () => {
  test('[EPOCH1] nothing of the copy changes but the epoch, and each conversation begins its own when it is used', async () => {
    const { id, copy, before, offline } = await tell()
    const disk = copy()
    const store = createMemoryStore({ disk })
    await store.markRestored(restoredMs)
    const heads = await store.head(id)
    const node = nodeOn(disk, 2)
    const other = await node.create('ann')
    // Reading uses nothing.
    expect(await history(node, id)).toEqual(before)
    expect(await store.head(id)).toEqual(heads)
    await bringTogether(node, [offline])
    expect(await history(node, id)).toEqual(before)
    expect(await store.head(id)).toMatchObject({ head: { epoch: restoredMs, generation: restoredMs } })
    expect(offline.folded.view()).toMatchObject({ genesis: { epoch: restoredMs, owner: 'ann' }, sent: before })
    expect(offline.closes).toEqual([])
    // What is new since the restore has nothing to renew, and comes after every epoch that it may have had before.
    expect(await store.head(other)).toMatchObject({ head: { revision: 1, epoch: restoredMs, generation: restoredMs } })
    node.registry.sweep(Number.MAX_SAFE_INTEGER)
    const server = await store.head(id)
    await bringTogether(node, [new FakeDevice('bob', id, createDoc(20))])
    expect(await store.head(id)).toEqual(server)
  })

  test('[EPOCH2] devices that are ahead bring back what is their own, nothing that the copy had is lost, all converge', async () => {
    const { id, copy, before, ann: ahead, bob, offline } = await tell()
    const disk = copy()
    await createMemoryStore({ disk }).markRestored(restoredMs)
    const node = nodeOn(disk, 2)
    say(offline, 'c1')
    say(ahead, 'a4')
    const fresh = new FakeDevice('cid', id, createDoc(30))
    const all = [ahead, bob, offline, fresh]
    await bringTogether(node, all)
    await post(node, 'bob', id, 'rest5')
    say(fresh, 'f1')
    await deliverAll(node, all)
    expect(all.map(({ closes }) => closes)).toEqual([[], [], [], []])

    const now = await history(node, id)
    expect(now.slice(0, before.length)).toEqual(before)
    // What the server alone had written, rest2 and rest3, no stock device can bring back.
    const back = now.slice(before.length).map(({ content }) => content)
    expect(back.toSorted()).toEqual(['a3', 'a4', 'b2', 'c1', 'f1', 'rest5'])
    expect(back.indexOf('a3')).toBeLessThan(back.indexOf('a4'))
    expect(now.map(({ seq }) => seq).toSorted((a, b) => a - b)).toEqual(now.map(({ seq }) => seq))
    for (const device of all) {
      expect(device.folded.view().sent).toEqual(now)
      expect(device.folded.fold().fork).toBeUndefined()
      expect(isSettled(device.doc)).toBe(true)
    }
    // Equal documents where they began in this epoch or knew nothing that was lost; the others keep the old server chain
    // and the ends of held chains, which nobody goes on with.
    const state = rootContents(fresh.doc)
    expect(state.size).toBeGreaterThan(5)
    for (const device of [ahead, bob, offline]) {
      const mine = rootContents(device.doc)
      for (const [root, content] of state) expect((mine.get(root) ?? []).slice(0, content.length)).toEqual(content)
    }
    const pending = [fresh, offline, ahead].map(({ folded }) =>
      folded
        .view()
        .pending.map(({ content }) => content)
        .toSorted(),
    )
    expect(pending).toEqual([[], [], ['rest2', 'rest3']])
    expect(node.behind.count).toBe(0)
    expect(node.errors).toEqual([])
  })

  test('[EPOCH1][STORE5] the held chains of before are not gone on with, and nobody can be behind of them', async () => {
    const { id, copy, ann: ahead, offline } = await tell()
    const disk = copy()
    await createMemoryStore({ disk }).markRestored(restoredMs)
    const node = nodeOn(disk, 2)
    const held = async (): Promise<readonly (readonly [number, number, number])[]> => {
      const chains = (await node.gate.store.chains(id)).filter((chain) => chain.held && chain.user === 'bob')
      return chains.map(({ client, next, epoch }) => [client, next, epoch] as const)
    }
    const before = await held()
    expect(before).toHaveLength(1)
    // Also not when the conversation was loaded again since.
    await bringTogether(node, [offline])
    offline.disconnect()
    await node.settled()
    node.registry.sweep(Number.MAX_SAFE_INTEGER)
    expect(node.registry.size()).toBe(0)
    await post(node, 'bob', id, 'rest6')
    const after = await held()
    expect(after).toHaveLength(2)
    expect(after).toContainEqual(before[0])
    expect(after.map(([, , epoch]) => epoch).toSorted((a, b) => a - b)).toEqual([0, restoredMs])
    await bringTogether(node, [ahead])
    expect(ahead.closes).toEqual([])
    // In the new epoch the server's chains are its own again.
    ahead.disconnect()
    const [, chain] = after.toSorted((a, b) => a[2] - b[2])
    const liar = new FakeDevice('bob', id, new Y.Doc())
    Y.applyUpdate(liar.doc, Y.encodeStateAsUpdate(ahead.doc))
    liar.doc.clientID = chain?.[0] ?? 0
    say(liar, 'not by REST')
    await bringTogether(node, [liar])
    expect(liar.closes).toEqual(['server-behind'])
  })

  test('[EPOCH1] the same backup twice: the second restore is a later epoch than all that the first led to', async () => {
    const { id, copy, ann: ahead, offline } = await tell()
    const epochs: number[] = []
    for (const [run, restored] of [restoredMs, restoredMs + 5].entries()) {
      const disk = copy()
      await createMemoryStore({ disk }).markRestored(restored)
      const node = nodeOn(disk, 2 + run)
      await bringTogether(node, [ahead, offline])
      say(offline, `c${run}`)
      await deliverAll(node, [ahead, offline])
      expect([ahead.closes, offline.closes]).toEqual([[], []])
      expect(sent(ahead)).toEqual((await history(node, id)).map(({ content }) => content))
      epochs.push(ahead.folded.view().genesis?.epoch ?? -1)
      for (const device of [ahead, offline]) device.disconnect()
    }
    expect(epochs).toEqual([restoredMs, restoredMs + 5])
    expect(sent(offline)).toContain('c0')
  })

  // Found by epoch-random, PARLEY_SEED=3012: the author was closed as forked.
  test('[EPOCH2][SYNC5] what was void may come without bytes from another device of its user, and then with them from its author', async () => {
    const disk = createMemoryDisk()
    const node = nodeOn(disk, 1)
    const id = await node.create('ann', 'bob')
    const [author, other] = [1, 2].map((client) => new FakeDevice('bob', id, createDoc(client)))
    if (author === undefined || other === undefined) throw new Error('two devices')
    await bringTogether(node, [author, other])
    const copied = structuredClone(disk)
    author.append(encodeEntry(messageEntry('one')), Uint8Array.of(9), encodeEntry(messageEntry('two')))
    author.deliverUp()
    await node.settled()
    author.disconnect()
    await deliverAll(node, [other])
    expect(sent(other)).toEqual(['one', 'two'])
    other.disconnect()

    await createMemoryStore({ disk: copied }).markRestored(restoredMs)
    const restored = nodeOn(copied, 2)
    await bringTogether(restored, [other])
    say(author, 'three')
    await bringTogether(restored, [author, other])
    expect([author.closes, other.closes]).toEqual([[], []])
    for (const device of [author, other]) expect(sent(device)).toEqual(['one', 'two', 'three'])
    expect(rootContents(author.doc).get('chain/1/bob')).toEqual(rootContents(other.doc).get('chain/1/bob'))
  })

  test('[EPOCH1][SYNC2] nobody is answered before the new epoch is durable, and a commit that fails begins none', async () => {
    const { id, copy, before, offline } = await tell()
    const disk = copy()
    const store = createMemoryStore({ disk })
    await store.markRestored(restoredMs)
    const node = nodeOn(disk, 2)
    node.gate.hold()
    const connecting = offline.connect(node)
    await node.settled()
    expect(node.gate.waiting()).toHaveLength(1)
    expect([offline.isConnected, offline.queued.down]).toEqual([false, 0])
    expect(await store.head(id)).toMatchObject({ head: { epoch: 0 } })
    node.gate.open()
    await connecting
    await deliverAll(node, [offline])
    expect(offline.folded.view().sent).toEqual(before)

    const again = copy()
    await createMemoryStore({ disk: again }).markRestored(restoredMs)
    const failing = nodeOn(again, 3)
    failing.gate.failNext(new Error('not written'))
    await expect(failing.registry.acquire(id)).rejects.toThrow(new Fault('unavailable'))
    expect(failing.registry.size()).toBe(0)
    expect(await failing.gate.store.head(id)).toMatchObject({ head: { epoch: 0 } })
  })
})
