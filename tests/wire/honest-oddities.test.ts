// What real Yjs and the real provider send without any malice, and what a naive server would punish or lose (SPEC SYNC5).
import { randomInt } from 'node:crypto'

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { encodeEntry } from '../../shared/chat/entry.ts'
import type { RestChain } from '../../shared/rest.ts'
import { encodeStateVector } from '../../shared/sync/state-vector.ts'
import { encodeStep1, encodeStep2, encodeUpdateMessage } from '../../shared/sync/wire.ts'
import { append, chainSource, createDoc, isSettled, rootContents, stateVectorOf } from '../helpers/chain-doc.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { messageEntry, StockClient, type StockClientOptions } from '../helpers/stock-client.ts'
import { until } from '../helpers/until.ts'

let server: ServerProcess
const clients: StockClient[] = []

beforeAll(async () => {
  server = await startServerProcess()
})
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy()
})
afterAll(async () => {
  await server.dispose()
})

async function join(conversation: string, user: string, more: Partial<StockClientOptions> = {}): Promise<StockClient> {
  const client = new StockClient({ url: server.url, conversation, user, token: await server.token(user), ...more })
  clients.push(client)
  return client
}

function payload(text: string): Uint8Array {
  return encodeEntry(messageEntry(text))
}

function freshClient(): number {
  return randomInt(2 ** 31)
}

async function chainOf(conversation: string, user: string, client: number): Promise<RestChain> {
  const { status, body } = await server.rest(user, 'GET', `/api/conversations/${conversation}/chains/${client}`)
  expect(status).toBe(200)
  return body as RestChain
}

/** What a device that comes now is shown. */
async function freshTexts(conversation: string, user: string, count: number): Promise<readonly string[]> {
  const fresh = await join(conversation, user)
  await fresh.synced()
  expect(isSettled(fresh.doc)).toBe(true)
  expect(fresh.view().pending).toEqual([])
  expect(fresh.sentTexts()).toHaveLength(count)
  return fresh.sentTexts()
}

