// Nothing is shown to anybody before it is durable, and nothing of what failed is shown ever.
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { StoreError } from '../../../server/storage/conversation-store.ts'
import { encodeEntry } from '../../../shared/chat/entry.ts'
import { Fault } from '../../../shared/fault.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { encodeStep1, parseWireMessage } from '../../../shared/sync/wire.ts'
import { clientId, createDoc, hex, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, type SyncNode } from '../../helpers/sync-node.ts'

interface Stand {
  readonly node: SyncNode
  readonly id: ConversationId
  readonly ann: FakeDevice
  readonly bob: FakeDevice
}

async function createStand(): Promise<Stand> {
  const node = createSyncNode()
  const id = await node.create('ann', 'bob')
  const [ann, bob] = [new FakeDevice('ann', id, createDoc(1)), new FakeDevice('bob', id, createDoc(2))]
  ann.append(encodeEntry(messageEntry('before')))
  await bringTogether(node, [ann, bob])
  return { node, id, ann, bob }
}

/** All that anybody can see of a conversation, in one text. */
async function everythingShown({ node, id, bob }: Stand): Promise<string> {
  const fresh = new FakeDevice('bob', id, createDoc(99))
  await fresh.connect(node)
  const asked = fresh.unseen.map(hex)
  fresh.send(encodeStep1(Y.encodeStateVector(new Y.Doc())))
  await deliverAll(node, [fresh])
  const user = userId('ann')
  const { conversations } = node
  const shown = {
    asked,
    document: hex(Y.encodeStateAsUpdate(fresh.doc)),
    followed: hex(Y.encodeStateAsUpdate(bob.doc)),
    state: await conversations.get(user, id),
    list: await conversations.list(user, { limit: 10, cursor: undefined }),
    messages: await conversations.messages(user, id, { limit: 50 }),
    members: await conversations.members(user, id),
  }
  fresh.disconnect()
  return JSON.stringify(shown)
}

/** Resolves to what became of a promise, if anything has. */
async function fateOf(promise: Promise<unknown>): Promise<unknown> {
  return Promise.race([
    promise.then(
      () => 'resolved',
      (error: unknown) => (error instanceof Fault ? error.code : String(error)),
    ),
    new Promise((resolve) => setImmediate(() => resolve('open'))),
  ])
}

describe('while a commit is held', () => {
  test('[SYNC2] no relay, state vector, step2, list, history or answer shows what it holds; then all do', async () => {
    const stand = await createStand()
    const { node, id, ann, bob } = stand
    const before = await everythingShown(stand)
    node.gate.hold()
    ann.append(encodeEntry(messageEntry('held')), encodeEntry({ kind: 'set', key: 'title', value: 'held' }))
    await deliverAll(node, [ann, bob])
    const post = node.conversations.post(userId('bob'), id, messageEntry('posted'), 'a key')
    const add = node.conversations.apply(userId('ann'), id, { kind: 'member', user: userId('cleo'), access: 'reader' })
    const other = node.conversations.create(userId('ann'), { title: 'another' })
    await deliverAll(node, [ann, bob])
    expect(node.gate.waiting()).toHaveLength(1)
    expect(await everythingShown(stand)).toBe(before)
    expect(await Promise.all([post, add, other].map(fateOf))).toEqual(['open', 'open', 'open'])
    expect(ann.folded.view().pending.map(({ content }) => content)).toEqual(['held'])

    // One batch later, exactly what was in it.
    node.gate.pass()
    await deliverAll(node, [ann, bob])
    expect(bob.folded.texts()).toEqual(['before', 'held'])
    expect(bob.folded.view().title).toBe('held')
    expect(await Promise.all([post, add, other].map(fateOf))).toEqual(['open', 'open', 'open'])
    node.gate.open()
    await deliverAll(node, [ann, bob])
    expect(await Promise.all([post, add, other].map(fateOf))).toEqual(['resolved', 'resolved', 'resolved'])
    expect(bob.folded.texts()).toEqual(['before', 'held', 'posted'])
    expect(await everythingShown(stand)).toContain('cleo')
    expect(hex(Y.encodeStateAsUpdate(ann.doc))).toBe(hex(Y.encodeStateAsUpdate(bob.doc)))
    expect(node.errors).toEqual([])
  })

  test('[SYNC2] the rules count what is held, although nobody is shown it', async () => {
    const { node, id, ann, bob } = await createStand()
    node.gate.hold()
    const first = messageEntry('first')
    ann.append(encodeEntry(first))
    await deliverAll(node, [ann])
    bob.append(encodeEntry({ ...first, content: 'stolen' }))
    await deliverAll(node, [bob])
    const again = node.conversations.post(userId('ann'), id, first, undefined)
    expect(await fateOf(again)).toBe('open')
    node.gate.open()
    await deliverAll(node, [ann, bob])
    expect(await again).toMatchObject({ created: false, message: { id: first.id, content: 'first' } })
    expect(bob.folded.texts()).toEqual(['before', 'first'])
    expect(bob.folded.fold().voidReason(clientId(2), 0)).toBe('id-taken')
  })

  test('[SYNC2] a repeated request waits for the message that the first one is still writing', async () => {
    const { node, id } = await createStand()
    node.gate.hold()
    const post = (content: string) => node.conversations.post(userId('ann'), id, messageEntry(content), 'the key')
    const [first, second] = [post('once'), post('once')]
    await node.settled()
    // The first two are in flight, the third meets them there.
    const third = post('once')
    const other = post('other content').catch(String)
    await node.settled()
    expect(await Promise.all([first, second, third].map(fateOf))).toEqual(['open', 'open', 'open'])
    node.gate.open()
    const posted = await Promise.all([first, second, third])
    expect(posted.map(({ created }) => created)).toEqual([true, false, false])
    expect(new Set(posted.map(({ message }) => JSON.stringify(message))).size).toBe(1)
    expect(await other).toMatch(/other content/)
  })
})

