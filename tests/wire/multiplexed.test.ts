// `parley.1` against a whole server: one socket, many conversations, and what becomes of each.
import { connect } from 'node:net'

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { limits } from '../../shared/limits.ts'
import type { Version } from '../../shared/sync/control.ts'
import { encodeFrame } from '../../shared/sync/frame.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { encodeStateVector } from '../../shared/sync/state-vector.ts'
import { encodeStep1, encodeUpdateMessage, type WireMessage } from '../../shared/sync/wire.ts'
import { signByHand } from '../contract/rest/rest-client.ts'
import { docOf, isSettled, stateVectorOf } from '../helpers/chain-doc.ts'
import { ChainWriter, messagePayload } from '../helpers/chain-writer.ts'
import { conversationId, MuxSocket } from '../helpers/mux-socket.ts'
import { startTestServer, type TestServer } from '../helpers/running-server.ts'
import { StockClient } from '../helpers/stock-client.ts'
import { until } from '../helpers/until.ts'

const step1 = (clocks: ReadonlyMap<number, number> = new Map()): Uint8Array => encodeStep1(encodeStateVector(clocks))

let server: TestServer
const sockets: MuxSocket[] = []
const clients: StockClient[] = []

beforeAll(async () => {
  server = await startTestServer()
})
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate()
  for (const client of clients.splice(0)) client.destroy()
})
afterAll(() => server.close())

function tokenOf(user: string, secondsLeft = 3600): string {
  return signByHand({ claims: { sub: user, exp: Math.floor(Date.now() / 1000) + secondsLeft }, secret: server.secret })
}

