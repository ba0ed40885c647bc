// What comes from sockets, on its way to a verdict: slices, forks, chains, and entries that are wrong.
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { encodeEntry, type KnownEntry } from '../../../shared/chat/entry.ts'
import type { VoidReason } from '../../../shared/chat/policy.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { encodeUpdateMessage } from '../../../shared/sync/wire.ts'
import { invitationAt } from '../../contract/store-rows.ts'
import { jsonPayload } from '../../helpers/adversarial-cast.ts'
import { append, clientId, createDoc, hex, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { freshMessageId, messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, endlessWindow, steppingClock, type SyncNode } from '../../helpers/sync-node.ts'
import { chainItems, content, item, section, update } from '../../helpers/update-forge.ts'

const dayMs = 24 * 60 * 60 * 1000

function said(text: string): Uint8Array {
  return encodeEntry(messageEntry(text, { at: 1_700_000_000_000 }))
}

/** Each entry later than the one before. */
function saidInOrder(count: number, name: string): Uint8Array[] {
  return Array.from({ length: count }, (_, index) =>
    encodeEntry(messageEntry(`${name} ${index}`, { at: 1_700_000_000_000 + index })),
  )
}

async function createPair(node: SyncNode): Promise<{ id: ConversationId; ann: FakeDevice; bob: FakeDevice }> {
  const id = await node.create('ann', 'bob')
  const [ann, bob] = [new FakeDevice('ann', id, createDoc(1)), new FakeDevice('bob', id, createDoc(2))]
  await bringTogether(node, [ann, bob])
  return { id, ann, bob }
}

/** Entries of a batch by chain. */
function entriesIn(node: SyncNode): Record<string, number>[] {
  return node.gate.batches().map((batch) => {
    const counts: Record<string, number> = {}
    for (const commit of batch) {
      if (commit.kind !== 'write') continue
      for (const { client } of commit.entries) counts[client] = (counts[client] ?? 0) + 1
    }
    return counts
  })
}

describe('a long backlog', () => {
  test('[SYNC9] goes in slices of 1,024, each a commit, and another member chats in between', async () => {
    const node = createSyncNode({ window: endlessWindow })
    const { id, ann, bob } = await createPair(node)
    const count = 4 * limits.entriesPerSlice + 7
    const before = node.gate.batches().length
    node.gate.hold()
    ann.append(...saidInOrder(count, 'ann'))
    ann.deliverUp()
    await node.settled()
    for (let round = 0; round < 10; round++) {
      bob.append(said(`bob ${round}`))
      bob.deliverUp()
      await node.settled()
      node.gate.pass()
      await node.settled()
    }
    const batches = entriesIn(node).slice(before)
    const slices = batches.flatMap((counts) => (counts[1] === undefined ? [] : [counts[1]]))
    expect(slices).toEqual([...[1, 2, 3, 4].map(() => limits.entriesPerSlice), 7])
    // Bob's words never wait for more than the batch that is in flight.
    expect(batches.slice(1, 10).map((counts) => counts[2])).toEqual(Array.from({ length: 9 }, () => 1))
    node.gate.open()
    await deliverAll(node, [ann, bob])
    const { messages } = await node.conversations.messages(userId('ann'), id, { limit: 10_000 })
    const own = messages.filter(({ user }) => user === 'ann').map(({ content: text }) => text)
    expect(own).toEqual(Array.from({ length: count }, (_, index) => `ann ${index}`))
    const bobs = messages.flatMap(({ user }, index) => (user === 'bob' ? [index] : []))
    expect(bobs.filter((index) => index < count).length).toBeGreaterThanOrEqual(3)
    expect(hex(Y.encodeStateAsUpdate(ann.doc)) === hex(Y.encodeStateAsUpdate(bob.doc))).toBe(true)
    expect([ann.closes, bob.closes, node.errors]).toEqual([[], [], []])
  })

  test('[SYNC9][SYNC4] the same backlog over a new socket while the old one is still at it: each entry once, in order', async () => {
    const node = createSyncNode({ window: endlessWindow })
    const { id, ann, bob } = await createPair(node)
    const count = 3 * limits.entriesPerSlice
    node.gate.hold()
    ann.append(...saidInOrder(count, 'ann'))
    ann.deliverUp()
    await node.settled()
    node.gate.pass()
    await node.settled()
    // The network is gone, and the server has not noticed what it has in hand.
    ann.disconnect()
    await ann.connect(node)
    const tab = new FakeDevice('ann', id, createDoc(3))
    Y.applyUpdate(tab.doc, Y.encodeStateAsUpdate(ann.doc))
    await tab.connect(node)
    for (let round = 0; round < 20; round++) {
      for (const device of [tab, ann]) {
        device.deliverUp(1)
        await node.settled()
        device.deliverDown(1)
      }
      node.gate.pass()
      await node.settled()
    }
    node.gate.open()
    await deliverAll(node, [ann, bob, tab])
    const { messages } = await node.conversations.messages(userId('ann'), id, { limit: 10_000 })
    expect(messages.map(({ content: text }) => text)).toEqual(
      Array.from({ length: count }, (_, index) => `ann ${index}`),
    )
    expect([ann.closes, tab.closes, bob.closes, node.errors]).toEqual([[], [], [], []])
    expect(bob.folded.view().sent).toEqual(messages)
  })

  test('[SYNC9][SYNC4] a chain whose turn is in a later slice, brought by another socket meanwhile', async () => {
    const node = createSyncNode({ window: endlessWindow })
    const { id, ann, bob } = await createPair(node)
    node.gate.hold()
    ann.append(...saidInOrder(limits.entriesPerSlice, 'early'))
    const late = createDoc(5)
    append(late, 'ann', [encodeEntry(messageEntry('late', { at: 1_800_000_000_000 }))])
    const tab = new FakeDevice('ann', id, createDoc(3))
    for (const doc of [ann.doc, late]) Y.applyUpdate(tab.doc, Y.encodeStateAsUpdate(doc))
    ann.disconnect()
    await tab.connect(node)
    tab.deliverDown()
    tab.deliverUp()
    await node.settled()
    // Its first slice is on its way to the disk; the late one waits for that.
    const phone = new FakeDevice('ann', id, late)
    await phone.connect(node)
    phone.deliverDown()
    phone.deliverUp()
    await node.settled()
    node.gate.open()
    await deliverAll(node, [tab, phone, bob])
    expect([tab.closes, phone.closes, node.errors]).toEqual([[], [], []])
    const { messages } = await node.conversations.messages(userId('ann'), id, { limit: 10_000 })
    expect(messages).toHaveLength(limits.entriesPerSlice + 1)
    expect(bob.folded.view().sent).toEqual(messages)
  })

  test('[SYNC9][SYNC5][SYNC8] a later slice without bytes for what another socket has brought meanwhile is no fork', async () => {
    const node = createSyncNode({ window: endlessWindow })
    const { id, ann, bob } = await createPair(node)
    const count = limits.entriesPerSlice + 2
    node.gate.hold()
    ann.append(...saidInOrder(count, 'ann'))
    // The same device deletes what it has not sent, and sends over another socket.
    const erased = new FakeDevice('ann', id, createDoc(7))
    Y.applyUpdate(erased.doc, Y.encodeStateAsUpdate(ann.doc))
    erased.doc.getArray('chain/1/ann').delete(count - 1, 1)
    ann.disconnect()
    await erased.connect(node)
    erased.deliverDown()
    erased.deliverUp()
    await node.settled()
    await ann.connect(node)
    ann.deliverDown()
    ann.deliverUp()
    await node.settled()
    node.gate.open()
    await deliverAll(node, [erased, ann, bob])
    expect([erased.closes, ann.closes, node.errors]).toEqual([[], [], []])
    expect(bob.folded.fold().stampedThrough(clientId(1))).toBe(count)
  })

  test('[SYNC9][MEMBER1] who is removed in the middle of it is closed; what was taken stays, the rest never comes', async () => {
    const node = createSyncNode({ window: endlessWindow })
    const { id, ann, bob } = await createPair(node)
    node.gate.hold()
    bob.append(...saidInOrder(3 * limits.entriesPerSlice, 'bob'))
    bob.deliverUp()
    await node.settled()
    const removal = node.conversations.apply(userId('ann'), id, { kind: 'member', user: userId('bob'), access: null })
    await node.settled()
    node.gate.open()
    await removal
    await deliverAll(node, [ann, bob])
    expect(bob.closes).toEqual(['no-access'])
    const { messages } = await node.conversations.messages(userId('ann'), id, { limit: 10_000 })
    expect(messages).toHaveLength(limits.entriesPerSlice)
    expect(ann.folded.view().sent).toEqual(messages)
    await node.conversations.apply(userId('ann'), id, { kind: 'member', user: userId('bob'), access: 'writer' })
    await bringTogether(node, [ann, bob])
    expect(bob.folded.view().pending).toEqual([])
    expect(ann.folded.view().sent).toHaveLength(3 * limits.entriesPerSlice)
    expect(node.errors).toEqual([])
  })

  test('[SYNC9] a sender waits while more than the limit is on its way to the disk', async () => {
    const node = createSyncNode({ window: endlessWindow })
    const { ann } = await createPair(node)
    const big = (index: number): Uint8Array => said(`${index} ${'x'.repeat(200 * 1024)}`)
    node.gate.hold()
    for (let index = 0; index < 60; index++) {
      ann.append(big(index))
      ann.deliverUp()
      await node.settled()
    }
    const left = ann.queued.up
    expect(ann.isPaused).toBe(true)
    expect(left).toBeGreaterThan(20)
    node.gate.open()
    await deliverAll(node, [ann])
    expect(ann.folded.view().sent).toHaveLength(60)
    expect([ann.isPaused, ann.queued.up]).toEqual([false, 0])
  })
})

describe('a fork', () => {
  /** Entries of another device that has the same clientID. */
  function forged(from: number, ...payloads: readonly Uint8Array[]): Uint8Array {
    const contents = payloads.map((bytes) => content.binary(bytes))
    return encodeUpdateMessage(update([section(1, from, chainItems('chain/1/ann', 1, from, contents))]))
  }

  test.each(['stored', 'on its way to the disk', 'waiting for the next batch'])(
    '[SYNC8] other bytes at a clock that is %s are a fork; the same bytes are none',
    async (where) => {
      const node = createSyncNode()
      const { ann, bob, id } = await createPair(node)
      const [first, second] = [said('first'), said('second')]
      if (where !== 'stored') node.gate.hold()
      if (where === 'waiting for the next batch') {
        bob.append(said('in flight'))
        await deliverAll(node, [bob])
      }
      ann.append(first, second)
      await deliverAll(node, [ann])
      const twin = new FakeDevice('ann', id, createDoc(7))
      await twin.connect(node)
      twin.send(forged(0, first, second))
      twin.send(forged(1, second))
      await deliverAll(node, [twin])
      expect(twin.closes).toEqual([])
      twin.send(forged(0, first, said('another second'), said('third')))
      await deliverAll(node, [twin])
      expect(twin.closes).toEqual(['forked'])
      node.gate.open()
      await deliverAll(node, [ann, bob])
      expect(ann.closes).toEqual([])
      expect(bob.folded.texts().filter((text) => text !== 'in flight')).toEqual(['first', 'second'])
    },
  )

  test('[SYNC8][SYNC7] a void entry has a checksum too; deleted content at a stored clock says nothing', async () => {
    const node = createSyncNode()
    const { ann, bob, id } = await createPair(node)
    const wrong = jsonPayload('not JSON')
    ann.append(said('first'), wrong)
    await deliverAll(node, [ann, bob])
    const again = async (frame: Uint8Array): Promise<readonly string[]> => {
      const device = new FakeDevice('ann', id, createDoc(8))
      await device.connect(node)
      device.send(frame)
      await deliverAll(node, [device])
      device.disconnect()
      return device.closes
    }
    expect(await again(forged(1, wrong))).toEqual([])
    expect(await again(forged(1, said('second thoughts')))).toEqual(['forked'])
    const erased = section(1, 0, [item({ parent: 'chain/1/ann', content: content.deleted(2) })])
    expect(await again(encodeUpdateMessage(update([erased])))).toEqual([])
    await deliverAll(node, [ann, bob])
    expect(bob.folded.texts()).toEqual(['first'])
  })

  test('[SYNC8] a whole document of thousands of own entries costs about as much as it is long', async () => {
    /** In ms; the least of three. */
    const timeFor = async (count: number): Promise<number> => {
      const node = createSyncNode()
      const { ann } = await createPair(node)
      ann.append(...saidInOrder(count, 'ann'))
      await deliverAll(node, [ann])
      let least = Number.POSITIVE_INFINITY
      for (let each = 0; each < 3; each++) {
        ann.send(encodeUpdateMessage(Y.encodeStateAsUpdate(ann.doc)))
        const start = performance.now()
        await deliverAll(node, [ann])
        least = Math.min(least, performance.now() - start)
      }
      expect(ann.closes).toEqual([])
      return least
    }
    await timeFor(500)
    const [short, long] = [await timeFor(2000), await timeFor(16_000)]
    console.log(`2,000 entries: ${short.toFixed()} ms; 16,000: ${long.toFixed()} ms`)
    expect(long).toBeLessThan(8 * 4 * short + 50)
  })
})

describe('chains', () => {
  test(`[SYNC9] ${limits.newChainsPerUserPerDay} new ones a day and user, held ones aside; known ones go on`, async () => {
    let nowMs = 1_700_000_000_000
    const node = createSyncNode({ now: () => nowMs++ })
    const { id, ann, bob } = await createPair(node)
    await node.conversations.post(userId('ann'), id, messageEntry('over REST'), undefined)
    ann.append(said('the first chain'))
    await deliverAll(node, [ann])
    const begin = async (user: string, client: number): Promise<FakeDevice> => {
      const device = new FakeDevice(user, id, createDoc(client))
      device.append(said(`${client}`))
      await bringTogether(node, [device])
      return device
    }
    for (let client = 1001; client < 1000 + limits.newChainsPerUserPerDay; client++) {
      const device = await begin('ann', client)
      expect(device.closes).toEqual([])
      device.disconnect()
    }
    const refused = await begin('ann', 5000)
    expect(refused.closes).toEqual(['overloaded'])
    expect((await begin('bob', 6000)).closes).toEqual([])
    ann.append(said('the first chain goes on'))
    await deliverAll(node, [ann, bob])
    expect(bob.folded.texts().at(-1)).toBe('the first chain goes on')

    // Also by a server that has read its chains from the disk.
    const reopened = createSyncNode({ store: node.gate.store, now: () => nowMs++ })
    await bringTogether(reopened, [refused])
    expect(refused.closes).toEqual(['overloaded', 'overloaded'])
    nowMs += dayMs
    await bringTogether(reopened, [refused])
    expect(refused.closes).toHaveLength(2)
    expect(refused.folded.view().pending).toEqual([])
  })

  test('[ACCEPT1][SYNC6] nobody appends to a held chain over a socket, not even its user', async () => {
    const node = createSyncNode()
    const { id, ann, bob } = await createPair(node)
    await node.conversations.post(userId('ann'), id, messageEntry('over REST'), undefined)
    await deliverAll(node, [ann, bob])
    const held = [...ann.doc.share.keys()].find((name) => name !== 'chain/1/ann' && name.endsWith('/ann'))
    const client = Number(held?.split('/')[1])
    const next = Y.getState(ann.doc.store, client)
    const forge = (from: number): Uint8Array =>
      encodeUpdateMessage(
        update([section(client, from, chainItems(held ?? '', client, from, [content.binary(said('forged'))]))]),
      )
    for (const frame of [forge(0), forge(next), forge(next + 1)]) ann.send(frame)
    ann.append(said('own'))
    await deliverAll(node, [ann, bob])
    expect(ann.closes).toEqual([])
    expect(bob.folded.texts()).toEqual(['over REST', 'own'])
    await node.conversations.post(userId('ann'), id, messageEntry('over REST again'), undefined)
    await deliverAll(node, [ann, bob])
    // Bob's access came with the first of them.
    expect(Y.getState(bob.doc.store, client)).toBe(next + 1)

    // The same one after a restart.
    const reopened = createSyncNode({ store: node.gate.store })
    await reopened.conversations.post(userId('ann'), id, messageEntry('and again'), undefined)
    for (const device of [ann, bob]) device.disconnect()
    await bringTogether(reopened, [bob])
    expect(Y.getState(bob.doc.store, client)).toBe(next + 2)
  })

  test('[SYNC5] an update without anything for the server is taken also from who just left', async () => {
    const node = createSyncNode({ now: steppingClock() })
    const { id, bob } = await createPair(node)
    bob.send(encodeUpdateMessage(Uint8Array.of(0, 0)))
    await deliverAll(node, [bob])
    await node.conversations.apply(userId('bob'), id, { kind: 'member', user: userId('bob'), access: null })
    await deliverAll(node, [bob])
    expect(bob.closes).toEqual(['no-access'])
  })
})

describe('entries that are wrong', () => {
  const [eve, { id: invitation }] = [userId('eve'), invitationAt(1)]
  const cases: readonly (readonly [VoidReason, string, (known: KnownEntry & { kind: 'message' }) => Uint8Array])[] = [
    ['bad-format', 'bob', () => Uint8Array.of(7, 7)],
    ['bad-format', 'bob', () => new Uint8Array()],
    ['sealed', 'bob', () => Uint8Array.of(2, 7)],
    ['bad-json', 'bob', () => jsonPayload('{')],
    ['bad-schema', 'bob', () => jsonPayload('{"kind":"message"}')],
    // Whoever else may add members.
    ['bad-schema', 'ann', () => encodeEntry({ kind: 'member', user: eve, access: 'writer', invitation })],
    ['too-large', 'bob', () => new Uint8Array(limits.entryBytes + 1).fill(1)],
    ['access', 'rob', () => said('as a reader')],
    ['access', 'bob', () => encodeEntry({ kind: 'set', key: 'title', value: 'mine' })],
    ['access', 'bob', () => encodeEntry({ kind: 'member', user: eve, access: 'reader' })],
    ['no-target', 'bob', () => encodeEntry({ kind: 'redact', of: freshMessageId() })],
    ['not-author', 'bob', ({ id: of }) => encodeEntry({ kind: 'edit', of, content: 'edited', at: 1 })],
    ['id-taken', 'bob', ({ id: of }) => encodeEntry(messageEntry('stolen', { id: of }))],
    ['duplicate', 'ann', (known) => encodeEntry(known)],
    ['last-owner', 'ann', () => encodeEntry({ kind: 'member', user: userId('ann'), access: null })],
    ['beyond-end', 'bob', () => encodeEntry({ kind: 'read', through: 1_000_000 })],
  ]

  test.each(cases)(
    '[SYNC7] %s: it is void for everybody, and what stands behind it is not',
    async (reason, user, make) => {
      const node = createSyncNode()
      const { id, ann, bob } = await createPair(node)
      await node.conversations.apply(userId('ann'), id, { kind: 'member', user: userId('rob'), access: 'reader' })
      const known = messageEntry('known', { at: 1 })
      ann.append(encodeEntry(known))
      await deliverAll(node, [ann, bob])
      const device = new FakeDevice(user, id, createDoc(50))
      device.append(make(known), encodeEntry({ kind: 'read', through: 0 }), make(known))
      const everybody = [ann, bob, device]
      await bringTogether(node, everybody)
      for (const { folded } of everybody) {
        const fold = folded.fold()
        expect([0, 1, 2].map((clock) => fold.voidReason(clientId(50), clock))).toEqual([reason, undefined, reason])
        expect(fold.stampedThrough(clientId(50))).toBe(3)
        expect(folded.texts()).toEqual(['known'])
        expect(folded.view().members.has(eve)).toBe(false)
      }
      const { places } = await node.conversations.chain(userId(user), id, clientId(50), 0)
      expect(places.map(({ outcome }) => (outcome.kind === 'void' ? outcome.reason : outcome.kind))).toEqual([
        reason,
        'accepted',
        reason,
      ])
      const replicas = everybody.map(({ doc }) => hex(Y.encodeStateAsUpdate(doc)))
      expect(new Set(replicas).size).toBe(1)
      expect(device.doc.getArray(`chain/50/${user}`).toArray()).toEqual([encodeEntry({ kind: 'read', through: 0 })])
      expect(everybody.flatMap(({ closes }) => closes)).toEqual([])
    },
  )

  test('[SYNC7] a chain that is void again and again is closed with overloaded, and costs nobody else anything', async () => {
    const node = createSyncNode({ window: endlessWindow })
    const { id, ann, bob } = await createPair(node)
    const runs = limits.voidRunsPerChain
    bob.append(...saidInOrder(runs + 2, 'bob').flatMap((entry) => [entry, jsonPayload('{')]))
    await deliverAll(node, [ann, bob])
    expect(bob.closes).toEqual(['overloaded'])
    ann.append(said('undisturbed'))
    await bringTogether(node, [ann, bob])
    expect([ann.closes, bob.closes]).toEqual([[], ['overloaded', 'overloaded']])
    expect(ann.folded.texts()).toHaveLength(runs + 2)
    expect((await node.gate.store.deleted(id))[0]?.ranges).toHaveLength(runs)
    // A run that grows is no new one, and other chains of bob's are not meant.
    const other = new FakeDevice('bob', id, createDoc(60))
    other.append(...Array.from({ length: runs + 2 }, () => jsonPayload('{')), said('behind them'))
    await bringTogether(node, [other])
    expect([other.closes, node.errors]).toEqual([[], []])
    expect(other.folded.texts().at(-1)).toBe('behind them')
  })

  test('[SYNC7] an edit comes after its target, whatever the order of sections', async () => {
    const node = createSyncNode()
    const { id, bob } = await createPair(node)
    const target = messageEntry('target', { at: 1000 })
    const [low, high] = [createDoc(10), createDoc(11)]
    append(low, 'ann', [encodeEntry(target)])
    append(high, 'ann', [encodeEntry({ kind: 'edit', of: target.id, content: 'edited', at: 1001 })])
    const device = new FakeDevice('ann', id, createDoc(9))
    for (const doc of [low, high]) Y.applyUpdate(device.doc, Y.encodeStateAsUpdate(doc))
    await bringTogether(node, [device, bob])
    expect(bob.folded.fold().voidReason(clientId(11), 0)).toBeUndefined()
    expect(bob.folded.fold().stampedThrough(clientId(11))).toBe(1)
  })
})
