// The client's one socket, over sockets whose other end the test plays.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import type { Member } from '../../../client/sync/channel-table.ts'
import { firstRetryMs, lastRetryMs } from '../../../client/sync/backoff.ts'
import { type SocketStatus, SyncSocket, type SyncSocketOptions } from '../../../client/sync/socket.ts'
import { createTokenSource, type TokenSource } from '../../../client/sync/token-source.ts'
import { faults } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import type { Version } from '../../../shared/sync/control.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { encodeAwarenessMessage, encodeUpdateMessage } from '../../../shared/sync/wire.ts'
import { ann, conversationId } from '../../helpers/client-rows.ts'
import { createMuxNet, type FakeMuxNet, type FakeMuxSocket } from '../../helpers/fake-sync-server.ts'
import { deferred } from '../../helpers/when.ts'

const [one, two] = [conversationId(1), conversationId(2)]
const sockets: SyncSocket[] = []

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close()
  if (vi.getTimerCount() > 0) throw new Error('a timer is left')
  vi.useRealTimers()
})

interface Rig {
  readonly net: FakeMuxNet
  readonly socket: SyncSocket
  readonly statuses: readonly SocketStatus[]
  readonly news: readonly (readonly ConversationId[])[]
  /** Lets what waits for its turn happen, and gives the newest socket. */
  readonly next: () => Promise<FakeMuxSocket>
}

/** Tokens are `t1`, `t2`, …: each `renew` brings the next. */
function countingTokens(): TokenSource {
  let token = 1
  return {
    get: async () => `t${token}`,
    renew: () => {
      token++
      return true
    },
  }
}

function start(more: Partial<SyncSocketOptions> = {}, onSocket?: (socket: FakeMuxSocket) => void): Rig {
  const net = createMuxNet(onSocket)
  const statuses: SocketStatus[] = []
  const news: ConversationId[][] = []
  const socket = new SyncSocket({
    url: 'https://chat.example/sub',
    user: ann,
    tokens: countingTokens(),
    WebSocket: net.WebSocket,
    device: 'phone',
    now: Date.now,
    uptime: () => performance.now(),
    random: () => 1,
    versions: () => new Map(),
    onNews: (moved, gone) => void news.push([...moved, ...gone].map(({ conversation }) => conversation)),
    ...more,
  })
  sockets.push(socket)
  socket.status.subscribe(() => statuses.push(socket.status.getSnapshot()))
  return {
    net,
    socket,
    statuses,
    news,
    next: async () => {
      await vi.advanceTimersByTimeAsync(0)
      return net.last()
    },
  }
}

interface FakeMember extends Member {
  readonly events: string[]
  stated: Version | undefined
}

/** Writes down what it is told. */
function member(conversation: ConversationId, version?: Version): FakeMember {
  const events: string[] = []
  const self: FakeMember = {
    conversation,
    events,
    stated: version,
    version: () => self.stated,
    opened: (current) => void events.push(current ? 'current' : 'opened'),
    receive: (message) => void events.push(`${message.length} bytes`),
    feed: () => void events.push('fed'),
    closed: (code, reason) => void events.push(`closed ${code} ${reason}`),
  }
  return self
}

