// The stock y-websocket protocol against a real server process: unmodified providers, and sockets that look at frames.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { encodeEntry } from '../../shared/chat/entry.ts'
import type { RestMessage } from '../../shared/rest.ts'
import { encodeStateVector, parseStateVector } from '../../shared/sync/state-vector.ts'
import { encodeStep1, encodeUpdateMessage } from '../../shared/sync/wire.ts'
import { append, createDoc, isSettled } from '../helpers/chain-doc.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { startRemoteClient } from '../helpers/remote-client.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { messageEntry, StockClient } from '../helpers/stock-client.ts'
import { wholeHistory } from '../helpers/whole-history.ts'

let server: ServerProcess
const clients: StockClient[] = []

beforeAll(async () => {
  server = await startServerProcess()
})
afterAll(async () => {
  for (const client of clients) client.destroy()
  await server.dispose()
})

async function join(conversation: string, user: string, doc?: Y.Doc): Promise<StockClient> {
  const token = await server.token(user)
  const client = new StockClient({ url: server.url, conversation, user, token, ...(doc && { doc }) })
  clients.push(client)
  return client
}

async function messagesOf(conversation: string, user: string): Promise<RestMessage[]> {
  const { body } = await server.rest(user, 'GET', `/api/conversations/${conversation}/messages?limit=200`)
  return body as RestMessage[]
}

describe('two people', () => {
  test('[SYNC1][SYNC4] two stock providers in two processes chat, part, write, and agree', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const start = async (user: string) =>
      startRemoteClient({ url: server.url, conversation, user, token: await server.token(user) })
    const [ann, bob] = await Promise.all([start('ann'), start('bob')])
    const rounds = 10
    for (let round = 1; round <= rounds; round++) {
      await ann.run({ kind: 'say', texts: [`ann ${round}`] })
      const heard = await bob.run({ kind: 'until-sent', count: 2 * round - 1 })
      expect(heard.sent.at(-1)?.[2]).toBe(`ann ${round}`)
      await bob.run({ kind: 'say', texts: [`bob ${round}`] })
      await ann.run({ kind: 'until-sent', count: 2 * round })
    }

    await ann.run({ kind: 'disconnect' })
    const cut = await ann.run({ kind: 'say', texts: ['ann alone', 'ann alone again'] })
    expect(cut.pending).toEqual(['ann alone', 'ann alone again'])
    await bob.run({ kind: 'say', texts: ['bob meanwhile'] })
    await bob.run({ kind: 'until-sent', count: 2 * rounds + 1 })
    await ann.run({ kind: 'connect' })
    const all = 2 * rounds + 3
    const [annAll, bobAll] = await Promise.all([
      ann.run({ kind: 'until-sent', count: all }),
      bob.run({ kind: 'until-sent', count: all }),
    ])

    expect(annAll.connections).toBe(2)
    expect(annAll.sent).toEqual(bobAll.sent)
    expect(annAll.sent.map(([seq]) => seq)).toEqual(Array.from({ length: all }, (_, index) => index + 1))
    expect(annAll.sent.slice(-3).map(([, , text]) => text)).toEqual(['bob meanwhile', 'ann alone', 'ann alone again'])
    expect([annAll, bobAll].map(({ pending, hasForked }) => ({ pending, hasForked }))).toEqual([
      { pending: [], hasForked: false },
      { pending: [], hasForked: false },
    ])
    const stored = await messagesOf(conversation, 'bob')
    expect(stored.map(({ seq, user_id: user, content }) => [seq, user, content])).toEqual(annAll.sent)
    await Promise.all([ann.end(), bob.end()])
  })

  test('[SYNC1] what is posted over REST appears live in a stock client, and the other way round', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const bob = await join(conversation, 'bob')
    await bob.synced()
    const posted = await server.rest('ann', 'POST', `/api/conversations/${conversation}/messages`, {
      role: 'assistant',
      content: 'over REST',
    })
    expect(posted.status).toBe(201)
    await bob.until('it is there', () => bob.sentTexts().includes('over REST'))
    bob.say('over the socket')
    await bob.sent()
    const stored = await messagesOf(conversation, 'ann')
    expect(stored.map(({ user_id: user, role, content }) => [user, role, content])).toEqual([
      ['ann', 'assistant', 'over REST'],
      ['bob', 'user', 'over the socket'],
    ])
    expect(bob.view().sent.map(({ seq, createdAt }) => [seq, new Date(createdAt).toISOString()])).toEqual(
      stored.map(({ seq, created_at: createdAt }) => [seq, createdAt]),
    )
  })

  test('[SYNC1] a server that comes back finds its clients again, and both sides what the other has', async () => {
    const own = await startServerProcess()
    const conversation = await own.createConversation('ann')
    const token = await own.token('ann')
    const ann = new StockClient({ url: own.url, conversation, user: 'ann', token })
    ann.say('before')
    await ann.sent()
    await own.stop()
    await ann.until('disconnected', () => !ann.provider.wsconnected)
    ann.say('between')
    await own.start()
    await ann.sent()
    expect(ann.sentTexts()).toEqual(['before', 'between'])
    expect(ann.connections).toBe(2)

    const fresh = new StockClient({ url: own.url, conversation, user: 'ann', token })
    await fresh.until('all is there', () => fresh.sentTexts().length === 2)
    expect(Buffer.from(Y.encodeStateAsUpdate(fresh.doc)).equals(Y.encodeStateAsUpdate(ann.doc))).toBe(true)
    ann.destroy()
    fresh.destroy()
    await own.dispose()
  })
})

