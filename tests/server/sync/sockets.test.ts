// The sockets of a server that is told the time: heartbeats, tokens that end, and the end of the server.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import type { Identity } from '../../../server/identity.ts'
import { attachSockets, type Sockets } from '../../../server/sync/sockets.ts'
import { ActivityFeed } from '../../../server/sync/activity.ts'
import { acquireTarget } from '../../../server/chat/conversation-target.ts'
import { Fault } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { encodeStateVector } from '../../../shared/sync/state-vector.ts'
import { encodeStep1, heartbeat } from '../../../shared/sync/wire.ts'
import { userId } from '../../helpers/chain-doc.ts'
import { MuxSocket } from '../../helpers/mux-socket.ts'
import { RawSocket, upgradeStatus } from '../../helpers/raw-socket.ts'
import { rawUpgrade } from '../../helpers/raw-upgrade.ts'
import { messageEntry, StockClient } from '../../helpers/stock-client.ts'
import { createSyncNode, freeRates, type SyncNode } from '../../helpers/sync-node.ts'

const dayMs = 24 * 60 * 60 * 1000

let http: Server
let sockets: Sockets
let node: SyncNode
let id: ConversationId
let url = ''
/** Who the token `ann` is of, and until when. */
let identity: Identity
let errors: object[]
/** Waits until it is opened. */
let door: Promise<void>
/** Whether pages may connect at all. */
let allowsOrigin: boolean

beforeEach(() => start('with heartbeats'))