describe('when a commit fails', () => {
  /** A commit of ann's that fails, with requests beside it and behind it; what everybody saw before. */
  async function failCommit({ node, id, ann, bob }: Stand): Promise<void> {
    node.gate.failNext(new StoreError('failed', 'the disk is full'))
    node.gate.hold()
    ann.append(encodeEntry(messageEntry('lost')))
    const post = node.conversations.post(userId('bob'), id, messageEntry('lost too'), undefined)
    const other = node.conversations.create(userId('cleo'), {})
    await deliverAll(node, [ann, bob])
    const next = node.conversations.post(userId('bob'), id, messageEntry('in the next batch'), undefined)
    const fates = [post, other, next].map(async (one) => one.catch((error: unknown) => (error as Fault).code))
    node.gate.open()
    await deliverAll(node, [ann, bob])
    expect(await Promise.all(fates)).toEqual(['unavailable', 'unavailable', 'unavailable'])
    expect([ann.closes, bob.closes]).toEqual([['restart'], ['restart']])
  }

  test('[SYNC2][SYNC10][STORE10] nothing of it is shown, its sockets are closed 1012, and it goes on from the disk', async () => {
    const stand = await createStand()
    const { node, ann, bob } = stand
    const before = await everythingShown(stand)
    await failCommit(stand)
    expect(await everythingShown(stand)).toBe(before)
    expect([node.recovered.map(String), node.storeFailures]).toEqual([['StoreError: the disk is full'], []])

    await bringTogether(node, [ann, bob])
    expect(ann.folded.texts()).toEqual(['before', 'lost'])
    expect(hex(Y.encodeStateAsUpdate(ann.doc))).toBe(hex(Y.encodeStateAsUpdate(bob.doc)))
    expect([ann.closes, bob.closes, node.errors]).toEqual([['restart'], ['restart'], []])
  })

  test('[SYNC2][SYNC10][STORE2] when the store cannot be opened again, nothing is acknowledged any more', async () => {
    const stand = await createStand()
    const { node, ann, bob } = stand
    const before = await everythingShown(stand)
    node.gate.failRecovery(new StoreError('damaged', 'the store is damaged'))
    await failCommit(stand)
    expect([node.recovered, node.storeFailures.map(String)]).toEqual([[], ['StoreError: the store is damaged']])
    expect(await everythingShown(stand)).toBe(before)

    // Readers may come back; whoever writes is closed again.
    await bringTogether(node, [bob])
    expect(bob.isConnected).toBe(true)
    await bringTogether(node, [ann])
    await deliverAll(node, [ann, bob])
    expect([ann.closes, bob.closes]).toEqual([
      ['restart', 'restart'],
      ['restart', 'restart'],
    ])
    expect(await everythingShown(stand)).toBe(before)
    expect(node.gate.batches().length).toBe(3)
    expect(node.errors).toEqual([])
  })

  test('[SYNC4][STORE5] a conversation that another server has moved starts again from the disk, and loses nothing', async () => {
    const stand = await createStand()
    const { node, id, ann, bob } = stand
    // Another node on the same data.
    const other = createSyncNode({ store: node.gate.store })
    await other.conversations.post(userId('bob'), id, messageEntry('over there'), undefined)
    ann.append(encodeEntry(messageEntry('here')))
    await deliverAll(node, [ann, bob])
    expect([ann.closes, bob.closes]).toEqual([['restart'], ['restart']])
    await bringTogether(node, [ann, bob])
    expect(ann.folded.texts()).toEqual(['before', 'over there', 'here'])
    expect(hex(Y.encodeStateAsUpdate(ann.doc))).toBe(hex(Y.encodeStateAsUpdate(bob.doc)))
    expect([node.errors, node.storeFailures]).toEqual([[], []])
  })
})

