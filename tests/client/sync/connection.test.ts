// The connection of a conversation, over sockets that do what a test says.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import * as Y from 'yjs'

import type { ConnectionStatus } from '../../../client/api.ts'
import { RestFailure } from '../../../client/rest-client.ts'
import { firstRetryMs, lastRetryMs } from '../../../client/sync/backoff.ts'
import { connect, type Connection, type ConnectionOptions } from '../../../client/sync/connection.ts'
import { createSendGate } from '../../../client/sync/send-gate.ts'
import type { SocketStatus } from '../../../client/sync/socket.ts'
import type { TokenSource } from '../../../client/sync/token-source.ts'
import { createStore } from '../../../client/store.ts'
import { faults } from '../../../shared/fault.ts'
import { parseWireMessage } from '../../../shared/sync/wire.ts'
import { append, createDoc } from '../../helpers/chain-doc.ts'
import { ann, bob, conversationId, row } from '../../helpers/client-rows.ts'
import { createFakeNet, type FakeNet, type FakeSocket, serve } from '../../helpers/fake-net.ts'

const one = conversationId(1)
const connections: Connection[] = []

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  for (const connection of connections.splice(0)) connection.close()
  vi.useRealTimers()
})

interface Rig {
  readonly net: FakeNet
  readonly doc: Y.Doc
  readonly connection: Connection
  readonly statuses: readonly ConnectionStatus[]
  readonly phases: () => readonly string[]
  /** The first socket, once it is asked for. */
  readonly socket: () => Promise<FakeSocket>
}

type More = Partial<ConnectionOptions> & { readonly tokens?: TokenSource }

/** Connects over a socket of its own; tokens are `t1`, `t2`, … */
function start({ tokens, ...more }: More = {}, onSocket?: (socket: FakeSocket) => void): Rig {
  const net = createFakeNet(onSocket)
  const doc = more.doc ?? createDoc(7)
  const statuses: ConnectionStatus[] = []
  let token = 1
  const counting: TokenSource = {
    get: async () => `t${token}`,
    renew: () => {
      token++
      return true
    },
  }
  const connection = connect({
    url: 'https://chat.example/sub',
    user: ann,
    id: one,
    doc,
    generation: 0,
    gate: createSendGate(),
    carrier: { kind: 'socket', WebSocket: net.WebSocket, tokens: tokens ?? counting },
    broadcast: false,
    connectPresence: () => ({ hear: () => undefined, end: () => undefined }),
    register: async () => undefined,
    onStatus: (status) => void statuses.push(status),
    ...more,
  })
  connections.push(connection)
  return {
    net,
    doc,
    connection,
    statuses,
    phases: () => statuses.map(({ phase }) => phase).filter((phase, index, all) => phase !== all[index - 1]),
    socket: async () => {
      await vi.advanceTimersByTimeAsync(0)
      return net.last()
    },
  }
}

describe('the way to live', () => {
  test('[SYNC1] it is the stock protocol: room in the path, token as a subprotocol', async () => {
    const { socket } = start()
    const { url, protocols, binaryType } = await socket()
    expect(url).toBe(`wss://chat.example/sub/sync/${one}`)
    expect(protocols).toEqual(['yjs', 'bearer.t1'])
    expect(binaryType).toBe('arraybuffer')
  })

  test('connecting, syncing, live', async () => {
    const { socket, phases, doc } = start()
    const server = new Y.Doc()
    append(doc, 'ann', [row(7, 0).payload])
    const opened = await socket()
    expect(phases()).toEqual(['connecting'])
    opened.accept()
    expect(phases()).toEqual(['connecting', 'syncing'])
    expect(opened.sent.map((frame) => parseWireMessage(frame).kind)[0]).toBe('step1')
    serve(opened, server)
    opened.receive(Uint8Array.of(0, 1, 2, 0, 0))
    expect(phases()).toEqual(['connecting', 'syncing', 'live'])
    expect(Y.getState(server.store, 7)).toBe(1)
  })

  test('a connection that was lost is offline with its reason, and comes back by itself', async () => {
    const { socket, phases, statuses, net } = start({}, (each) => queueMicrotask(() => serve(each, new Y.Doc())))
    const first = await socket()
    expect(phases()).toEqual(['connecting', 'syncing', 'live'])
    first.end(1006)
    expect(statuses.at(-1)).toEqual({ phase: 'offline', reason: 'The connection was lost.' })
    await vi.advanceTimersByTimeAsync(5000)
    expect(net.sockets).toHaveLength(2)
    expect(phases()).toEqual(['connecting', 'syncing', 'live', 'offline', 'connecting', 'syncing', 'live'])
  })

  test.each([
    [1012, 'restart', faults.restart.text],
    [1013, 'overloaded', faults.overloaded.text],
    [4503, 'unavailable', faults.unavailable.text],
    [1011, '', 'The server closed the connection (1011).'],
  ])('[SYNC3] after %i (%s) it comes back', async (code, why, reason) => {
    const { socket, statuses, net } = start()
    const opened = await socket()
    opened.accept()
    opened.end(code, why)
    expect(statuses.at(-1)).toEqual({ phase: 'offline', reason })
    await vi.advanceTimersByTimeAsync(5000)
    expect(net.sockets).toHaveLength(2)
  })
})