/** Timers of the server are told the time; sockets and the store go on by themselves. */
async function start(heartbeats: 'with heartbeats' | 'without heartbeats'): Promise<void> {
  const intervals = heartbeats === 'with heartbeats' ? (['setInterval', 'clearInterval'] as const) : []
  vi.useFakeTimers({ toFake: [...intervals, 'setTimeout', 'clearTimeout', 'Date'] })
  identity = { user: userId('ann'), expiresMs: Date.now() + 365 * dayMs }
  errors = []
  door = Promise.resolve()
  allowsOrigin = true
  node = createSyncNode()
  id = await node.create('ann')
  http = createServer()
  sockets = attachSockets(http, {
    authenticate: async (token) => {
      await door
      if (token === 'bug') throw new Error('a bug')
      if (token !== 'ann') throw new Fault('unauthenticated')
      return identity
    },
    tickets: { issue: () => ({ ticket: '', expiresMs: 0 }), redeem: () => undefined },
    allowsOrigin: () => allowsOrigin,
    acquire: (user, wanted) => acquireTarget(node.registry, user, wanted),
    overview: async () => ({ moved: [], gone: [] }),
    activity: new ActivityFeed((job) => void setImmediate(job)),
    rates: freeRates,
    sleep: async () => undefined,
    now: Date.now,
    log: { info: () => undefined, error: (fields) => errors.push(fields) },
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const address = http.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  url = `http://127.0.0.1:${address.port}`
}

async function stop(): Promise<void> {
  vi.useRealTimers()
  await sockets.close()
  http.closeAllConnections()
  http.close()
}

afterEach(stop)

function open(token = 'ann'): RawSocket {
  return new RawSocket({ url, room: id, token })
}

async function follow(): Promise<RawSocket> {
  const socket = open()
  await socket.next('step1')
  socket.send(encodeStep1(encodeStateVector(new Map())))
  await socket.next('step2')
  return socket
}

describe('heartbeats', () => {
  test('[SYNC1] something small is sent within 20 s, well before a stock provider loses patience', async () => {
    expect(limits.heartbeatMs).toBeLessThanOrEqual(20_000)
    const socket = await follow()
    for (let beat = 1; beat <= 3; beat++) {
      await vi.advanceTimersByTimeAsync(limits.heartbeatMs)
      await socket.next('awareness')
    }
    const beats = socket.frames.filter(({ message }) => message.kind === 'awareness')
    expect(beats.map(({ bytes }) => bytes)).toEqual([heartbeat, heartbeat, heartbeat])
    expect(socket.isOpen).toBe(true)
  })

  test('[SYNC1] a provider takes it for a sign of life, and for nothing else', async () => {
    const client = new StockClient({ url, conversation: id, user: 'ann', token: 'ann' })
    await client.synced()
    client.provider.wsLastMessageReceived = 0
    await vi.advanceTimersByTimeAsync(limits.heartbeatMs)
    await vi.waitFor(() => expect(client.provider.wsLastMessageReceived).toBeGreaterThan(0))
    expect([...client.provider.awareness.getStates().keys()]).toEqual([client.doc.clientID])
    client.destroy()
  })

  test('[SYNC3] a peer that does not answer pings is gone', async () => {
    const socket = await follow()
    socket.pause()
    await vi.advanceTimersByTimeAsync(limits.heartbeatMs)
    expect(sockets.size()).toBe(1)
    await vi.advanceTimersByTimeAsync(limits.heartbeatMs)
    await vi.waitFor(() => expect(sockets.size()).toBe(0))
    socket.terminate()
    node.registry.sweep(Number.MAX_SAFE_INTEGER)
    await vi.waitFor(() => expect(node.registry.size()).toBe(0))
  })
})

describe('a slow upload', () => {
  /** Of a frame that is too long to be sent in time: its head; the payload is whatever follows. */
  const longFrame = Buffer.of(0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)

  test('[SYNC1] it is not terminated while bytes flow, although no pong gets past them; when they end, it is', async () => {
    const accepted = once(http, 'connection') as Promise<[Socket]>
    const { port } = new URL(url)
    const peer = connect(Number(port), '127.0.0.1')
    peer.on('error', () => undefined)
    peer.resume()
    const greeting = new Promise((resolve) => {
      let heard = ''
      peer.on('data', (data) => {
        heard += data.toString('latin1')
        // Something follows the answer to the upgrade: the session asks.
        if (/\r\n\r\n./s.test(heard)) resolve(heard)
      })
    })
    peer.write(upgradeRequest(`/sync/${id}`, 'Sec-WebSocket-Protocol: yjs, bearer.ann'))
    expect(await greeting).toContain('101 Switching Protocols')
    const [connection] = await accepted
    const upload = async (bytes: Uint8Array): Promise<void> => {
      const before = connection.bytesRead
      peer.write(bytes)
      await vi.waitFor(() => expect(connection.bytesRead).toBe(before + bytes.length))
    }
    await upload(longFrame)
    for (let beat = 1; beat <= 6; beat++) {
      await upload(new Uint8Array(1000))
      await vi.advanceTimersByTimeAsync(limits.heartbeatMs)
      expect([beat, sockets.size(), connection.destroyed]).toEqual([beat, 1, false])
    }
    await vi.advanceTimersByTimeAsync(limits.heartbeatMs)
    await vi.waitFor(() => expect(sockets.size()).toBe(0))
    expect(connection.destroyed).toBe(true)
    peer.destroy()
  })
})

function connections(): Promise<number> {
  return new Promise((resolve, reject) => {
    http.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
  })
}

describe('a refused upgrade', () => {
  test.each([
    ['404 Not Found', '/nope', () => undefined],
    ['403 Forbidden', '/sync/x', () => void (allowsOrigin = false)],
    ['503 Service Unavailable', '/sync/x', () => sockets.close()],
  ])('[HTTP1] %s: a peer that does not close leaves no socket on the server', async (status, path, prepare) => {
    await prepare()
    const peer = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true })
    peer.on('error', () => undefined)
    let heard = ''
    peer.on('data', (data) => (heard += data.toString()))
    const ended = once(peer, 'end')
    peer.write(upgradeRequest(path))
    await ended
    expect(heard).toContain(`HTTP/1.1 ${status}\r\n`)
    await vi.waitFor(async () => expect(await connections()).toBe(0))
    // It is the server that let go: the peer still could write.
    expect(peer.writable).toBe(true)
    peer.destroy()
  })
})