describe('the way to live', () => {
  test('[MUX1] no token in the address: it is the first thing that is said', async () => {
    const { socket, next, statuses } = start()
    socket.start()
    const ws = await next()
    expect([ws.url, ws.protocols, ws.binaryType]).toEqual(['wss://chat.example/sub/sync', ['parley.1'], 'arraybuffer'])
    expect(ws.sent).toEqual([])
    ws.accept()
    expect(ws.said).toEqual([{ type: 'hello', token: 't1', device: 'phone', versions: new Map() }])
    expect(statuses).toEqual([{ phase: 'connecting' }])
    ws.say({ type: 'hello', user: 'ann', expiresMs: 1e12 })
    expect(statuses).toEqual([{ phase: 'connecting' }, { phase: 'live' }])
  })

  test('[MUX2] what it has is stated, and what is open is asked for behind it without waiting', async () => {
    const held = new Map([[one, { server: 7, records: 3 }]])
    const { socket, next } = start({ versions: () => held })
    const [first, second] = [member(one, { server: 7, records: 3 }), member(two)]
    socket.join(first)
    socket.join(second)
    const ws = await next()
    ws.accept()
    expect(ws.said).toEqual([
      { type: 'hello', token: 't1', device: 'phone', versions: held },
      { type: 'open', channel: 1, conversation: one, version: { server: 7, records: 3 } },
      { type: 'open', channel: 2, conversation: two, version: undefined },
    ])
    ws.say({ type: 'hello', user: 'ann', expiresMs: 1e12 })
    ws.say({ type: 'opened', channel: 1, current: true })
    ws.say({ type: 'opened', channel: 2, current: false })
    expect([first.events, second.events]).toEqual([['current'], ['opened']])
  })

  test('[MUX1] channels have numbers of their own, and messages go where they belong', async () => {
    const { socket, next } = start()
    socket.start()
    const ws = await next()
    ws.welcome()
    const [first, second] = [member(one), member(two)]
    const seat = socket.join(first)
    const other = socket.join(second)
    seat.send(Uint8Array.of(9))
    ws.say({ type: 'opened', channel: 1, current: false })
    ws.say({ type: 'opened', channel: 2, current: false })
    ws.deliver(1, Uint8Array.of(1, 2, 3))
    ws.deliver(2, Uint8Array.of(1))
    ws.deliver(3, Uint8Array.of(1))
    expect([first.events, second.events]).toEqual([
      ['opened', '3 bytes'],
      ['opened', '1 bytes'],
    ])
    const before = ws.sent.length
    seat.send(Uint8Array.of(5))
    other.send(Uint8Array.of(6))
    expect(ws.sent.slice(before)).toEqual([Uint8Array.of(1, 5), Uint8Array.of(2, 6)])
    // What was sent before it was open is lost.
    expect(ws.sent).not.toContainEqual(Uint8Array.of(1, 9))
    seat.leave()
    seat.leave()
    ws.deliver(1, Uint8Array.of(1))
    expect(ws.said.at(-1)).toEqual({ type: 'close', channel: 1 })
    expect(ws.said.filter(({ type }) => type === 'close')).toHaveLength(1)
    expect(first.events).toEqual(['opened', '3 bytes'])
    socket.join(member(one))
    expect(ws.said.at(-1)).toMatchObject({ type: 'open', channel: 3 })
  })

  test('[MUX2] what was written since the version was stated goes the long way', async () => {
    const { socket, next } = start()
    const waiting = member(one, { server: 7, records: 3 })
    socket.join(waiting)
    const ws = await next()
    ws.welcome()
    waiting.stated = undefined
    ws.say({ type: 'opened', channel: 1, current: true })
    expect(waiting.events).toEqual([])
    expect(ws.said.slice(-2)).toEqual([
      { type: 'close', channel: 1 },
      { type: 'open', channel: 2, conversation: one, version: undefined },
    ])
    ws.say({ type: 'opened', channel: 2, current: false })
    expect(waiting.events).toEqual(['opened'])
  })

  test('[BACK1] what moved is told, and so is what came on a channel that had been left', async () => {
    const { socket, next, news } = start()
    const seat = socket.join(member(one))
    const ws = await next()
    ws.welcome()
    ws.say({ type: 'opened', channel: 1, current: false })
    ws.say({
      type: 'activity',
      moved: [{ conversation: two, seq: 3, version: { server: 1, records: 1 } }],
      gone: [{ conversation: one, code: 'no-access' }],
    })
    seat.leave()
    ws.deliver(1, encodeAwarenessMessage(Uint8Array.of(0)))
    ws.deliver(1, encodeUpdateMessage(Uint8Array.of(0, 0)))
    expect(news).toEqual([[two, one], [one]])
  })

  test('[MUX3] nonsense and messages of later versions are read over', async () => {
    const { socket, next, statuses } = start()
    socket.start()
    const ws = await next()
    ws.welcome()
    for (const bytes of [[], [0], [0, 0x7b], [0x80], [0, 0x22, 0x22]]) ws.receive(Uint8Array.from(bytes))
    expect(statuses.at(-1)).toEqual({ phase: 'live' })
  })
})