describe('messages that cannot be read', () => {
  /** What is wrong, and the frame. */
  const garbled = [
    ['nothing', []],
    ['an unknown kind', [9]],
    ['no sync message', [0]],
    ['a SyncStep1 that is no state vector', [0, 0, 1, 5]],
    ['a SyncStep2 without bytes', [0, 1]],
    ['a SyncStep2 that is no update', [0, 1, 5, 255, 255, 255, 255, 255]],
    ['an update that is none', [0, 2, 1, 255]],
    ['an awareness update that is none', [1, 1, 255]],
    ['an auth message that is none', [2]],
  ] as const

  beforeEach(() => {
    // What y-protocols says of it.
    vi.spyOn(console, 'error').mockReturnValue()
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })

  test.each(garbled)('[SYNC3] %s: the attempt ends, never live, and another one comes', async (_what, bytes) => {
    const { socket, statuses, phases, net } = start()
    const first = await socket()
    first.accept()
    first.receive(Uint8Array.from(bytes))
    expect(statuses.at(-1)).toEqual({ phase: 'offline', reason: 'The connection was lost.' })
    expect(first.readyState).toBe(3)
    await vi.advanceTimersByTimeAsync(5000)
    expect(net.sockets).toHaveLength(2)
    serve(net.last(), new Y.Doc())
    net.last().receive(Uint8Array.of(0, 1, 2, 0, 0))
    expect(phases()).toEqual(['connecting', 'syncing', 'offline', 'connecting', 'syncing', 'live'])
  })

  test('[SYNC3] a server that sends them again and again is asked later and later', async () => {
    const { socket, net } = start({}, (each) =>
      queueMicrotask(() => {
        serve(each, new Y.Doc())
        each.receive(Uint8Array.of(0, 2, 1, 255))
      }),
    )
    await socket()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(net.sockets.length).toBeGreaterThan(10)
    expect(net.sockets.length).toBeLessThan(40)
  })

  test('[SYNC3] who listens to the document and throws ends no connection', async () => {
    const { socket, phases, doc } = start()
    const server = new Y.Doc()
    append(server, 'ann', [row(9, 0).payload])
    doc.on('update', () => {
      throw new Error('a mistake of the application')
    })
    serve(await socket(), server)
    expect(phases()).toEqual(['connecting', 'syncing', 'live'])
    expect(Y.encodeStateVector(doc)).toEqual(Y.encodeStateVector(server))
  })
})