describe('the frames', () => {
  test('[SYNC1] the server asks at once, answers every step1 with a step2, and sends one message per binary frame', async () => {
    const conversation = await server.createConversation('ann')
    const writer = await join(conversation, 'ann')
    writer.say('one')
    writer.say('two')
    await writer.sent()
    const socket = new RawSocket({ url: server.url, room: conversation, token: await server.token('ann') })

    const asked = await socket.next('step1')
    expect(socket.frames[0]?.message.kind).toBe('step1')
    const known = parseStateVector(asked.stateVector)
    expect(known.kind === 'state-vector' && known.clocks.get(writer.doc.clientID)).toBe(2)

    const whole = encodeStep1(encodeStateVector(new Map()))
    const nothingLacks = encodeStep1(Y.encodeStateVector(writer.doc))
    const stranger = encodeStep1(encodeStateVector(new Map([[4_000_000_000, 7]])))
    for (const step1 of [whole, nothingLacks, stranger, whole, nothingLacks]) {
      socket.send(step1)
      const { update } = await socket.next('step2')
      const doc = new Y.Doc()
      Y.applyUpdate(doc, update)
      const isWhole = step1 !== nothingLacks
      expect(Y.encodeStateAsUpdate(doc)).toEqual(isWhole ? Y.encodeStateAsUpdate(writer.doc) : Uint8Array.of(0, 0))
    }
    // Several at once are answered one by one, in order.
    for (const step1 of [nothingLacks, whole, nothingLacks]) socket.send(step1)
    const answers = [await socket.next('step2'), await socket.next('step2'), await socket.next('step2')]
    expect(answers.map(({ update }) => update.length > 2)).toEqual([false, true, false])
    expect(socket.frames.every(({ isBinary, message }) => isBinary && message.kind !== 'malformed')).toBe(true)
    await socket.close()
  })

  test('[SYNC1] nothing is relayed to a device before it has asked for what it lacks', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const bob = await join(conversation, 'bob')
    await bob.synced()
    const silent = new RawSocket({ url: server.url, room: conversation, token: await server.token('ann') })
    await silent.next('step1')
    bob.say('not yet')
    await bob.sent()
    silent.send(encodeStep1(encodeStateVector(new Map())))
    await silent.next('step2')
    bob.say('now')
    await silent.next('update')
    expect(silent.frames.map(({ message }) => message.kind)).toEqual(['step1', 'step2', 'update'])
    await silent.close()
  })

  test('[SYNC1] the sender gets its own update back, with the stamp, once it is durable', async () => {
    const conversation = await server.createConversation('ann')
    const socket = new RawSocket({ url: server.url, room: conversation, token: await server.token('ann') })
    await socket.next('step1')
    socket.send(encodeStep1(encodeStateVector(new Map())))
    const doc = new Y.Doc()
    Y.applyUpdate(doc, (await socket.next('step2')).update)
    const writer = createDoc(77)
    append(writer, 'ann', [encodeEntry(messageEntry('echo'))])
    socket.send(encodeUpdateMessage(Y.encodeStateAsUpdate(writer)))
    Y.applyUpdate(doc, (await socket.next('update')).update)
    expect(isSettled(doc)).toBe(true)
    expect(doc.getArray('chain/77/ann').length).toBe(1)
    expect([...doc.share.keys()].filter((name) => name.startsWith('server/'))).toHaveLength(1)
    await socket.close()
  })
})

describe('much at once', () => {
  test('[SYNC9] a backlog of 12 MB is taken whole, while another member chats on', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const bob = await join(conversation, 'bob')
    await bob.synced()
    const doc = createDoc(1_000_001)
    const count = 6000
    const filler = 'x'.repeat(1900)
    append(
      doc,
      'ann',
      Array.from({ length: count }, (_, index) => encodeEntry(messageEntry(`${index} ${filler}`))),
    )
    expect(Y.encodeStateAsUpdate(doc).length).toBeGreaterThan(12_000_000)
    const ann = await join(conversation, 'ann', doc)
    await ann.synced()
    let chatted = 0
    for (const fold = bob.folded.fold(); fold.stampedThrough(ann.client) < count; bob.folded.fold()) {
      bob.say(`bob ${chatted++}`)
      await bob.sent()
      if (chatted > 1000) throw new Error('the backlog never ends')
    }
    await Promise.all([ann.sent(), bob.sent()])
    const history = await wholeHistory(server, 'ann', conversation)
    const own = history
      .filter(({ user_id: user }) => user === 'ann')
      .map(({ content }) => Number(content.split(' ')[0]))
    expect(own).toEqual(Array.from({ length: count }, (_, index) => index))
    expect(history).toHaveLength(count + chatted)
    // What is live is the end of it.
    const all = (client: StockClient) =>
      client.until('the end of it', () => client.view().lastSeq === history.at(-1)?.seq)
    await Promise.all([all(ann), all(bob)])
    const { sent } = ann.view()
    expect(sent.map(({ id }) => id)).toEqual(history.slice(-sent.length).map(({ id }) => id))
    expect(sent).toEqual(bob.view().sent)
    // In slices: bob's words stand between ann's.
    const first = history.findIndex(({ user_id: user }) => user === 'ann')
    const last = history.findLastIndex(({ user_id: user }) => user === 'ann')
    const between = history.slice(first, last).filter(({ user_id: user }) => user === 'bob').length
    expect(between).toBeGreaterThanOrEqual(3)
    expect([ann.closes, bob.closes]).toEqual([[], []])
  })
})