describe('coming back', () => {
  test('[MUX4] a server that cannot be reached is told from a connection that was lost', async () => {
    const { socket, next, statuses } = start()
    socket.start()
    ;(await next()).end(1006)
    expect(statuses.at(-1)).toEqual({ phase: 'offline', reason: 'The server cannot be reached.' })
    await vi.advanceTimersByTimeAsync(firstRetryMs)
    ;(await next()).welcome()
    ;(await next()).end(1006)
    expect(statuses.at(-1)).toEqual({ phase: 'offline', reason: 'The connection was lost.' })
  })

  test('[MUX4] attempts come one at a time, later and later up to a ceiling, and anywhere below it', async () => {
    const dialled: number[] = []
    const begin = Date.now()
    let random = 1
    const { socket, net } = start({ random: () => random }, (ws) => {
      dialled.push(Date.now() - begin)
      queueMicrotask(() => ws.end(1006))
    })
    for (let count = 0; count < 50; count++) socket.join(member(conversationId(count)))
    await vi.advanceTimersByTimeAsync(200_000)
    const waits = dialled.slice(1).map((at, index) => at - (dialled[index] ?? 0))
    expect(waits.length).toBeGreaterThan(9)
    for (const [index, wait] of waits.entries()) expect(wait).toBe(Math.min(lastRetryMs, firstRetryMs * 2 ** index))
    random = 0.5
    await vi.advanceTimersByTimeAsync(lastRetryMs)
    const before = net.sockets.length
    await vi.advanceTimersByTimeAsync(3 * lastRetryMs)
    expect(net.sockets).toHaveLength(before + 6)
  })

  test('[MUX4] open channels end with the reason; those that were not open yet wait for the next socket', async () => {
    const { socket, next, statuses, net } = start()
    const [open, waiting] = [member(one), member(two)]
    socket.join(open)
    socket.join(waiting)
    const ws = await next()
    ws.welcome()
    ws.say({ type: 'opened', channel: 1, current: false })
    ws.end(1012, 'restart')
    expect(statuses.at(-1)).toEqual({ phase: 'offline', reason: faults.restart.text })
    expect(open.events).toEqual(['opened', 'closed 1012 restart'])
    socket.join(open)
    await vi.advanceTimersByTimeAsync(firstRetryMs)
    expect(net.sockets).toHaveLength(2)
    net.last().welcome()
    expect(net.last().said.slice(1)).toEqual([
      { type: 'open', channel: 1, conversation: two, version: undefined },
      { type: 'open', channel: 2, conversation: one, version: undefined },
    ])
    expect(waiting.events).toEqual([])
  })

  test.each([1006, 1011, 1012, 1013, 4502, 4503])('[MUX4] after %i it comes back', async (code) => {
    const { socket, next, net } = start()
    socket.start()
    ;(await next()).welcome()
    net.last().end(code)
    await vi.advanceTimersByTimeAsync(firstRetryMs)
    expect(net.sockets).toHaveLength(2)
  })

  test('[MUX4] a connection that lasted starts the count anew, one that did not does not', async () => {
    const { socket, next, net } = start()
    socket.start()
    for (const wait of [500, 1000, 2000]) {
      ;(await next()).welcome()
      net.last().end(1006)
      const before = net.sockets.length
      await vi.advanceTimersByTimeAsync(wait - 1)
      expect(net.sockets).toHaveLength(before)
      await vi.advanceTimersByTimeAsync(1)
      expect(net.sockets).toHaveLength(before + 1)
    }
    net.last().welcome()
    await vi.advanceTimersByTimeAsync(10_000)
    net.last().end(1006)
    await vi.advanceTimersByTimeAsync(firstRetryMs)
    expect(net.sockets).toHaveLength(5)
  })

  test('[MUX4] a device that comes back to the network does not wait', async () => {
    const { socket, next, net } = start()
    socket.start()
    ;(await next()).end(1006)
    socket.wake()
    await vi.advanceTimersByTimeAsync(0)
    expect(net.sockets).toHaveLength(2)
    socket.wake()
    await vi.advanceTimersByTimeAsync(60_000)
    // That one is being dialled still, and given up only when nothing comes of it.
    expect(net.sockets.length).toBeGreaterThan(2)
    expect(net.sockets[1]?.readyState).toBe(3)
  })

  test('[MUX4] a device that slept finds out at once whether its connection did', async () => {
    const { socket, next, net, statuses } = start()
    socket.start()
    ;(await next()).welcome()
    await vi.advanceTimersByTimeAsync(1000)
    socket.wake()
    socket.wake()
    expect(net.last().said.filter(({ type }) => type === 'token')).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    net.last().say({ type: 'token', expiresMs: Date.now() + 1e9 })
    await vi.advanceTimersByTimeAsync(5000)
    expect(statuses.at(-1)).toEqual({ phase: 'live' })
    socket.wake()
    await vi.advanceTimersByTimeAsync(5000)
    expect(statuses.at(-1)?.phase).toBe('offline')
  })

  test.each([-3_600_000, -86_400_000 * 30, 86_400_000])(
    '[MUX4] a clock that is set by %i ms hides no silence, and makes none',
    async (jumpMs) => {
      const { socket, next, statuses } = start()
      socket.start()
      const ws = await next()
      ws.welcome()
      vi.setSystemTime(Date.now() + jumpMs)
      await vi.advanceTimersByTimeAsync(limits.silenceMs - 1)
      expect(statuses.at(-1)).toEqual({ phase: 'live' })
      await vi.advanceTimersByTimeAsync(10_001)
      expect(statuses).toContainEqual({ phase: 'offline', reason: 'The connection was lost.' })
      ;(await next()).welcome()
      vi.setSystemTime(Date.now() - jumpMs)
      socket.wake()
      await vi.advanceTimersByTimeAsync(5000)
      expect(statuses.at(-1)?.phase).toBe('offline')
    },
  )

  test('[MUX4] what was heard in the moment before it asked answers no question', async () => {
    const { socket, next, statuses } = start()
    socket.start()
    const ws = await next()
    ws.welcome()
    ws.say({ type: 'beat' })
    socket.wake()
    await vi.advanceTimersByTimeAsync(5000)
    expect(statuses.at(-1)?.phase).toBe('offline')
  })

  test('[MUX1][MUX4] silence ends it; until then, and with every beat, channels are fed', async () => {
    const { socket, next, statuses } = start()
    const open = member(one)
    socket.join(open)
    const ws = await next()
    ws.welcome()
    ws.say({ type: 'opened', channel: 1, current: false })
    const sentBefore = ws.sent.length
    for (let beats = 0; beats < 10; beats++) {
      await vi.advanceTimersByTimeAsync(limits.heartbeatMs)
      ws.say({ type: 'beat' })
    }
    expect(statuses.at(-1)).toEqual({ phase: 'live' })
    const fed = open.events.filter((event) => event === 'fed').length
    // Never 30 s without, which is when a provider gives up.
    expect(fed).toBeGreaterThanOrEqual((10 * limits.heartbeatMs) / 20_000)
    expect(ws.sent).toHaveLength(sentBefore)
    await vi.advanceTimersByTimeAsync(limits.silenceMs - 1)
    expect(statuses.at(-1)).toEqual({ phase: 'live' })
    await vi.advanceTimersByTimeAsync(10_001)
    expect(statuses).toContainEqual({ phase: 'offline', reason: 'The connection was lost.' })
    expect(ws.readyState).toBe(3)
    expect(open.events.at(-1)).toBe('closed 1006 ')
  })

  test('[MUX4] a server that takes the socket and says nothing is not waited for', async () => {
    const { socket, next, statuses } = start()
    socket.start()
    ;(await next()).accept()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(statuses.at(-1)?.phase).toBe('offline')
  })
})

