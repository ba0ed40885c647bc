// Whole clients against a whole server in this process, over real sockets: what the one socket carries, and what it costs.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { WebSocket as NodeWebSocket } from 'ws'

import type { ChatClient, Conversation } from '../../client/api.ts'
import { createClient } from '../../client/chat-client.ts'
import type { ChatClientOptions } from '../../client/client-options.ts'
import { createChatClient } from '../../client/node.ts'
import type { ClientStorage } from '../../client/storage/client-storage.ts'
import { limits } from '../../shared/limits.ts'
import { type ClientControl, parseClientControl, parseServerControl } from '../../shared/sync/control.ts'
import { parseFrame } from '../../shared/sync/frame.ts'
import { restClient, signByHand } from '../contract/rest/rest-client.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { conversationId, message, row } from '../helpers/client-rows.ts'
import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { keepingMemory } from '../helpers/open-rig.ts'
import { startTestServer, type TestServer } from '../helpers/running-server.ts'
import { when } from '../helpers/when.ts'

let server: TestServer
let folder: string
const clients: ChatClient[] = []

beforeAll(async () => {
  server = await startTestServer()
  folder = await mkdtemp(join(tmpdir(), 'parley-mux-client-'))
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

/** Ends in an hour, or when it is said. */
function token(user: string, inSeconds = 3600): string {
  return signByHand({ claims: { sub: user, exp: Math.floor(Date.now() / 1000) + inSeconds }, secret: server.secret })
}

/** What went over a client's sockets. */
interface Traffic {
  readonly sent: Uint8Array[]
  readonly received: Uint8Array[]
  sockets: number
}

function bytesOf(frames: readonly Uint8Array[]): number {
  return frames.reduce((sum, { length }) => sum + length, 0)
}

function saidBy(traffic: Traffic): ClientControl['type'][] {
  return traffic.sent.flatMap((bytes) => {
    const frame = parseFrame(bytes)
    if (frame.kind === 'malformed' || frame.channel !== 0) return []
    const { type } = parseClientControl(frame.content)
    return type === 'malformed' ? [] : [type]
  })
}

/** A client on a store that a test keeps, whose traffic is written down. */
function start(
  user: string,
  storage: ClientStorage,
  more: Partial<ChatClientOptions> = {},
  now: () => number = Date.now,
): { readonly client: ChatClient; readonly traffic: Traffic } {
  const traffic: Traffic = { sent: [], received: [], sockets: 0 }
  class Watched extends NodeWebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols)
      traffic.sockets++
      this.on('message', (data: ArrayBuffer) => traffic.received.push(new Uint8Array(data)))
    }

    override send(data: Uint8Array): void {
      traffic.sent.push(Uint8Array.from(data))
      super.send(data)
    }
  }
  const client = createClient(
    { url: server.url, user, token: async () => token(user), ...more },
    {
      openStorage: async () => storage,
      WebSocket: Watched as unknown as typeof WebSocket,
      broadcast: false,
      fetch: globalThis.fetch,
      now,
      dropExitListener: (listener) => process.off('exit', listener),
    },
  )
  clients.push(client)
  return { client, traffic }
}

function onDisk(user: string, url = server.url): ChatClient {
  const client = createChatClient({ url, user, token: async () => token(user), folder })
  clients.push(client)
  return client
}

function upToDate({ background }: ChatClient): Promise<unknown> {
  return when(background.status, ({ phase }) => phase === 'current')
}

function sent(conversation: Conversation): readonly string[] {
  const messages = conversation.messages.getSnapshot()
  return messages.flatMap(({ content, delivery }) => ('seq' in delivery ? [content] : []))
}

function hasSent(conversation: Conversation, ...contents: readonly string[]): Promise<unknown> {
  return when(conversation.messages, () => contents.every((content) => sent(conversation).includes(content)))
}

function isLive({ status }: Conversation): Promise<unknown> {
  return when(status, ({ connection }) => connection.phase === 'live')
}

/** Until the server has told of all that moved before: it gathers that for a moment, and tells of what comes last with it. */
async function allIsTold(client: ChatClient, user: string): Promise<void> {
  const rest = restClient(server)
  const path = `/api/conversations/${conversationId(0xa000)}`
  const body = { role: 'user', content: 'the last of all' }
  expect((await rest('PUT', path, { token: token(user) })).status).toBe(201)
  expect((await rest('POST', `${path}/messages`, { token: token(user), body })).status).toBe(201)
  await when(client.conversations, (list) => list.some(({ lastMessage }) => lastMessage === body.content))
  await upToDate(client)
}