describe('a gap', () => {
  test.each(['a new chain', 'a chain that the server knows'])(
    '[SYNC5] what is typed before the first step1 arrives, on %s, ends complete and in order',
    async (name) => {
      const conversation = await server.createConversation('ann')
      const ann = await join(conversation, 'ann', { connect: false })
      const before = name === 'a new chain' ? [] : ['stored 1', 'stored 2']
      if (before.length > 0) {
        ann.provider.connect()
        for (const text of before) ann.say(text)
        await ann.sent()
        ann.provider.disconnect()
      }
      ann.say('offline 1')
      ann.say('offline 2')
      ann.atOpen(() => {
        ann.say('typed at once')
        ann.say('and again')
      })
      ann.provider.connect()
      await ann.until('typed', () => ann.texts().includes('and again'))
      await ann.sent()
      const all = [...before, 'offline 1', 'offline 2', 'typed at once', 'and again']
      expect(ann.sentTexts()).toEqual(all)
      expect(ann.closes).toEqual([])
      expect(await freshTexts(conversation, 'ann', all.length)).toEqual(all)
    },
  )

  test('[SYNC5] a gap is asked for with one step1 at a time, and its answer closes it', async () => {
    const conversation = await server.createConversation('ann')
    const doc = createDoc(freshClient())
    const updates: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => updates.push(update))
    for (const text of ['0', '1', '2', '3', '4']) append(doc, 'ann', [payload(text)])
    const [first, , third, fourth, fifth] = updates
    if (!first || !third || !fourth || !fifth) throw new Error('not five updates')
    const socket = new RawSocket({ url: server.url, room: conversation, token: await server.token('ann') })
    await socket.next('step1')
    // The step1 of the opening is answered as by a device that had nothing.
    socket.send(encodeStep2(Uint8Array.of(0, 0)))
    socket.send(encodeUpdateMessage(first))
    for (const gap of [third, fourth, third]) socket.send(encodeUpdateMessage(gap))
    await socket.next('step1')
    socket.send(encodeUpdateMessage(fifth))
    socket.send(encodeStep1(encodeStateVector(new Map())))
    await socket.next('step2')
    expect(socket.frames.filter(({ message }) => message.kind === 'step1')).toHaveLength(2)
    socket.send(encodeStep2(Y.encodeStateAsUpdate(doc)))
    const seen = new Y.Doc()
    await expect
      .poll(() => {
        for (const { message } of socket.frames.splice(0)) {
          if (message.kind === 'step2' || message.kind === 'update') Y.applyUpdate(seen, message.update)
        }
        return seen.getArray(`chain/${doc.clientID}/ann`).length
      })
      .toBe(5)
    socket.terminate()
  })

  test('[SYNC5] a Skip: a tab that holds a chain with a hole sends what stands before it; the rest comes from its device', async () => {
    const conversation = await server.createConversation('ann')
    const phone = createDoc(freshClient())
    const updates: Uint8Array[] = []
    phone.on('update', (update: Uint8Array) => updates.push(update))
    for (const text of ['0', '1', '2', '3']) append(phone, 'ann', [payload(text)])
    const tab = createDoc(freshClient())
    for (const index of [0, 1, 3]) Y.applyUpdate(tab, updates[index] ?? new Uint8Array())
    expect(isSettled(tab)).toBe(false)
    append(tab, 'ann', [payload('of the tab')])
    expect(Y.decodeUpdate(Y.encodeStateAsUpdate(tab)).structs.some((struct) => struct instanceof Y.Skip)).toBe(true)

    const first = await join(conversation, 'ann', { doc: tab })
    await first.sent()
    expect(first.sentTexts().toSorted()).toEqual(['0', '1', 'of the tab'])
    const second = await join(conversation, 'ann', { doc: phone })
    await second.sent()
    await first.until('the hole is filled', () => isSettled(tab) && first.sentTexts().length === 5)
    expect(first.sentTexts()).toEqual(second.sentTexts())
    expect(first.sentTexts().filter((text) => /^\d$/.test(text))).toEqual(['0', '1', '2', '3'])
    expect([first.closes, second.closes]).toEqual([[], []])
  })
})

