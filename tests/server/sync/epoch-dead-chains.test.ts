// More dead chains than a document should carry: a new epoch does without them, for stock Y.Docs of every age. Then what
// is left of a dropped chain: a row that is looked up when somebody goes on with it.
import { beforeAll, describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { findDropped } from '../../../server/chat/client-ids.ts'
import { encodeEntry } from '../../../shared/chat/entry.ts'
import type { StampedMessage } from '../../../shared/chat/message.ts'
import { Fault } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { encodeUpdateMessage } from '../../../shared/sync/wire.ts'
import { append, clientId, createDoc, isSettled, rootContents, stateVectorOf, userId } from '../../helpers/chain-doc.ts'
import { bringTogether, deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { messageEntry } from '../../helpers/stock-client.ts'
import { createSyncNode, endlessWindow, type SyncNode } from '../../helpers/sync-node.ts'

const ann = userId('ann')
const dayMs = 24 * 60 * 60 * 1000
const firstDead = 10_000
const lastDead = firstDead + limits.deadChains
/** Of the chain that is dead but for one entry. */
const halfDead = 9_999

function say(device: FakeDevice, text: string): void {
  device.append(encodeEntry(messageEntry(text)))
}

/** What eve has: entries that she may not write, on a chain of its own each. */
function deadDoc(client: number, ...texts: readonly string[]): Y.Doc {
  const doc = createDoc(client)
  append(
    doc,
    'eve',
    texts.map((text) => encodeEntry(messageEntry(text))),
  )
  return doc
}

interface Story {
  readonly node: SyncNode
  readonly id: ConversationId
  readonly before: readonly StampedMessage[]
  /** Was there all the time. */
  readonly there: FakeDevice
  /** Had every dead chain, and was away when the epoch began. */
  readonly away: FakeDevice
  /** Knew nothing of dead chains, and was away. */
  readonly long: FakeDevice
  readonly eve: FakeDevice
  /** Documents of dead chains as their author has them. */
  readonly dead: readonly Y.Doc[]
  /** How often the server wrote a genesis. */
  readonly geneses: () => number
}

/** Every day eve begins as many chains as she may, until there are `count`. */
async function tell(count: number): Promise<Story> {
  let nowMs = 1_700_000_000_000
  const node = createSyncNode({ now: () => nowMs++, window: endlessWindow })
  const id = await node.create('ann', 'bob')
  await node.conversations.apply(ann, id, { kind: 'member', user: userId('eve'), access: 'reader' })
  const [there, away, long] = [1, 2, 3].map((client) => {
    return new FakeDevice(client === 1 ? 'ann' : 'bob', id, createDoc(client))
  })
  if (there === undefined || away === undefined || long === undefined) throw new Error('three devices')
  await bringTogether(node, [there, away, long])
  say(there, 'one')
  await deliverAll(node, [there, away, long])
  long.disconnect()
  const eve = new FakeDevice('eve', id, createDoc(halfDead))
  // One that may be written, and so the chain is not dead.
  eve.append(encodeEntry(messageEntry('not mine to say')), encodeEntry({ kind: 'read', through: 0 }))
  await bringTogether(node, [eve])
  const dead = Array.from({ length: count }, (_, index) => deadDoc(firstDead + index, 'no', 'nor this'))
  for (let from = 0; from < count; from += limits.newChainsPerUserPerDay) {
    nowMs += dayMs
    const today = dead.slice(from, from + limits.newChainsPerUserPerDay)
    const isLast = from + today.length >= count
    if (isLast) {
      await deliverAll(node, [there, away])
      away.disconnect()
    }
    eve.send(encodeUpdateMessage(Y.mergeUpdates(today.map((doc) => Y.encodeStateAsUpdate(doc)))))
    if (from === 0) say(there, 'two')
    await deliverAll(node, isLast ? [eve] : [there, away, eve])
  }
  const geneses = (): number =>
    node.gate
      .batches()
      .flatMap((batch) => batch.filter((commit) => commit.kind === 'write' && isGenesis(commit.records))).length
  const { messages: before } = await node.conversations.messages(ann, id, { limit: 200 })
  return { node, id, before, there, away, long, eve, dead, geneses }
}

function isGenesis(records: readonly { readonly clock: number }[]): boolean {
  return records.some(({ clock }) => clock === 0)
}

describe('a conversation with too many dead chains', () => {
  let story: Story
  beforeAll(async () => {
    story = await tell(limits.deadChains + 1)
  })

  test('[EPOCH1] begins one epoch, in which they are not, and everybody is told to come back', async () => {
    const { node, id, there, eve, geneses } = story
    const { gate } = node
    expect(geneses()).toBe(2)
    expect(await gate.store.head(id)).toMatchObject({ head: { epoch: 1 } })
    // Ann's, bob's where they wrote, eve's that is alive, and held ones.
    const clients = (await gate.store.chains(id)).map(({ client }) => Number(client))
    expect(clients).toContain(halfDead)
    expect(clients.filter((client) => client >= firstDead && client <= lastDead)).toEqual([])
    expect((await gate.store.deleted(id)).map(({ client }) => Number(client))).toEqual([halfDead])
    await deliverAll(node, [there, eve])
    expect([there.closes, eve.closes]).toEqual([['restart'], ['restart']])
    expect(node.errors).toEqual([])
  })

  test('[EPOCH1][EPOCH2][DOC1] devices of every age converge, in content and in what is shown', async () => {
    const { node, id, before, there, away, long } = story
    say(away, 'written while away')
    say(long, 'written for long')
    const fresh = new FakeDevice('bob', id, createDoc(4))
    const all = [there, away, long, fresh]
    await bringTogether(node, all)
    say(there, 'three')
    say(fresh, 'four')
    await deliverAll(node, all)
    const { messages } = await node.conversations.messages(ann, id, { limit: 200 })
    expect(messages.slice(0, before.length)).toEqual(before)
    expect(messages.map(({ content }) => content).toSorted()).toEqual(
      ['one', 'two', 'three', 'four', 'written while away', 'written for long'].toSorted(),
    )
    // Who was there before keeps what was before: the old server chain and what is left of dropped chains.
    const state = rootContents(fresh.doc)
    expect([...state.keys()].filter((root) => root.endsWith('/eve'))).toEqual([`chain/${halfDead}/eve`])
    for (const device of all) {
      expect(device.folded.view()).toMatchObject({ sent: messages, pending: [], genesis: { epoch: 1, owner: 'ann' } })
      expect(isSettled(device.doc)).toBe(true)
      const contents = rootContents(device.doc)
      for (const [root, content] of state) expect([root, contents.get(root)]).toEqual([root, content])
      const more = [...contents].filter(([root, content]) => !state.has(root) && content.length > 0)
      expect(more.map(([root]) => root).filter((root) => !root.startsWith('server/'))).toEqual([])
      expect(stateVectorOf(device.doc).size > limits.deadChains / 2).toBe(device === away || device === there)
    }
    expect(fresh.closes).toEqual([])
    const deletes = Y.decodeUpdate(Y.encodeStateAsUpdate(fresh.doc)).ds.clients
    expect([...deletes.keys()]).toEqual([halfDead])
    for (const device of all) device.disconnect()
    expect(node.errors).toEqual([])
  })

  test('[EPOCH2] a dropped chain as its author has it is left out without a word; what goes on with it has forked', async () => {
    const { node, id, dead } = story
    const { nextSeq } = await headOf(node, id)
    const [first, second] = dead
    if (first === undefined || second === undefined) throw new Error('no dead chains')
    const returning = new FakeDevice('eve', id, first)
    await bringTogether(node, [returning])
    expect(returning.closes).toEqual([])
    expect(returning.folded.view()).toMatchObject({ genesis: { epoch: 1 }, pending: [] })
    returning.append(encodeEntry({ kind: 'read', through: 0 }))
    await deliverAll(node, [returning])
    expect(returning.closes).toEqual(['forked'])
    await bringTogether(node, [returning])
    expect(returning.closes).toEqual(['forked', 'forked'])

    // The id of a dropped chain is taken, for its author and for everybody else.
    const again = new FakeDevice('eve', id, deadDoc(second.clientID, 'something else'))
    const other = new FakeDevice('ann', id, createDoc(second.clientID))
    say(other, 'on an id that was dropped')
    await bringTogether(node, [again, other])
    expect([again.closes, other.closes]).toEqual([['forked'], ['client-taken']])
    expect((await headOf(node, id)).nextSeq).toBe(nextSeq)
  })

  test('[EPOCH1] the clientID of an earlier server chain is nobody’s', async () => {
    const { node, id, away } = story
    const servers = [...away.doc.share.keys()].filter((root) => root.startsWith('server/'))
    expect(servers).toHaveLength(2)
    for (const root of servers) {
      const forged = createDoc(Number(root.split('/')[1]))
      append(forged, 'ann', [encodeEntry(messageEntry('as the server'))])
      const device = new FakeDevice('ann', id, new Y.Doc())
      await bringTogether(node, [device])
      device.send(encodeUpdateMessage(Y.encodeStateAsUpdate(forged)))
      await deliverAll(node, [device])
      expect([root, device.closes]).toEqual([root, ['client-taken']])
    }
  })

  test('[REST8] what became of the entries of a dropped chain can still be asked', async () => {
    const { node, id } = story
    const { next, places } = await node.conversations.chain(userId('eve'), id, clientId(firstDead), 0)
    expect(next).toBe(2)
    const refused = { kind: 'void', reason: 'access' }
    expect(places).toMatchObject([0, 1].map((clock) => ({ clock, outcome: refused })))
    await expect(node.conversations.chain(ann, id, clientId(firstDead), 0)).rejects.toThrow(new Fault('not-found'))
  })

  test('[EPOCH1][SYNC11] what is in memory does not grow with what was dropped', async () => {
    const { node, id } = story
    node.registry.sweep(Number.MAX_SAFE_INTEGER)
    const { live, release } = await node.registry.acquire(id)
    expect([...live.ledger.chains()].length).toBeLessThan(20)
    expect(live.ledger.dropping(clientId(firstDead))).toBeUndefined()
    expect((await findDropped(live, [clientId(firstDead)])).get(clientId(firstDead))).toMatchObject({
      user: 'eve',
      next: 2,
    })
    release()
  })
})

test('[EPOCH1] as many as are allowed begin none', async () => {
  const { node, id, geneses } = await tell(limits.deadChains)
  expect(geneses()).toBe(1)
  expect(await node.gate.store.head(id)).toMatchObject({ head: { epoch: 0 } })
})

test('[EPOCH1][EPOCH2] while the epoch is on its way to the disk, what it drops is as dropped as afterwards', async () => {
  const { node, id, there, eve } = await tell(limits.deadChains)
  const chain = await node.gate.store.chains(id)
  const [victim] = chain.filter(({ client }) => client >= firstDead)
  const last = deadDoc(lastDead, 'one too many')
  await bringTogether(node, [there])
  node.gate.hold()
  eve.send(encodeUpdateMessage(Y.encodeStateAsUpdate(last)))
  await deliverAll(node, [eve])
  node.gate.pass()
  await node.settled()
  // The commit of the epoch waits now.
  expect(node.gate.waiting().flat()).toMatchObject([{ head: { epoch: 1 }, entries: [] }])
  const more = deadDoc(victim?.client ?? 0, 'no', 'nor this', 'and this')
  eve.send(encodeUpdateMessage(Y.encodeStateAsUpdate(more)))
  say(there, 'in between')
  const posted = node.conversations.post(ann, id, messageEntry('over REST in between'), undefined)
  await deliverAll(node, [there, eve])
  expect([there.closes, eve.closes]).toEqual([[], ['forked']])
  // Whoever comes now would be sent rows of either epoch.
  const early = new FakeDevice('bob', id, createDoc(5))
  await bringTogether(node, [early])
  expect([early.closes, early.doc.share.size]).toEqual([['restart'], 0])
  node.gate.open()
  expect((await posted).created).toBe(true)
  await deliverAll(node, [there])
  expect(there.closes).toEqual(['restart'])
  await bringTogether(node, [there])
  const texts = there.folded.view().sent.map(({ content }) => content)
  expect(texts.toSorted()).toEqual(['in between', 'one', 'over REST in between', 'two'])
  expect(there.folded.view()).toMatchObject({ genesis: { epoch: 1 }, pending: [] })
  expect(node.errors).toEqual([])
})

test('[EPOCH2] a backlog whose chain is dropped under way ends there, and blocks nothing', async () => {
  const { node, id, there, eve } = await tell(limits.deadChains)
  const texts = Array.from({ length: 2 * limits.entriesPerSlice + 1 }, (_, index) => `${index}`)
  const long = deadDoc(lastDead, ...texts)
  eve.send(encodeUpdateMessage(Y.encodeStateAsUpdate(long)))
  await deliverAll(node, [eve, there])
  expect([eve.closes, there.closes]).toEqual([['restart'], ['restart']])
  expect(await node.gate.store.head(id)).toMatchObject({ head: { epoch: 1 } })
  expect(await node.gate.store.dropped(id, [clientId(lastDead)])).toMatchObject([{ next: limits.entriesPerSlice }])
  const returning = new FakeDevice('eve', id, long)
  await bringTogether(node, [returning, there])
  expect(returning.closes).toEqual(['forked'])
  say(there, 'goes on')
  await deliverAll(node, [there])
  expect(there.folded.view().pending).toEqual([])
  expect(node.errors).toEqual([])
})

async function headOf(node: SyncNode, id: ConversationId): Promise<{ readonly nextSeq: number }> {
  const stored = await node.gate.store.head(id)
  if (stored?.kind !== 'head') throw new Error('no head')
  return stored.head
}