describe('offline reading', () => {
  test('[BACK1] what others wrote while one was away can be read offline, without ever having been opened', async () => {
    const bob = onDisk('bob')
    // Two that ann has opened before, and three that she never saw.
    const made: Conversation[] = []
    for (let count = 0; count < 2; count++) {
      made.push(await bob.create({ title: `Pier ${count}`, members: [{ user: 'ann', access: 'writer' }] }))
      made[count]?.send(`first ${count}`)
    }
    await Promise.all(made.map((conversation, count) => hasSent(conversation, `first ${count}`)))
    const before = onDisk('ann')
    for (const { id } of made) await isLive(await before.open(id))
    await before.close()
    for (let count = 2; count < 5; count++)
      made.push(await bob.create({ title: `Pier ${count}`, members: [{ user: 'ann', access: 'writer' }] }))
    for (const [count, conversation] of made.entries()) conversation.send(`second ${count}`)
    await Promise.all(made.map((conversation, count) => hasSent(conversation, `second ${count}`)))

    const ann = onDisk('ann')
    await upToDate(ann)
    await ann.close()
    // Nothing answers there.
    const offline = createChatClient({
      url: server.url,
      user: 'ann',
      token: () => new Promise(() => undefined),
      folder,
    })
    clients.push(offline)
    const shown: (readonly string[])[] = []
    for (const { id } of made) shown.push(sent(await offline.open(id)))
    expect(shown).toEqual([['first 0', 'second 0'], ['first 1', 'second 1'], ['second 2'], ['second 3'], ['second 4']])
    const titles = offline.conversations.getSnapshot().map(({ title, unread }) => `${title}: ${unread}`)
    expect(titles.toSorted()).toEqual(['Pier 0: 2', 'Pier 1: 2', 'Pier 2: 1', 'Pier 3: 1', 'Pier 4: 1'])
  })

  test('[BACK1] a line moves, and its conversation is brought, while nobody has it open', async () => {
    const [cat, dan] = [start('cat', keepingMemory()).client, start('dan', keepingMemory()).client]
    const made = await cat.create({ members: [{ user: 'dan', access: 'writer' }] })
    made.send('one')
    await when(dan.conversations, (list) => list[0]?.lastMessage === 'one' && list[0].unread === 1)
    await upToDate(dan)
    const opened = await dan.open(made.id)
    // At once, from this device.
    expect(sent(opened)).toEqual(['one'])
  })

  test('[BACK1][MEMBER2] one that was deleted is listed as gone', async () => {
    const rest = restClient(server)
    const { client } = start('eve', keepingMemory())
    const owner = start('fay', keepingMemory()).client
    const [gone, stays] = await Promise.all([
      owner.create({ members: [{ user: 'eve', access: 'writer' }] }),
      owner.create({ members: [{ user: 'eve', access: 'writer' }] }),
    ])
    gone.send('a')
    stays.send('b')
    await when(client.conversations, (list) => list.length === 2)
    await upToDate(client)
    const answer = await rest('DELETE', `/api/conversations/${gone.id}`, { token: token('fay') })
    expect(answer.status).toBe(204)
    const isGone = ({ gone: why }: { readonly gone?: string }): boolean => why === 'deleted'
    const list = await when(client.conversations, (lines) => lines.some(isGone))
    expect(list.filter(isGone).map(({ id }) => id)).toEqual([gone.id])
    expect(list.map(({ id }) => id)).toContain(stays.id)
  })
})