describe('an upgrade', () => {
  test.each([
    ['/sync/{id}', 'yjs, bearer.ann'],
    ['/sync', 'parley.1'],
  ])('[SYNC1][MUX5] of %s that offers compression is answered without: frames go past it', async (path, protocols) => {
    const peer = connect(Number(new URL(url).port), '127.0.0.1')
    peer.on('error', () => undefined)
    const offers = [`Sec-WebSocket-Protocol: ${protocols}`, 'Sec-WebSocket-Extensions: permessage-deflate']
    peer.write(upgradeRequest(path.replace('{id}', id), ...offers))
    let heard = ''
    for await (const chunk of peer) {
      heard += (chunk as Buffer).toString('latin1')
      if (heard.includes('\r\n\r\n')) break
    }
    const [head = ''] = heard.split('\r\n\r\n')
    expect(head).toContain('101 Switching Protocols')
    expect(head).not.toMatch(/sec-websocket-extensions/i)
    peer.destroy()
  })

  test('[HELLO1] so many of one address may be unknown; the next is refused, until one of them is gone', async () => {
    door = new Promise(() => undefined)
    const strangers = Array.from({ length: limits.strangersPerAddress }, () => open())
    await Promise.all(strangers.map((stranger) => stranger.opened()))
    expect(await upgradeStatus({ url, room: id, token: 'ann' })).toBe(429)
    expect(sockets.size()).toBe(limits.strangersPerAddress)
    strangers[0]?.terminate()
    await vi.waitFor(() => expect(sockets.size()).toBe(limits.strangersPerAddress - 1))
    expect(await upgradeStatus({ url, room: id, token: 'ann' })).toBeUndefined()
    for (const stranger of strangers) stranger.terminate()
  })

  test('[HELLO1] those who are known, and upgrades that come to nothing, do not count among them', async () => {
    for (let each = 0; each < limits.strangersPerAddress; each++) {
      const peer = connect(Number(new URL(url).port), '127.0.0.1')
      peer.write(upgradeRequest(`/sync/${id}`, 'Sec-WebSocket-Version: 7'))
      const [answer] = (await once(peer, 'data')) as [Buffer]
      expect(answer.toString()).toContain('400 Bad Request')
      peer.destroy()
    }
    await vi.waitFor(async () => expect(await connections()).toBe(0))
    // In several conversations: a user has only so many sockets in one.
    const rooms = [id]
    while (rooms.length < 16) rooms.push(await node.create('ann'))
    const members = Array.from({ length: limits.strangersPerAddress }, (_, index) => {
      return new RawSocket({ url, room: rooms[index % rooms.length] ?? id, token: 'ann' })
    })
    await Promise.all(members.map((member) => member.next('step1')))
    expect(await upgradeStatus({ url, room: id, token: 'ann' })).toBeUndefined()
    for (const member of members) member.terminate()
  })
})