describe('refusals', () => {
  test.each([
    [4400, 'malformed'],
    [4403, 'no-access'],
    [4410, 'deleted'],
  ] as const)('[MUX4] %i (%s) is for good, for every channel', async (code, reason) => {
    const { socket, next, net, statuses } = start()
    const [open, waiting] = [member(one), member(two)]
    socket.join(open)
    socket.join(waiting)
    const ws = await next()
    ws.welcome()
    ws.say({ type: 'opened', channel: 1, current: false })
    ws.end(code, reason)
    await vi.advanceTimersByTimeAsync(600_000)
    expect(net.sockets).toHaveLength(1)
    expect(statuses.at(-1)).toEqual({ phase: 'refused', code: reason, reason: faults[reason].text })
    expect([open.events.at(-1), waiting.events.at(-1)]).toEqual([
      `closed ${code} ${reason}`,
      `closed ${code} ${reason}`,
    ])
  })

  test('[MUX4] a refused channel is over, and the others are not', async () => {
    const { socket, next, statuses } = start()
    const [first, second] = [member(one), member(two)]
    socket.join(first)
    socket.join(second)
    const ws = await next()
    ws.welcome()
    ws.say({ type: 'refused', channel: 1, code: 'not-found', reason: '' })
    ws.say({ type: 'opened', channel: 2, current: false })
    expect([first.events, second.events]).toEqual([['closed 4404 not-found'], ['opened']])
    expect(statuses.at(-1)).toEqual({ phase: 'live' })
  })

  test('[MUX4] a server of another protocol is told from one that is away', async () => {
    const { socket, next, net, statuses } = start()
    const waiting = member(one)
    socket.join(waiting)
    ;(await next()).accept('')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(net.sockets).toHaveLength(1)
    expect(net.last().sent).toEqual([])
    expect(statuses.at(-1)).toEqual({
      phase: 'refused',
      code: 'other-protocol',
      reason: 'The server does not speak parley.1.',
    })
    expect(waiting.events).toEqual(['closed 4400 other-protocol'])
  })

  test('[MUX4] the token of somebody else is no token', async () => {
    const { socket, next, statuses } = start()
    socket.start()
    ;(await next()).welcome('bob')
    expect(statuses.at(-1)).toMatchObject({ phase: 'refused', code: 'unauthenticated' })
  })

  test('[MUX4][WIPE2] what is told before the hello counts when that names this user, and is nothing when it does not', async () => {
    const { socket, next, net, news } = start()
    const gone = [{ conversation: one, code: 'no-access', wipe: true }] as const
    socket.start()
    const first = await next()
    first.accept()
    first.say({ type: 'activity', moved: [], gone })
    first.say({ type: 'hello', user: 'bob', expiresMs: 1e12 })
    expect(news).toEqual([])
    socket.start()
    const second = await next()
    expect(net.sockets).toHaveLength(2)
    second.accept()
    second.say({ type: 'activity', moved: [], gone: [{ ...gone[0], conversation: two }] })
    second.say({ type: 'hello', user: 'ann', expiresMs: 1e12 })
    expect(news).toEqual([[two]])
  })

  test('[MUX4] what is opened after a refusal tries once more', async () => {
    const { socket, next, net } = start()
    socket.start()
    ;(await next()).end(4403, 'no-access')
    const later = member(one)
    socket.join(later)
    await vi.advanceTimersByTimeAsync(0)
    expect(net.sockets).toHaveLength(2)
    net.last().welcome()
    net.last().say({ type: 'opened', channel: 1, current: false })
    expect(later.events).toEqual(['opened'])
  })
})