describe('more than was asked for', () => {
  test('[SYNC5][SYNC6] a whole document sent as one update, with the chains of others, of the server and held ones', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const [ann, bob] = [await join(conversation, 'ann'), await join(conversation, 'bob')]
    await server.rest('bob', 'POST', `/api/conversations/${conversation}/messages`, { role: 'user', content: 'REST' })
    ann.say('ann')
    await bob.until('ann is heard', () => bob.sentTexts().length === 2)
    bob.say('bob')
    await Promise.all([bob.sent(), ann.until('bob is heard', () => ann.sentTexts().length === 3)])
    const before = Y.encodeStateAsUpdate(ann.doc)

    for (let round = 0; round < 3; round++) bob.sendFrame(encodeUpdateMessage(Y.encodeStateAsUpdate(bob.doc)))
    bob.sendFrame(encodeStep2(Y.encodeStateAsUpdate(bob.doc)))
    // A whole document with something new in it.
    const socket = new RawSocket({ url: server.url, room: conversation, token: await server.token('bob') })
    await socket.next('step1')
    const copy = createDoc(freshClient())
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(bob.doc))
    append(copy, 'bob', [payload('new')])
    socket.send(encodeUpdateMessage(Y.encodeStateAsUpdate(copy)))
    await ann.until('the new one is heard', () => ann.sentTexts().includes('new'))
    expect(ann.sentTexts()).toEqual(['REST', 'ann', 'bob', 'new'])
    expect(await freshTexts(conversation, 'bob', 4)).toEqual(['REST', 'ann', 'bob', 'new'])
    expect([ann.closes, bob.closes, socket.isOpen]).toEqual([[], [], true])
    // Nothing came twice: only the new entry and its stamp.
    const gained = Y.decodeUpdate(Y.diffUpdate(Y.encodeStateAsUpdate(ann.doc), Y.encodeStateVectorFromUpdate(before)))
    expect(gained.structs).toHaveLength(2)
    socket.terminate()
  })

  test("[SYNC5][SYNC6] another account's unsent chain in a tab is not the sender's, and comes when its owner connects", async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const bobs = createDoc(freshClient())
    append(bobs, 'bob', [payload('bob, offline')])
    // Two accounts in one browser: their tabs share what they have.
    const ann = await join(conversation, 'ann')
    await ann.synced()
    Y.applyUpdate(ann.doc, Y.encodeStateAsUpdate(bobs), 'another tab')
    append(bobs, 'bob', [payload('bob, still offline')])
    Y.applyUpdate(ann.doc, Y.encodeStateAsUpdate(bobs), 'another tab')
    ann.say('ann')
    await ann.sent()
    expect(ann.view().sent.map(({ user, content }) => [user, content])).toEqual([['ann', 'ann']])
    expect(ann.view().pending.map(({ user, content }) => [user, content])).toEqual([
      ['bob', 'bob, offline'],
      ['bob', 'bob, still offline'],
    ])
    const again = await join(conversation, 'ann', { doc: copyOf(ann.doc) })
    await again.synced()
    expect(await freshTexts(conversation, 'bob', 1)).toEqual(['ann'])

    const bob = await join(conversation, 'bob', { doc: bobs })
    await bob.sent()
    await ann.until('bob is heard', () => ann.sentTexts().length === 3)
    expect(ann.view().sent.map(({ user, content }) => [user, content])).toEqual([
      ['ann', 'ann'],
      ['bob', 'bob, offline'],
      ['bob', 'bob, still offline'],
    ])
    expect([ann, again, bob].map(({ closes }) => closes)).toEqual([[], [], []])
    expect((await chainOf(conversation, 'bob', bobs.clientID)).entries.map(({ state }) => state)).toEqual([
      'accepted',
      'accepted',
    ])
  })

  test('[SYNC5] a tab may bring what another device of the same user wrote, each entry once', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const phone = createDoc(freshClient())
    append(phone, 'ann', [payload('phone 1'), payload('phone 2')])
    const laptop = await join(conversation, 'ann', { doc: copyOf(phone) })
    await laptop.until('it is taken', () => laptop.sentTexts().length === 2)
    append(phone, 'ann', [payload('phone 3')])
    const late = await join(conversation, 'ann', { doc: phone })
    await late.sent()
    expect(await freshTexts(conversation, 'bob', 3)).toEqual(['phone 1', 'phone 2', 'phone 3'])
    expect([laptop.closes, late.closes]).toEqual([[], []])
  })

  test('[SYNC5] an edit that stands before its target in one update', async () => {
    const conversation = await server.createConversation('ann')
    const target = messageEntry('target', { at: 1_700_000_000_000 })
    const phone = createDoc(10_000 + freshClient())
    append(phone, 'ann', [encodeEntry(target)])
    const tablet = createDoc(phone.clientID + 1)
    append(tablet, 'ann', [
      encodeEntry({ kind: 'edit', of: target.id, content: 'edited', at: 1_700_000_000_001 }),
      encodeEntry({ kind: 'react', of: target.id, emoji: '👍', on: true }),
    ])
    const laptop = createDoc(phone.clientID - 1)
    for (const doc of [phone, tablet]) Y.applyUpdate(laptop, Y.encodeStateAsUpdate(doc))
    const update = Y.encodeStateAsUpdate(laptop)
    expect(Y.decodeUpdate(update).structs[0]?.id.client).toBe(tablet.clientID)

    const ann = await join(conversation, 'ann', { doc: laptop })
    await ann.until('stamped', () => ann.view().sent.length === 1)
    const { entries } = await chainOf(conversation, 'ann', tablet.clientID)
    expect(entries.map(({ state }) => state)).toEqual(['accepted', 'accepted'])
  })
})