/** The head of a request for a socket, with these headers too. */
function upgradeRequest(path: string, ...headers: readonly string[]): string {
  const lines = [`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket', ...headers]
  return [...lines, 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', '', ''].join('\r\n')
}

describe('who is asking', () => {
  test('[SYNC3][AUTH1] a socket ends with its token, also one that lives longer than a timer can wait', async () => {
    // Else 59 days of pings would go unanswered in a moment.
    await stop()
    await start('without heartbeats')
    identity = { ...identity, expiresMs: Date.now() + 60 * dayMs }
    const socket = await follow()
    await vi.advanceTimersByTimeAsync(59 * dayMs)
    expect(socket.isOpen).toBe(true)
    await vi.advanceTimersByTimeAsync(dayMs)
    expect(await socket.closed).toEqual({ code: 4401, reason: 'expired' })
  })

  test('[SYNC3] a token that has ended when its proof arrives closes at once', async () => {
    identity = { ...identity, expiresMs: Date.now() - 1 }
    const socket = open()
    await socket.opened()
    await vi.advanceTimersByTimeAsync(1)
    await vi.waitFor(async () => {
      await vi.advanceTimersByTimeAsync(1)
      expect(sockets.size()).toBe(0)
    })
    expect(await socket.closed).toEqual({ code: 4401, reason: 'expired' })
  })

  test('[HELLO1] whoever sends much without being known is told why all the same, and no more of it is read', async () => {
    const socket = open('nobody')
    await socket.opened()
    const head = Buffer.alloc(8 * limits.farewellBytes)
    socket.send(head)
    expect(await socket.closed).toEqual({ code: 4401, reason: 'unauthenticated' })
  })

  test('[AUTH1] nothing is read before the token is proved, and nothing is lost by that', async () => {
    let unlock = (): void => undefined
    door = new Promise((resolve) => (unlock = resolve))
    const socket = open()
    await socket.opened()
    socket.send(encodeStep1(encodeStateVector(new Map())))
    await node.settled()
    expect(socket.frames).toEqual([])
    unlock()
    await socket.next('step1')
    await socket.next('step2')
  })

  test('[HELLO1] a token whose proof does not end in time closes the socket: the device is asked to come back', async () => {
    door = new Promise(() => undefined)
    const socket = open()
    await socket.opened()
    await vi.advanceTimersByTimeAsync(limits.helloMs - 1)
    await node.settled()
    expect(socket.isOpen).toBe(true)
    await vi.advanceTimersByTimeAsync(1)
    expect(await socket.closed).toEqual({ code: 4503, reason: 'unavailable' })
  })

  test('[PROC4] a bug while a socket is opened is logged, and the device is asked to come back', async () => {
    const socket = open('bug')
    expect(await socket.closed).toEqual({ code: 4503, reason: 'unavailable' })
    expect(errors).toHaveLength(1)
  })

  test('[SYNC11] who leaves while the conversation is being loaded holds nothing', async () => {
    let unlock = (): void => undefined
    door = new Promise((resolve) => (unlock = resolve))
    const socket = open()
    await socket.opened()
    socket.terminate()
    await vi.waitFor(() => expect(sockets.size()).toBe(0))
    unlock()
    await node.settled()
    node.registry.sweep(Number.MAX_SAFE_INTEGER)
    expect(node.registry.size()).toBe(0)
  })
})

describe('a socket of many conversations', () => {
  test('[MUX5] what one batch brings to all of them goes out in one write', async () => {
    const ids = [id]
    while (ids.length < 5) ids.push(await node.create('ann'))
    const accepted = once(http, 'connection') as Promise<[Socket]>
    const socket = new MuxSocket({ url })
    await socket.hello('ann')
    const [connection] = await accepted
    for (const [index, each] of ids.entries()) {
      await socket.open(index + 1, each)
      socket.send(index + 1, encodeStep1(encodeStateVector(new Map())))
      await socket.next(index + 1, 'step2')
    }
    node.gate.hold()
    const posted = ids.map((each) => node.conversations.post(userId('ann'), each, messageEntry('hello'), undefined))
    await node.settled()
    expect(node.gate.waiting().map(({ length }) => length)).toEqual([ids.length])
    const writes = [vi.spyOn(connection, '_write'), vi.spyOn(connection, '_writev')]
    node.gate.open()
    await Promise.all(posted)
    for (const [index] of ids.entries()) await socket.next(index + 1, 'update')
    expect(writes.map(({ mock }) => mock.calls.length)).toEqual([0, 1])
    socket.terminate()
  })
})

describe('the end', () => {
  test('[PROC2] everybody is closed with 1012, also who is just arriving; later upgrades are refused', async () => {
    let unlock = (): void => undefined
    const socket = await follow()
    door = new Promise((resolve) => (unlock = resolve))
    const arriving = open()
    await arriving.opened()
    const waiting = connect(Number(new URL(url).port), '127.0.0.1')
    await once(waiting, 'connect')
    const closed = sockets.close()
    expect(await rawUpgrade(url, `/sync/${id}`)).toEqual({ status: 503 })
    expect(await socket.closed).toEqual({ code: 1012, reason: 'restart' })
    expect(await arriving.closed).toEqual({ code: 1012, reason: 'restart' })
    await closed
    unlock()
    waiting.destroy()
    expect(sockets.size()).toBe(0)
  })

  test('[PROC2] a peer that does not answer is given two seconds', async () => {
    const socket = await follow()
    socket.pause()
    let isClosed = false
    const closed = sockets.close().then(() => (isClosed = true))
    await vi.advanceTimersByTimeAsync(1999)
    await node.settled()
    expect(isClosed).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await closed
    socket.terminate()
  })
})