describe('tokens', () => {
  test('[AUTH1] one that was refused is renewed once, then it is not the token', async () => {
    const { socket, next, net, statuses } = start()
    socket.start()
    const first = await next()
    first.accept()
    first.end(4401, 'expired')
    const second = await next()
    expect(net.sockets).toHaveLength(2)
    second.accept()
    expect(second.said[0]).toMatchObject({ type: 'hello', token: 't2' })
    second.end(4401, 'unauthenticated')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(net.sockets).toHaveLength(2)
    expect(statuses.at(-1)).toEqual({ phase: 'refused', code: 'unauthenticated', reason: faults.unauthenticated.text })
  })

  test('[AUTH1] channels take an old token for a lost connection, and come back', async () => {
    const { socket, next } = start()
    const open = member(one)
    socket.join(open)
    const ws = await next()
    ws.welcome()
    ws.say({ type: 'opened', channel: 1, current: false })
    ws.end(4401, 'expired')
    expect(open.events.at(-1)).toBe('closed 1006 ')
  })

  test('[AUTH1] after a connection that lasted a refusal is renewed again, for years', async () => {
    const { socket, next, net } = start()
    socket.start()
    for (let day = 1; day <= 5; day++) {
      ;(await next()).welcome()
      await vi.advanceTimersByTimeAsync(20_000)
      net.last().end(4401, 'expired')
      await vi.advanceTimersByTimeAsync(0)
      expect(net.sockets).toHaveLength(day + 1)
    }
  })

  test('[AUTH1] one that cannot be renewed is refused at once', async () => {
    const { socket, next, statuses } = start({ tokens: { get: async () => 'only', renew: () => false } })
    socket.start()
    ;(await next()).welcome()
    await vi.advanceTimersByTimeAsync(20_000)
    sockets.at(-1)?.wake()
    expect(statuses.at(-1)).toEqual({ phase: 'live' })
    await next().then((ws) => ws.end(4401, 'expired'))
    expect(statuses.at(-1)).toEqual({ phase: 'refused', code: 'expired', reason: faults.expired.text })
  })

  test('[AUTH1] a live socket gets a new one a minute before the old one ends, again and again', async () => {
    const { socket, next } = start()
    socket.start()
    const ws = await next()
    ws.welcome('ann', Date.now() + 300_000)
    const said = (): readonly string[] =>
      ws.said.flatMap((message) => (message.type === 'token' ? [message.token] : []))
    /** Beats keep it alive. */
    const pass = async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= 20_000) {
        await vi.advanceTimersByTimeAsync(Math.min(20_000, left))
        ws.say({ type: 'beat' })
      }
    }
    await pass(239_000)
    expect(said()).toEqual([])
    await pass(1000)
    expect(said()).toEqual(['t2'])
    ws.say({ type: 'token', expiresMs: Date.now() + 300_000 })
    await pass(240_000)
    expect(said()).toEqual(['t2', 't3'])
    ws.end(1006)
    await vi.advanceTimersByTimeAsync(firstRetryMs)
    const again = await next()
    again.accept()
    expect(again.said[0]).toMatchObject({ type: 'hello', token: 't3' })
  })

  test('[AUTH1][MUX4] a token that never comes blocks nothing', async () => {
    let asked = 0
    const token = (): Promise<string> => (asked++ === 0 ? deferred<string>().promise : Promise.resolve('a.b.c'))
    const { socket, next, net, statuses } = start({ tokens: createTokenSource(token, Date.now, ann) })
    socket.start()
    await vi.advanceTimersByTimeAsync(15_000)
    expect(statuses.at(-1)).toEqual({ phase: 'offline', reason: 'No token came in time.' })
    await vi.advanceTimersByTimeAsync(firstRetryMs)
    ;(await next()).welcome()
    expect(net.sockets).toHaveLength(1)
    expect(statuses.at(-1)).toEqual({ phase: 'live' })
  })

  test('[AUTH1] one that cannot be had is asked for again before the end, and a far end is waited for', async () => {
    const get = vi
      .fn<() => Promise<string>>()
      .mockResolvedValueOnce('t1')
      .mockRejectedValueOnce(new Error('no network'))
    get.mockResolvedValue('t2')
    const { socket, next } = start({ tokens: { get, renew: () => true } })
    socket.start()
    const ws = await next()
    ws.welcome('ann', Date.now() + 100_000)
    const beat = setInterval(() => ws.say({ type: 'beat' }), 20_000)
    await vi.advanceTimersByTimeAsync(99_000)
    expect(ws.said.at(-1)).toEqual({ type: 'token', token: 't2' })
    ws.say({ type: 'token', expiresMs: Date.now() + 30 * 24 * 3_600_000 })
    const before = ws.said.length
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(ws.said).toHaveLength(before)
    clearInterval(beat)
  })

  test('[MUX4] one that cannot be had now is the reason, and is asked for again', async () => {
    const get = vi.fn<() => Promise<string>>().mockRejectedValueOnce(new Error('signed out')).mockResolvedValue('t')
    const { socket, net, statuses } = start({ tokens: { get, renew: () => true } })
    socket.start()
    await vi.advanceTimersByTimeAsync(0)
    expect(statuses.at(-1)).toEqual({ phase: 'offline', reason: 'signed out' })
    await vi.advanceTimersByTimeAsync(firstRetryMs)
    expect(net.sockets).toHaveLength(1)
  })
})

describe('closing', () => {
  test.each(['before it is dialled', 'while it is dialled', 'live', 'offline'])(
    '%s, nothing of it is left',
    async (when) => {
      const { socket, next, net, statuses } = start()
      socket.start()
      if (when !== 'before it is dialled') await next()
      if (when === 'live') net.last().welcome()
      if (when === 'offline') net.last().end(1006)
      socket.close()
      socket.close()
      expect(vi.getTimerCount()).toBe(0)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(net.sockets.filter(({ readyState }) => readyState !== 3)).toEqual([])
      expect(net.sockets.length).toBe(when === 'before it is dialled' ? 0 : 1)
      expect(statuses.at(-1)).toEqual({ phase: 'closed' })
      socket.wake()
      socket.join(member(one))
      await vi.advanceTimersByTimeAsync(60_000)
      expect(net.sockets.length).toBe(when === 'before it is dialled' ? 0 : 1)
    },
  )
})