describe('coming back', () => {
  test(
    '[MUX2] with 500 conversations of which none moved it is one frame each way, and with three that moved little more',
    { timeout: 120_000 },
    async () => {
      const rest = restClient(server)
      const count = 500
      const ids = Array.from({ length: count }, (_, index) => conversationId(0x5000 + index))
      const write = async (id: string, content: string): Promise<void> => {
        const body = { role: 'user', content }
        expect((await rest('POST', `/api/conversations/${id}/messages`, { token: token('gus'), body })).status).toBe(
          201,
        )
      }
      for (let from = 0; from < count; from += 50) {
        await Promise.all(
          ids.slice(from, from + 50).map(async (id) => {
            const made = await rest('PUT', `/api/conversations/${id}`, { token: token('gus') })
            expect(made.status).toBe(201)
          }),
        )
      }
      await write(ids[7] ?? '', 'before')
      const storage = keepingMemory()
      const first = start('gus', storage)
      await upToDate(first.client)
      await first.client.close()
      expect((await storage.conversations()).filter(({ version }) => version !== undefined)).toHaveLength(count)

      const second = start('gus', storage)
      await upToDate(second.client)
      const { traffic } = second
      await second.client.close()
      console.log(`500 unchanged: ${bytesOf(traffic.sent)} bytes up, ${bytesOf(traffic.received)} bytes down`)
      expect(saidBy(traffic)).toEqual(['hello'])
      expect([traffic.sockets, traffic.sent.length, traffic.received.length]).toEqual([1, 1, 1])
      // A token, and for each conversation its id and two numbers.
      expect(bytesOf(traffic.sent)).toBeLessThan(1000 + count * 60)
      expect(bytesOf(traffic.received)).toBeLessThan(200)

      const moved = ids.slice(0, 3)
      for (const id of moved) await write(id, 'after')
      const third = start('gus', storage)
      await upToDate(third.client)
      const opened = saidBy(third.traffic).filter((type) => type === 'open')
      console.log(`3 moved: ${bytesOf(third.traffic.received)} bytes down`)
      expect([third.traffic.sockets, opened]).toEqual([1, moved.map(() => 'open')])
      expect(bytesOf(third.traffic.received)).toBeLessThan(1000 * moved.length)
      for (const id of moved) expect(sent(await third.client.open(id))).toEqual(['after'])
    },
  )

  test('[MUX2] what is open and unchanged costs no more than its version either', async () => {
    const storage = keepingMemory()
    const proxy = await CuttingProxy.start(() => server.url)
    const { client, traffic } = start('hal', storage, { url: proxy.url })
    const made = await Promise.all(Array.from({ length: 20 }, () => client.create()))
    for (const [index, conversation] of made.entries()) conversation.send(`message ${index}`)
    await Promise.all(made.map((conversation, index) => hasSent(conversation, `message ${index}`)))
    await allIsTold(client, 'hal')
    proxy.cut()
    await Promise.all(made.map(({ status }) => when(status, ({ connection }) => connection.phase === 'offline')))
    traffic.sent.length = 0
    traffic.received.length = 0
    proxy.heal()
    await Promise.all(made.map(isLive))
    const wire = traffic.sent.filter((bytes) => {
      const frame = parseFrame(bytes)
      return frame.kind === 'frame' && frame.channel > 0
    })
    expect(saidBy(traffic)).toEqual(['hello', ...made.map(() => 'open')])
    expect(wire).toEqual([])
    expect(bytesOf(traffic.received)).toBeLessThan(200 + made.length * 60)
    await client.close()
    await proxy.close()
  })

  test('[MUX4][CLIENT2] cut off again and again, nothing is lost, and one socket comes back', async () => {
    const proxy = await CuttingProxy.start(() => server.url)
    const [ida, jon] = [start('ida', keepingMemory(), { url: proxy.url }), start('jon', keepingMemory())]
    const idas = await Promise.all(
      Array.from({ length: 5 }, () => ida.client.create({ members: [{ user: 'jon', access: 'writer' }] })),
    )
    await Promise.all(idas.map(isLive))
    const jons = await Promise.all(idas.map(({ id }) => jon.client.open(id)))
    await Promise.all(jons.map(isLive))
    const all: string[] = []
    for (let round = 0; round < 4; round++) {
      const before = ida.traffic.sockets
      proxy.cut()
      for (const [index, conversation] of idas.entries()) {
        all.push(`i${round}`, `j${round}`)
        conversation.send(`i${round}`)
        jons[index]?.send(`j${round}`)
      }
      await Promise.all(idas.map(({ status }) => when(status, ({ connection }) => connection.phase !== 'live')))
      const lost = proxy.counts.sockets
      proxy.heal()
      const expected = [...new Set(all)]
      await Promise.all([...idas, ...jons].map((conversation) => hasSent(conversation, ...expected)))
      expect(proxy.counts.sockets).toBe(lost + 1)
      expect(ida.traffic.sockets).toBeGreaterThan(before)
    }
    for (const [index, conversation] of idas.entries()) {
      const other = jons[index]
      expect(other && sent(other)).toEqual(sent(conversation))
      expect(sent(conversation)).toHaveLength(8)
    }
    await ida.client.close()
    await proxy.close()
  })

  test('[SYNC9][MUX1] 5,000 entries and 12 of 100 KB, written offline, go up in frames that are not too long', async () => {
    const storage = keepingMemory()
    const id = conversationId(0x6000)
    expect((await restClient(server)('PUT', `/api/conversations/${id}`, { token: token('kim') })).status).toBe(201)
    const contents = Array.from(
      { length: 5012 },
      (_, count) => `message ${count} ${'x'.repeat(count < 5000 ? 0 : 100_000)}`,
    )
    const rows = contents.map((content, clock) => row(77, clock, message(clock + 1, content)))
    const doc = createDoc(77)
    const cache = await storage.openDocument(id, doc)
    append(
      doc,
      'kim',
      rows.map(({ payload }) => payload),
    )
    for (const each of rows) await storage.putOutbox(id, each)
    await cache.close()

    const { client, traffic } = start('kim', storage)
    const opened = await client.open(id)
    await when(opened.status, ({ connection, pending }) => connection.phase === 'live' && pending === 0)
    expect(sent(opened)).toHaveLength(5012)
    expect(Math.max(...traffic.sent.map(({ length }) => length))).toBeLessThanOrEqual(limits.frameBytes)
    expect(bytesOf(traffic.sent)).toBeGreaterThan(1_500_000)
    expect(traffic.sockets).toBe(1)
    // And another device of the same user gets it.
    const elsewhere = start('kim', keepingMemory())
    await upToDate(elsewhere.client)
    const there = await elsewhere.client.open(id)
    while ((await there.loadOlder(limits.pageMessages)) > 0);
    expect(sent(there)).toEqual(sent(opened))
  })
})