describe('ways to append', () => {
  test('[SYNC5] two pushes in one transaction, one push of two, and many transactions while the socket opens', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const ann = await join(conversation, 'ann')
    const chain = ann.doc.getArray<Uint8Array>(`chain/${ann.doc.clientID}/ann`)
    ann.doc.transact(() => {
      chain.push([payload('1')])
      chain.push([payload('2')])
    })
    chain.push([payload('3'), payload('4')])
    for (const text of ['5', '6', '7']) chain.push([payload(text)])
    await ann.sent()
    chain.push([payload('8'), payload('9')])
    await ann.sent()
    const all = ['1', '2', '3', '4', '5', '6', '7', '8', '9']
    expect(ann.sentTexts()).toEqual(all)
    expect(await freshTexts(conversation, 'bob', 9)).toEqual(all)
  })

  test('[SYNC5] the empty update and an empty step2 change nothing', async () => {
    const conversation = await server.createConversation('ann')
    const ann = await join(conversation, 'ann')
    ann.say('one')
    await ann.sent()
    const before = Y.encodeStateAsUpdate(ann.doc)
    for (const frame of [encodeUpdateMessage(Uint8Array.of(0, 0)), encodeStep2(Uint8Array.of(0, 0))]) {
      ann.sendFrame(frame)
    }
    ann.doc.transact(() => undefined)
    const fresh = await join(conversation, 'ann')
    await fresh.synced()
    expect(Y.encodeStateAsUpdate(fresh.doc)).toEqual(before)
    expect(ann.closes).toEqual([])
  })

  test('[SYNC5] a Buffer is refused by Yjs itself, and costs the chain nothing', async () => {
    const conversation = await server.createConversation('ann')
    const ann = await join(conversation, 'ann')
    ann.say('before')
    const chain = ann.doc.getArray<Uint8Array>(`chain/${ann.doc.clientID}/ann`)
    expect(() => chain.push([Buffer.from(payload('as a Buffer'))])).toThrow(/Unexpected content type/)
    ann.say('after')
    await ann.sent()
    expect(ann.sentTexts()).toEqual(['before', 'after'])
  })
})

describe('deletions', () => {
  test('[SYNC6] what a client deletes in its document is deleted nowhere else, and its chain goes on', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const [ann, bob] = [await join(conversation, 'ann'), await join(conversation, 'bob')]
    for (const text of ['0', '1', '2']) ann.say(text)
    bob.say('bob')
    await Promise.all([ann.until('all', () => ann.sentTexts().length === 4), bob.sent()])
    const before = rootContents(bob.doc)
    // Its own in the middle, and everything of bob and of the server.
    ann.doc.getArray(`chain/${ann.doc.clientID}/ann`).delete(1, 1)
    for (const name of ann.doc.share.keys()) {
      const list = ann.doc.getArray(name)
      if (!name.includes(String(ann.doc.clientID))) list.delete(0, list.length)
    }
    ann.say('3')
    await bob.until('the chain goes on', () => bob.sentTexts().length === 5)
    for (const [name, contents] of before)
      expect(rootContents(bob.doc).get(name)?.slice(0, contents.length)).toEqual(contents)
    const shown = await freshTexts(conversation, 'ann', 5)
    expect(shown.filter((text) => text !== 'bob')).toEqual(['0', '1', '2', '3'])
    ann.provider.disconnect()
    ann.provider.connect()
    await ann.synced()
    expect(await freshTexts(conversation, 'bob', 5)).toEqual(shown)
    expect([ann.closes.filter(({ code }) => code > 4000), bob.closes]).toEqual([[], []])
  })

  test('[SYNC5][SYNC7] what was deleted before it was sent is void, and blocks nothing behind it', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const doc = createDoc(freshClient())
    append(doc, 'ann', ['0', '1', '2', '3', '4'].map(payload))
    doc.getArray(`chain/${doc.clientID}/ann`).delete(1, 2)
    const ann = await join(conversation, 'ann', { doc })
    await ann.sent()
    ann.say('5')
    await ann.sent()
    expect(ann.sentTexts()).toEqual(['0', '3', '4', '5'])
    const { entries } = await chainOf(conversation, 'ann', doc.clientID)
    expect(entries.map((entry) => (entry.state === 'void' ? entry.reason : entry.state))).toEqual([
      'accepted',
      'no-bytes',
      'no-bytes',
      'accepted',
      'accepted',
      'accepted',
    ])
    const fresh = await join(conversation, 'bob')
    await fresh.synced()
    expect(Y.encodeStateAsUpdate(fresh.doc)).toEqual(Y.encodeStateAsUpdate(ann.doc))
  })
})