describe('tokens', () => {
  test('[AUTH1] a token that was refused is renewed once, then it is not the token', async () => {
    const { socket, net, statuses } = start()
    const first = await socket()
    first.accept()
    first.end(4401, 'expired')
    await vi.advanceTimersByTimeAsync(0)
    expect(net.sockets.map(({ protocols }) => protocols[1])).toEqual(['bearer.t1', 'bearer.t2'])
    expect(statuses.at(-1)?.phase).toBe('connecting')
    net.last().accept()
    net.last().end(4401, 'unauthenticated')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(net.sockets).toHaveLength(2)
    expect(statuses.at(-1)).toEqual({ phase: 'refused', code: 'unauthenticated', reason: faults.unauthenticated.text })
  })

  test('[AUTH1] after a sync a refusal is renewed again, for years', async () => {
    const { socket, net } = start({}, (each) => queueMicrotask(() => serve(each, new Y.Doc())))
    await socket()
    for (let day = 1; day <= 5; day++) {
      net.last().end(4401, 'expired')
      await vi.advanceTimersByTimeAsync(0)
      expect(net.sockets).toHaveLength(day + 1)
    }
    expect(net.last().protocols[1]).toBe('bearer.t6')
  })

  test('[AUTH1] a token that cannot be renewed is refused at once', async () => {
    const { socket, net, statuses } = start({ tokens: { get: async () => 'only', renew: () => false } })
    ;(await socket()).accept()
    net.last().end(4401, 'expired')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(net.sockets).toHaveLength(1)
    expect(statuses.at(-1)).toEqual({ phase: 'refused', code: 'expired', reason: faults.expired.text })
  })

  test('a provider that comes back has a token that is good by then', async () => {
    let token = 'old'
    const { socket, net } = start({ tokens: { get: async () => token, renew: () => true } })
    ;(await socket()).accept()
    token = 'new'
    net.last().end(1006)
    await vi.advanceTimersByTimeAsync(5000)
    expect(net.sockets.map(({ protocols }) => protocols[1])).toEqual(['bearer.old', 'bearer.new'])
  })

  test('a token that cannot be had now is asked for again', async () => {
    const get = vi.fn<() => Promise<string>>().mockRejectedValueOnce(new Error('signed out')).mockResolvedValue('t')
    const { net, statuses } = start({ tokens: { get, renew: () => true } })
    await vi.advanceTimersByTimeAsync(0)
    expect(statuses.at(-1)).toEqual({ phase: 'offline', reason: 'signed out' })
    await vi.advanceTimersByTimeAsync(1000)
    expect(net.sockets).toHaveLength(1)
  })
})

describe('refusals', () => {
  test.each([
    [4400, 'malformed'],
    [4403, 'no-access'],
    [4404, 'not-found'],
    [4409, 'forked'],
    [4409, 'client-taken'],
    [4409, 'server-behind'],
    [4410, 'deleted'],
  ] as const)('[SYNC3] %i (%s) is for good', async (code, why) => {
    const { socket, net, statuses } = start()
    ;(await socket()).accept()
    net.last().end(code, why)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(net.sockets).toHaveLength(1)
    expect(statuses.at(-1)).toEqual({ phase: 'refused', code: why, reason: faults[why].text })
  })

  test('[SYNC3] a permanent code without a word is told by its number', async () => {
    const { socket, net, statuses } = start()
    ;(await socket()).accept()
    net.last().end(4499)
    expect(statuses.at(-1)).toEqual({
      phase: 'refused',
      code: '4499',
      reason: 'The server closed the connection (4499).',
    })
  })
})

test('[MUX4] of a refusal it is told whether the conversation outlives it', async () => {
  const refused = { phase: 'refused', code: 'expired', reason: '' } as const
  const socketStatus = createStore<SocketStatus>(refused)
  const net = createFakeNet()
  const told: (readonly [string, boolean | undefined])[] = []
  start({
    carrier: { kind: 'channel', WebSocket: net.WebSocket, socket: socketStatus },
    onStatus: ({ phase }, comesBack) => void told.push([phase, comesBack]),
  })
  expect(told).toEqual([['refused', true]])
  socketStatus.set({ phase: 'live' })
  await vi.advanceTimersByTimeAsync(0)
  net.last().accept()
  net.last().end(4403, 'no-access')
  expect(told.at(-1)).toEqual(['refused', false])
})

describe('registering', () => {
  test('[CLIENT3] no socket is asked for before the server knows the conversation', async () => {
    const order: string[] = []
    const register = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      order.push('registered')
    }
    start({ register }, () => order.push('socket'))
    await vi.advanceTimersByTimeAsync(49)
    expect(order).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(order).toEqual(['registered', 'socket'])
  })

  test('[CLIENT3] it is tried again, later and later, until it succeeds', async () => {
    const asked: number[] = []
    const startMs = Date.now()
    const register = vi.fn<() => Promise<void>>(async () => {
      asked.push(Date.now() - startMs)
      if (asked.length <= 8) throw new Error('no network')
    })
    const { net, statuses, phases } = start({ register })
    await vi.advanceTimersByTimeAsync(120_000)
    expect(asked).toHaveLength(9)
    expect(net.sockets).toHaveLength(1)
    expect(statuses).toContainEqual({ phase: 'offline', reason: 'no network' })
    expect(phases().slice(0, 3)).toEqual(['connecting', 'offline', 'connecting'])
    const waits = asked.slice(1).map((at, index) => at - (asked[index] ?? 0))
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeLessThanOrEqual(Math.min(lastRetryMs, firstRetryMs * 2 ** index) + 1)
    }
  })

  test.each([
    [403, 'no-access', true],
    [422, 'malformed', true],
    [401, 'expired', false],
    [429, 'overloaded', false],
    [503, 'unavailable', false],
  ])('[CLIENT3] an answer %i (%s): for good %s', async (status, code, isPermanent) => {
    const register = vi.fn<() => Promise<void>>(() => Promise.reject(new RestFailure(status, code, 'A detail.')))
    const { statuses } = start({ register })
    await vi.advanceTimersByTimeAsync(0)
    expect(statuses.at(-1)).toEqual(
      isPermanent ? { phase: 'refused', code, reason: 'A detail.' } : { phase: 'offline', reason: 'A detail.' },
    )
    await vi.advanceTimersByTimeAsync(60_000)
    expect(register.mock.calls.length > 1).toBe(!isPermanent)
  })
})