describe('tokens', () => {
  test('[MUX4][AUTH1] an expired one is fetched anew, and one that cannot be is a refusal with its reason', async () => {
    const tokens = [token('lee', -3600)]
    const fetched = vi.fn<() => Promise<string>>(async () => tokens.shift() ?? token('lee'))
    // The device's clock is behind: it takes the token for a good one.
    const { client, traffic } = start('lee', keepingMemory(), { token: fetched }, () => Date.now() - 7_200_000)
    await upToDate(client)
    expect(fetched).toHaveBeenCalledTimes(2)
    expect([traffic.sockets, saidBy(traffic)]).toEqual([2, ['hello', 'hello']])
    const conversation = await client.create()
    await isLive(conversation)

    const stuck = start('lee', keepingMemory(), { token: token('lee', -3600) })
    const refused = await stuck.client.open(conversation.id)
    const { connection } = await when(refused.status, (status) => status.connection.phase === 'refused')
    expect(connection).toMatchObject({ phase: 'refused', code: 'expired' })
    expect(stuck.traffic.sockets).toBe(1)
  })

  test('[MUX4][AUTH1] the token of a live socket is renewed on it, before it ends', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      // Good for 10 s more, with the leeway that clocks are given.
      const tokens = [token('mia', 10 - limits.tokenLeewaySeconds)]
      const { client, traffic } = start('mia', keepingMemory(), { token: async () => tokens.shift() ?? token('mia') })
      await when(client.background.status, ({ phase }) => phase === 'current')
      await vi.advanceTimersByTimeAsync(6000)
      await vi.waitFor(() => {
        const last = traffic.received.at(-1)
        const frame = last && parseFrame(last)
        expect(frame?.kind === 'frame' && parseServerControl(frame.content).type).toBe('token')
      })
      expect(saidBy(traffic)).toEqual(['hello', 'token'])
      // The first one has ended by now.
      await vi.advanceTimersByTimeAsync(60_000)
      expect(client.background.status.getSnapshot().phase).toBe('current')
      expect(traffic.sockets).toBe(1)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('the stock transport', () => {
  test('[SYNC1][CLIENT2] can be asked for: a socket for each conversation', async () => {
    const { client, traffic } = start('ned', keepingMemory(), { transport: 'stock' })
    const [first, second] = await Promise.all([client.create(), client.create()])
    first.send('a')
    second.send('b')
    await Promise.all([hasSent(first, 'a'), hasSent(second, 'b')])
    expect(traffic.sockets).toBe(2)
    const { client: other } = start('ned', keepingMemory())
    await upToDate(other)
    expect(sent(await other.open(first.id))).toEqual(['a'])
  })
})

describe('in Node', () => {
  test('[MUX1] dozens of open conversations leave no listener on the process, and no warning', async () => {
    const warnings: Error[] = []
    const note = (warning: Error): void => void warnings.push(warning)
    process.on('warning', note)
    const before = process.listenerCount('exit')
    const client = onDisk('oda')
    const made = await Promise.all(Array.from({ length: 24 }, () => client.create()))
    await Promise.all(made.map(isLive))
    expect(process.listenerCount('exit')).toBe(before)
    await client.close()
    process.off('warning', note)
    expect(warnings.filter(({ name }) => name === 'MaxListenersExceededWarning')).toEqual([])
  })
})