async function rest(
  user: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(server.url + path, {
    method,
    headers: {
      authorization: `Bearer ${tokenOf(user)}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}

async function create(owner: string, ...writers: readonly string[]): Promise<string> {
  const members = writers.map((user) => ({ user, access: 'writer' }))
  const { body } = await rest(owner, 'POST', '/api/conversations', { members })
  return (body as { id: string }).id
}

async function post(user: string, conversation: string, content: string): Promise<void> {
  const { status } = await rest(user, 'POST', `/api/conversations/${conversation}/messages`, { role: 'user', content })
  expect(status).toBe(201)
}

function dial(protocols?: readonly string[]): MuxSocket {
  const socket = new MuxSocket({ url: server.url, ...(protocols && { protocols }) })
  sockets.push(socket)
  return socket
}

/** A socket of somebody who is known. */
async function join(user: string, versions: ReadonlyMap<ConversationId, Version> = new Map()): Promise<MuxSocket> {
  const socket = dial()
  await socket.hello(tokenOf(user), { versions })
  return socket
}

/** What a channel brings until it has all, as a document. */
async function read(socket: MuxSocket, channel: number, doc = new Y.Doc()): Promise<Y.Doc> {
  socket.send(channel, step1(stateVectorOf(doc)))
  const { update } = await socket.next(channel, 'step2')
  const earlier = socket.frames.flatMap((frame) =>
    frame.kind === 'message' && frame.channel === channel ? [frame.message] : [],
  )
  for (const message of earlier) if (message.kind === 'update') Y.applyUpdate(doc, message.update)
  Y.applyUpdate(doc, update)
  return doc
}

function versionOf(doc: Y.Doc): Version {
  const name = [...doc.share.keys()].find((root) => root.startsWith('server/')) ?? ''
  const client = Number(name.slice('server/'.length))
  return { server: client, records: stateVectorOf(doc).get(client) ?? 0 }
}

describe('the upgrade', () => {
  test('[MUX5] selects parley.1, wherever it was offered, and echoes nothing else', async () => {
    const socket = await dial(['bearer.something', 'yjs', 'parley.1']).opened()
    expect(socket.protocol).toBe('parley.1')
  })

  test('[MUX5] is refused to who does not offer it', async () => {
    await expect(dial(['yjs']).opened()).rejects.toThrow('400')
  })

  test('[HELLO1] so many of one address that have not said who they are; then 429, and room again when one is known or gone', async () => {
    const strangers = await Promise.all(Array.from({ length: limits.strangersPerAddress }, async () => dial().opened()))
    await expect(dial().opened()).rejects.toThrow('429')
    const [first, second] = strangers
    if (first === undefined || second === undefined) throw new Error('no strangers')
    await first.hello(tokenOf('ann'))
    const third = await dial().opened()
    await expect(dial().opened()).rejects.toThrow('429')
    await second.close()
    await dial().opened()
    // Those who are known do not count, on either endpoint.
    const conversation = await create('ann')
    await expect(dial().opened()).rejects.toThrow('429')
    await third.close()
    const client = new StockClient({ url: server.url, conversation, user: 'ann', token: tokenOf('ann') })
    clients.push(client)
    await client.synced()
    await dial().opened()
    expect(first.isOpen).toBe(true)
  })

  test('[HELLO1] an upgrade that is broken off does not count for ever', async () => {
    const { port, hostname } = new URL(server.url)
    for (let each = 0; each < limits.strangersPerAddress + 5; each++) {
      const broken = connect(Number(port), hostname)
      const gone = new Promise((resolve) => broken.once('close', resolve))
      broken.on('error', () => undefined)
      // Without a key: the handshake fails.
      broken.write(`GET /sync HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`)
      broken.write('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: parley.1\r\n\r\n')
      broken.resume()
      await gone
    }
    expect((await dial().opened()).isOpen).toBe(true)
  })
})

describe('hello', () => {
  test.each<readonly [string, () => string]>([
    ['garbage', () => 'garbage'],
    ['a token of another server', () => signByHand({ claims: { sub: 'ann', exp: 2 ** 40 }, secret: 'x'.repeat(32) })],
    ['an empty token', () => ''],
  ])('[HELLO1] with %s: 4401', async (_what, token) => {
    const socket = await dial().opened()
    socket.control({ type: 'hello', token: token(), device: undefined, versions: new Map() })
    expect(await socket.closed).toEqual({ code: 4401, reason: 'unauthenticated' })
    expect(socket.frames).toEqual([])
  })

  test('[HELLO1] with a token that has ended: 4401, and says so', async () => {
    const socket = await dial().opened()
    socket.control({ type: 'hello', token: tokenOf('ann', -60), device: undefined, versions: new Map() })
    expect(await socket.closed).toEqual({ code: 4401, reason: 'expired' })
  })

  test('[HELLO1] that does not come within 5 s: 4401', async () => {
    const socket = await dial().opened()
    const started = Date.now()
    expect(await socket.closed).toEqual({ code: 4401, reason: 'unauthenticated' })
    expect(Date.now() - started).toBeGreaterThan(limits.helloMs - 500)
  })

  test('[HELLO1] that is longer than a frame: 1009', async () => {
    const socket = await dial().opened()
    socket.sendBytes(new Uint8Array(limits.frameBytes + 1))
    expect((await socket.closed).code).toBe(1009)
  })

  test('[MUX5] answers with who it is, and everything that came with it is answered in its order', async () => {
    const conversation = await create('ann')
    await post('ann', conversation, 'first')
    const socket = await dial().opened()
    socket.control({ type: 'hello', token: tokenOf('ann'), device: 'phone', versions: new Map() })
    socket.askToOpen(1, conversation)
    socket.send(1, step1())
    const { update } = await socket.next(1, 'step2')
    const kinds = socket.frames.map((frame) => (frame.kind === 'control' ? frame.control.type : frame.message.kind))
    expect(kinds.filter((kind) => kind !== 'activity')).toEqual(['hello', 'opened', 'step1'])
    expect(isSettled(docOf(update))).toBe(true)
    const hello = await socket.nextControl('hello')
    expect(hello).toEqual({ type: 'hello', user: 'ann', expiresMs: expect.any(Number) })
  })

  test('[MUX5] with 500 conversations: one frame when some moved, nothing when none did, and those gone that are', async () => {
    const user = 'many'
    const ids = await Promise.all(Array.from({ length: 500 }, async () => create(user)))
    const socket = dial()
    await socket.hello(tokenOf(user))
    const [first] = socket.frames
    if (first?.kind !== 'control' || first.control.type !== 'activity') throw new Error('no activity')
    expect([socket.frames.length, first.control.moved.length]).toEqual([1, 500])
    expect(new Set(first.control.moved.map(({ conversation }) => conversation))).toEqual(new Set(ids))
    const versions = new Map(first.control.moved.map(({ conversation, version }) => [conversation, version]))
    console.log(`500 conversations: ${first.bytes} bytes when all moved`)
    expect(first.bytes).toBeLessThan(500 * 160)

    const current = await join(user, versions)
    expect(current.frames).toEqual([])

    await post(user, ids[7] ?? '', 'news')
    await rest(user, 'DELETE', `/api/conversations/${ids[8]}`)
    // What happens is told a moment later; whoever joins before that is told twice.
    await until('it was told', () => current.frames.length > 0)
    const elsewhere = conversationId(await create('zoe'))
    const unborn = conversationId('01890a5d-ac96-774b-bcce-b302099a8057')
    const more = new Map([...versions, [elsewhere, { server: 1, records: 1 }], [unborn, { server: 1, records: 1 }]])
    const later = await join(user, more)
    expect(later.controls).toEqual([
      {
        type: 'activity',
        moved: [{ conversation: ids[7], seq: expect.any(Number), version: expect.anything() }],
        gone: expect.arrayContaining([
          { conversation: ids[8], code: 'deleted' },
          { conversation: elsewhere, code: 'no-access' },
        ]),
      },
    ])
  })
})

describe('channels', () => {
  test('[MUX5] two devices on one socket each talk in two conversations, beside a stock client', async () => {
    const [tea, cake] = [await create('ann', 'bob'), await create('ann', 'bob')]
    const [ann, bob] = [await join('ann'), await join('bob')]
    for (const socket of [ann, bob]) {
      await socket.open(1, tea)
      await socket.open(2, cake)
      for (const channel of [1, 2]) await read(socket, channel)
    }
    const stock = new StockClient({ url: server.url, conversation: tea, user: 'bob', token: tokenOf('bob') })
    clients.push(stock)
    await stock.synced()
    const chains = { tea: new ChainWriter('ann'), cake: new ChainWriter('ann') }
    ann.send(1, encodeUpdateMessage(chains.tea.append(messagePayload('Tea?'))))
    ann.send(2, encodeUpdateMessage(chains.cake.append(messagePayload('Cake?'))))
    await bob.next(1, 'update')
    await bob.next(2, 'update')
    await stock.until('it is there', () => stock.sentTexts().includes('Tea?'))
    stock.say('Please')
    await stock.sent()
    await ann.next(1, 'update')
    await bob.next(1, 'update')
    expect(stock.sentTexts()).toEqual(['Tea?', 'Please'])
  })

  test('[MUX5] a version that is the server’s: the channel is current, nothing is exchanged, and what comes later arrives', async () => {
    const conversation = await create('ann')
    await post('ann', conversation, 'first')
    const socket = await join('ann')
    await socket.open(1, conversation)
    const doc = await read(socket, 1)
    const version = versionOf(doc)

    const again = await join('ann', new Map([[conversationId(conversation), version]]))
    expect(await again.open(1, conversation, version)).toEqual({ type: 'opened', channel: 1, current: true })
    await post('ann', conversation, 'second')
    Y.applyUpdate(doc, (await again.next(1, 'update')).update)
    expect(isSettled(doc)).toBe(true)
    expect(again.frames.filter((frame) => frame.kind === 'message' && frame.message.kind !== 'awareness')).toEqual([])
    expect(versionOf(doc).records).toBeGreaterThan(version.records)
    again.control({ type: 'close', channel: 1 })
    expect(await again.open(2, conversation, version)).toEqual({ type: 'opened', channel: 2, current: false })
    await again.next(2, 'step1')
    const now = versionOf(doc)
    const later = await join('ann', new Map([[conversationId(conversation), now]]))
    const told = later.controls.flatMap((one) => (one.type === 'activity' ? one.moved : []))
    // What was gathered for whoever is there may still tell of it, and of no more.
    const ofIt = told.filter((one) => one.conversation === conversation)
    expect(ofIt.filter((one) => one.version?.records !== now.records)).toEqual([])
  })

  test('[MUX5] what cannot be opened is refused with its code, and the others live on', async () => {
    const [own, others, deleted] = [await create('ann'), await create('bob'), await create('ann')]
    await rest('ann', 'DELETE', `/api/conversations/${deleted}`)
    const socket = await join('ann')
    socket.askToOpen(1, others)
    socket.askToOpen(2, deleted)
    socket.askToOpen(3, '01890a5d-ac96-774b-bcce-b302099a8057')
    await socket.open(4, own)
    const refusals = await Promise.all([1, 2, 3].map(async () => socket.nextControl('refused')))
    expect(Object.fromEntries(refusals.map(({ channel, code }) => [channel, code]))).toEqual({
      1: 'no-access',
      2: 'deleted',
      3: 'not-found',
    })
    await read(socket, 4)
  })

  test('[MUX5] what is wrong on a channel ends that channel alone; what is wrong with the socket ends it', async () => {
    const [tea, cake] = [await create('ann'), await create('ann')]
    const socket = await join('ann')
    await socket.open(1, tea)
    await socket.open(2, cake)
    socket.send(1, Uint8Array.of(0, 2, 9))
    expect(await socket.nextControl('refused')).toMatchObject({ channel: 1, code: 'malformed' })
    await read(socket, 2)
    await socket.open(3, tea)
    socket.askToOpen(4, tea)
    expect(await socket.nextControl('refused')).toMatchObject({ channel: 4, code: 'overloaded' })
    socket.askToOpen(4, cake)
    expect(await socket.closed).toEqual({ code: 4400, reason: 'malformed' })
  })

  test('[MUX5][MEMBER1] a member who is removed hears so on that channel within a second, and nothing more of it; others live on', async () => {
    const [tea, cake] = [await create('ann', 'bob'), await create('ann', 'bob')]
    const [bob, idle] = [await join('bob'), await join('bob')]
    await bob.open(1, tea)
    await bob.open(2, cake)
    for (const channel of [1, 2]) await read(bob, channel)
    const started = Date.now()
    await rest('ann', 'DELETE', `/api/conversations/${tea}/members/bob`)
    expect(await bob.nextControl('refused')).toMatchObject({ channel: 1, code: 'no-access' })
    expect(Date.now() - started).toBeLessThan(1000)
    const gone = async (socket: MuxSocket): Promise<unknown> => {
      for (;;) {
        const news = await socket.nextControl('activity')
        if (news.gone.length > 0) return news.gone
      }
    }
    expect(await gone(bob)).toEqual([{ conversation: tea, code: 'no-access' }])
    expect(await gone(idle)).toEqual([{ conversation: tea, code: 'no-access' }])
    await post('ann', tea, 'not for bob')
    await post('ann', cake, 'for bob')
    await bob.next(2, 'update')
    const late = bob.frames.filter((frame) => frame.kind === 'message' && frame.channel === 1)
    expect(late.filter((frame) => frame.kind === 'message' && frame.message.kind === 'update')).toEqual([])
    expect(JSON.stringify(bob.controls)).not.toContain(tea)
  })

  test('[MUX5] a deleted conversation is refused as deleted where it is open, and gone where it is not', async () => {
    const tea = await create('ann', 'bob')
    const [bob, idle] = [await join('bob'), await join('bob')]
    await bob.open(1, tea)
    await rest('ann', 'DELETE', `/api/conversations/${tea}`)
    expect(await bob.nextControl('refused')).toMatchObject({ channel: 1, code: 'deleted' })
    for (;;) {
      const { gone, moved } = await idle.nextControl('activity')
      expect(moved.filter(({ conversation }) => conversation === tea && gone.length > 0)).toEqual([])
      if (gone.length === 0) continue
      expect(gone).toEqual([{ conversation: tea, code: 'deleted' }])
      break
    }
  })

  test('[MUX5] of what is not open it is told that it moved, a few times however much is written, and nothing of what is open', async () => {
    const [tea, cake] = [await create('ann', 'bob'), await create('ann', 'bob')]
    const bob = await join('bob')
    bob.frames.length = 0
    await bob.open(1, cake)
    await read(bob, 1)
    const started = Date.now()
    for (let each = 0; each < 100; each++)
      await Promise.all([post('ann', tea, `tea ${each}`), post('ann', cake, `cake ${each}`)])
    const pauses = Math.ceil((Date.now() - started) / limits.gatheringPauseMs) + 2
    let last = -1
    let frames = 0
    while (last < 100) {
      const { moved } = await bob.nextControl('activity')
      frames++
      expect(moved.map(({ conversation }) => conversation)).toEqual([tea])
      last = Math.max(last, ...moved.map(({ seq }) => seq))
    }
    expect(frames).toBeLessThanOrEqual(pauses)
  })
})

describe('a token', () => {
  test('[HELLO1] that ends closes the socket, unless it was renewed on it; that of somebody else closes it at once', async () => {
    const conversation = await create('ann')
    const soon = -28
    const [ends, lives, steals] = [dial(), dial(), dial()]
    for (const socket of [ends, lives, steals]) await socket.hello(tokenOf('ann', soon))
    lives.control({ type: 'token', token: tokenOf('ann') })
    expect((await lives.nextControl('token')).expiresMs).toBeGreaterThan(Date.now() + 3_000_000)
    steals.control({ type: 'token', token: tokenOf('bob') })
    expect(await steals.closed).toEqual({ code: 4401, reason: 'unauthenticated' })
    expect(await ends.closed).toEqual({ code: 4401, reason: 'expired' })
    await lives.open(1, conversation)
    expect(lives.isOpen).toBe(true)
  })
})

describe('a flood', () => {
  test('[SYNC9][LIMIT1] on one socket is taken whole, and others write meanwhile as fast as ever', async () => {
    const [tea, cake] = [await create('ann', 'bob'), await create('bob')]
    const [ann, bob] = [await join('ann'), await join('bob')]
    await ann.open(1, tea)
    await bob.open(1, cake)
    await read(bob, 1)
    const chain = new ChainWriter('ann')
    const total = 4000
    while (chain.clock < total) {
      const payloads = Array.from({ length: 50 }, () => messagePayload('flood '.repeat(100)))
      ann.send(1, encodeUpdateMessage(chain.append(...payloads)))
    }
    const own = new ChainWriter('bob')
    const latencies: number[] = []
    for (let each = 0; each < 20; each++) {
      const started = performance.now()
      bob.send(1, encodeUpdateMessage(own.append(messagePayload('hello'))))
      await bob.next(1, 'update')
      latencies.push(performance.now() - started)
    }
    latencies.sort((a, b) => a - b)
    console.log(
      `latency beside a flood: median ${latencies[10]?.toFixed(1)} ms, most ${latencies.at(-1)?.toFixed(1)} ms`,
    )
    expect(latencies.at(-1)).toBeLessThan(2000)
    const doc = await caughtUp(tea, chain, total)
    expect([stateVectorOf(doc).get(chain.client), ann.isOpen]).toEqual([total, true])
  })

  test('[SYNC9] a backlog written offline, 5,000 entries and 12 of 100 KB, is taken in frames of the protocol, beside a member who chats', async () => {
    const tea = await create('ann', 'bob')
    const [ann, bob] = [await join('ann'), await join('bob')]
    await ann.open(1, tea)
    await bob.open(1, tea)
    await read(bob, 1)
    bob.frames.length = 0
    const small = new ChainWriter('ann')
    const large = new ChainWriter('ann')
    for (let each = 0; each < 5; each++) {
      const payloads = Array.from({ length: 1000 }, () => messagePayload('written offline'))
      ann.send(1, encodeUpdateMessage(small.append(...payloads)))
    }
    for (let each = 0; each < 12; each++) {
      ann.send(1, encodeUpdateMessage(large.append(messagePayload('x'.repeat(100_000)))))
    }
    const own = new ChainWriter('bob')
    const latencies: number[] = []
    for (let each = 0; each < 10; each++) {
      const started = performance.now()
      bob.send(1, encodeUpdateMessage(own.append(messagePayload('chatting'))))
      // It is heard, stamped, by its own author too.
      const isHeard = (message: WireMessage): boolean =>
        message.kind === 'update' && (Y.parseUpdateMeta(message.update).to.get(own.client) ?? 0) > each
      while (!isHeard(await bob.next(1, 'update')));
      latencies.push(performance.now() - started)
    }
    console.log(`latency beside a backlog: at most ${Math.max(...latencies).toFixed(1)} ms`)
    expect(Math.max(...latencies)).toBeLessThan(2000)
    const doc = await caughtUp(tea, small, 5000)
    await caughtUp(tea, large, 12, doc)
    expect([ann.isOpen, bob.isOpen]).toEqual([true, true])
  })
})

/** Reads as a new device until the chain is there so far. */
async function caughtUp(conversation: string, chain: ChainWriter, clock: number, doc = new Y.Doc()): Promise<Y.Doc> {
  const socket = await join('ann')
  await socket.open(1, conversation)
  await read(socket, 1, doc)
  while ((stateVectorOf(doc).get(chain.client) ?? 0) < clock)
    Y.applyUpdate(doc, (await socket.next(1, 'update')).update)
  await read(socket, 1, doc)
  expect(isSettled(doc)).toBe(true)
  return doc
}

test('[MUX5][PROC2] a server that ends tells each socket to come back: 1012', async () => {
  const own = await startTestServer()
  const greeted = new MuxSocket({ url: own.url })
  const claims = { sub: 'ann', exp: Math.floor(Date.now() / 1000) + 60 }
  await greeted.hello(signByHand({ claims, secret: own.secret }))
  const stranger = await new MuxSocket({ url: own.url }).opened()
  await own.close()
  expect([await greeted.closed, await stranger.closed]).toEqual([
    { code: 1012, reason: 'restart' },
    { code: 1012, reason: 'restart' },
  ])
})

test('[MUX5] what is no frame of this protocol ends the socket: 4400', async () => {
  for (const bytes of [Uint8Array.of(0xff), new Uint8Array(0), encodeFrame(0, Uint8Array.of(0x5b, 0x5d))]) {
    const socket = await join('ann')
    socket.sendBytes(bytes)
    expect(await socket.closed).toEqual({ code: 4400, reason: 'malformed' })
  }
})