describe('closing', () => {
  test('it is closed once, says so last, and nothing of it is left', async () => {
    const { socket, net, connection, statuses } = start({}, (each) => queueMicrotask(() => serve(each, new Y.Doc())))
    const opened = await socket()
    connection.close()
    connection.close()
    opened.end(1006)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(opened.readyState).toBe(3)
    expect(net.sockets).toHaveLength(1)
    expect(statuses.filter(({ phase }) => phase === 'closed')).toHaveLength(1)
    expect(statuses.at(-1)).toEqual({ phase: 'closed' })
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each([
    ['while it registers', async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50))],
    ['while it waits for another try', (): Promise<void> => Promise.reject(new Error('no network'))],
  ])('closed %s, it does not connect', async (_when, register) => {
    const { net, connection, statuses } = start({ register })
    await vi.advanceTimersByTimeAsync(10)
    connection.close()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(net.sockets).toHaveLength(0)
    expect(statuses.at(-1)).toEqual({ phase: 'closed' })
  })

  test('[CHAIN3] a document that Yjs has renamed does not keep it from closing', async () => {
    const { socket, connection, statuses, doc } = start({}, (each) => queueMicrotask(() => serve(each, new Y.Doc())))
    await socket()
    doc.clientID = 8
    connection.close()
    expect(statuses.at(-1)).toEqual({ phase: 'closed' })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('tabs', () => {
  /** A tab that has no network, and a document that changes. */
  function tab(client: number, user: typeof ann, broadcast = true, url = 'https://chat.example'): Rig {
    return start({
      doc: createDoc(client),
      user,
      broadcast,
      url,
      register: () => Promise.reject(new Error('no network')),
    })
  }

  test('[TAB1] tabs of one user hear each other without a network', () => {
    const [first, second] = [tab(7, ann), tab(8, ann)]
    append(first.doc, 'ann', [row(7, 0).payload])
    expect(Y.getState(second.doc.store, 7)).toBe(1)
    append(second.doc, 'ann', [row(8, 0).payload])
    expect(Y.getState(first.doc.store, 8)).toBe(1)
  })

  test('[TAB1] what was written before the other tab opened arrives too', () => {
    const first = tab(7, ann)
    append(first.doc, 'ann', [row(7, 0).payload])
    expect(Y.getState(tab(8, ann).doc.store, 7)).toBe(1)
  })

  test('[TAB1] accounts in one browser never hear each other', () => {
    const [anns, bobs] = [tab(7, ann), tab(8, bob)]
    append(anns.doc, 'ann', [row(7, 0).payload])
    append(bobs.doc, 'bob', [row(8, 0).payload])
    expect([Y.getState(bobs.doc.store, 7), Y.getState(anns.doc.store, 8)]).toEqual([0, 0])
  })

  test('[TAB1] nor do tabs of different servers, nor those that are not to', () => {
    const [first, other, silent] = [tab(7, ann), tab(8, ann, true, 'https://b.example'), tab(9, ann, false)]
    append(first.doc, 'ann', [row(7, 0).payload])
    append(silent.doc, 'ann', [row(9, 0).payload])
    expect([Y.getState(other.doc.store, 7), Y.getState(silent.doc.store, 7)]).toEqual([0, 0])
    expect(Y.getState(first.doc.store, 9)).toBe(0)
  })

  test('[TAB1] a tab that is closed hears nothing more', () => {
    const [first, second] = [tab(7, ann), tab(8, ann)]
    second.connection.close()
    append(first.doc, 'ann', [row(7, 0).payload])
    expect(Y.getState(second.doc.store, 7)).toBe(0)
  })
})