describe('what is not a chain', () => {
  test('[SYNC6] roots of others are left out: an application that keeps more in its document', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const app = createDoc(freshClient())
    app.getMap('settings').set('theme', 'dark')
    app.getText('notes').insert(0, 'private')
    const ann = await join(conversation, 'ann')
    Y.applyUpdate(ann.doc, Y.encodeStateAsUpdate(app))
    ann.say('hello')
    await ann.sent()
    const fresh = await join(conversation, 'bob')
    await fresh.synced()
    expect(fresh.sentTexts()).toEqual(['hello'])
    expect([...fresh.doc.share.keys()].filter((name) => !/^(chain|server)\//.test(name))).toEqual([])
    expect(stateVectorOf(fresh.doc).has(app.clientID)).toBe(false)
    expect(ann.closes).toEqual([])
  })

  test('[SYNC3][ACCEPT1] another root on a chain that the server knows: 4400, nothing of it stored, and the provider stops', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const ann = await join(conversation, 'ann')
    ann.say('hello')
    await ann.sent()
    ann.doc.getMap('x').set('theme', 'dark')
    expect(await ann.ended()).toEqual({ code: 4400, reason: 'malformed' })
    const again = await join(conversation, 'ann', { doc: ann.doc })
    expect(await again.ended()).toEqual({ code: 4400, reason: 'malformed' })
    expect(await freshTexts(conversation, 'bob', 1)).toEqual(['hello'])
  })

  test("[SYNC6] a document whose own clientID begins with another root never becomes a chain: it is nobody's", async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const doc = createDoc(freshClient())
    doc.getMap('x').set('theme', 'dark')
    const ann = await join(conversation, 'ann', { doc })
    await ann.synced()
    ann.say('on a chain that begins at clock 1')
    const bob = await join(conversation, 'bob')
    bob.say('hello')
    await ann.until('bob is heard', () => ann.sentTexts().length === 1)
    expect(await freshTexts(conversation, 'bob', 1)).toEqual(['hello'])
    expect(ann.view().pending).toHaveLength(1)
    expect(ann.closes).toEqual([])
  })

  test('[SYNC6][AWARE1] awareness that says neither typing nor device is neither relayed nor kept, whatever name it claims', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const [ann, bob] = [await join(conversation, 'ann'), await join(conversation, 'bob')]
    await Promise.all([ann.synced(), bob.synced()])
    ann.provider.awareness.setLocalState({ user: 'bob', secret: 'yes' })
    ann.say('after it')
    await bob.until('ann is heard', () => bob.sentTexts().length === 1)
    // What is shown is told in the order in which it was said.
    const tab = await join(conversation, 'ann')
    await tab.synced()
    tab.provider.awareness.setLocalState({ typing: true })
    const { awareness } = bob.provider
    await until('the tab is seen', () => awareness.getStates().size > 1)
    const others = [...awareness.getStates()].filter(([client]) => client !== bob.doc.clientID)
    expect(others.map(([, state]) => state)).toEqual([{ user: 'ann', typing: true }])
    expect(chainSource(bob.doc).userOf(ann.client)).toBe('ann')
  })
})

/** The same content under another clientID, as another tab has it. */
function copyOf(doc: Y.Doc): Y.Doc {
  const copy = createDoc(freshClient())
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  return copy
}