describe('when a conversation is deleted', () => {
  test('[SYNC2][SYNC3] whoever writes at the same moment is told that it is gone, not that it was kept', async () => {
    const { node, id, ann, bob } = await createStand()
    node.gate.hold()
    const blocking = node.conversations.create(userId('cleo'), {})
    await node.settled()
    const deletion = node.conversations.delete(userId('ann'), id)
    const again = node.conversations.delete(userId('ann'), id)
    const post = node.conversations.post(userId('bob'), id, messageEntry('too late'), undefined)
    const fates = [deletion, again, post].map(async (one) =>
      one.then(
        () => 'done',
        (error: unknown) => (error as Fault).code,
      ),
    )
    ann.append(encodeEntry(messageEntry('too late as well')))
    await deliverAll(node, [ann, bob])
    expect([ann.closes, bob.closes]).toEqual([[], []])
    node.gate.open()
    await blocking
    await deliverAll(node, [ann, bob])
    expect(await Promise.all(fates)).toEqual(['done', 'done', 'deleted'])
    expect([ann.closes, bob.closes]).toEqual([['deleted'], ['deleted']])
    await expect(node.conversations.get(userId('ann'), id)).rejects.toThrow(new Fault('deleted'))
    await ann.connect(node)
    expect(ann.closes).toEqual(['deleted', 'deleted'])
    expect(node.errors).toEqual([])
  })

  test('[SYNC3] a deletion that cannot be written is not told as done', async () => {
    const { node, id, ann } = await createStand()
    node.gate.failNext(new StoreError('failed', 'the disk is full'))
    await expect(node.conversations.delete(userId('ann'), id)).rejects.toThrow(new Fault('unavailable'))
    await deliverAll(node, [ann])
    expect(ann.closes).toEqual(['restart'])
    expect((await node.conversations.get(userId('ann'), id)).id).toBe(id)
  })
})

describe('a bug', () => {
  test('[SYNC10] in the middle of a commit starts the conversation again from the disk; nobody waits for ever', async () => {
    const { node, id, ann, bob } = await createStand()
    const bug = new Error('a bug')
    const fateOfAll = (promises: readonly Promise<unknown>[]): Promise<unknown[]> =>
      Promise.all(promises.map(async (one) => one.catch((error: unknown) => (error as Fault).code)))
    node.gate.failNext(bug)
    node.gate.hold()
    const post = node.conversations.post(userId('bob'), id, messageEntry('in flight'), undefined)
    await node.settled()
    const next = node.conversations.post(userId('bob'), id, messageEntry('in the next batch'), undefined)
    await node.settled()
    node.gate.open()
    expect(await fateOfAll([post, next])).toEqual(['unavailable', 'unavailable'])
    await deliverAll(node, [ann, bob])
    expect([ann.closes, bob.closes]).toEqual([['restart'], ['restart']])

    await bringTogether(node, [ann, bob])
    node.gate.failNext(bug)
    expect(await fateOfAll([node.conversations.delete(userId('ann'), id)])).toEqual(['unavailable'])
    await bringTogether(node, [ann, bob])
    expect(bob.folded.texts()).toEqual(['before'])
    expect([node.errors, node.storeFailures]).toEqual([[bug, bug], []])
    await node.conversations.delete(userId('ann'), id)
  })
})

describe('what is relayed', () => {
  test('[SYNC2] is encoded anew from what was stored: client bytes go no further', async () => {
    const { node, ann, bob } = await createStand()
    ann.append(encodeEntry(messageEntry('one')), Uint8Array.of(1, 255, 255), encodeEntry(messageEntry('two')))
    ann.deliverUp()
    await node.settled()
    const [frame] = bob.unseen
    const message = frame === undefined ? undefined : parseWireMessage(frame)
    if (message?.kind !== 'update') throw new Error('nothing was relayed')
    expect(bob.unseen).toHaveLength(1)
    const { structs, ds } = Y.decodeUpdate(message.update)
    const kinds = structs.map((struct) => (struct instanceof Y.Item ? struct.content.constructor.name : ''))
    expect(kinds.filter((kind) => kind === 'ContentDeleted')).toHaveLength(1)
    expect(ds.clients.size).toBe(1)
    await deliverAll(node, [ann, bob])
    expect(bob.folded.texts()).toEqual(['before', 'one', 'two'])
  })
})
