// How the server ends a socket, and what an unmodified provider makes of it: 44xx stop it, everything else brings it back.
import { randomInt } from 'node:crypto'

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { encodeEntry } from '../../shared/chat/entry.ts'
import { limits } from '../../shared/limits.ts'
import { encodeStateVector } from '../../shared/sync/state-vector.ts'
import { encodeStep1, encodeUpdateMessage } from '../../shared/sync/wire.ts'
import { base64url, signByHand } from '../contract/rest/rest-client.ts'
import { append, createDoc, userId } from '../helpers/chain-doc.ts'
import { RawSocket, upgradeStatus } from '../helpers/raw-socket.ts'
import { rawUpgrade } from '../helpers/raw-upgrade.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { type Close, messageEntry, StockClient, type StockClientOptions } from '../helpers/stock-client.ts'
import { wholeHistory } from '../helpers/whole-history.ts'

const secret = 'a secret for tests, long enough for it'
const listed = 'https://chat.example.org'

/** In demo mode. */
let server: ServerProcess
/** With a secret, so that tokens of any kind can be made. */
let strict: ServerProcess
const clients: StockClient[] = []

beforeAll(async () => {
  server = await startServerProcess()
  strict = await startServerProcess({ PARLEY_JWT_SECRET: secret, PARLEY_ORIGINS: listed })
})
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy()
})
afterAll(async () => {
  await Promise.all([server.dispose(), strict.dispose()])
})

async function join(conversation: string, user: string, more: Partial<StockClientOptions> = {}): Promise<StockClient> {
  const client = new StockClient({ url: server.url, conversation, user, token: await server.token(user), ...more })
  clients.push(client)
  return client
}

function tokenFor(user: string, secondsLeft: number): string {
  return signByHand({ claims: { sub: user, exp: Math.floor(Date.now() / 1000) + secondsLeft }, secret })
}

/** In the strict server. */
async function createStrictly(owner: string): Promise<string> {
  const answer = await fetch(`${strict.url}/api/conversations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tokenFor(owner, 60)}` },
  })
  return ((await answer.json()) as { id: string }).id
}

/** With what a provider was stopped; it was closed once and does not come back. */
async function endOf(client: StockClient): Promise<Close> {
  const end = await client.ended()
  expect(client.provider.shouldConnect).toBe(false)
  expect(client.closes).toEqual([end])
  return end
}

describe('who is not known', () => {
  const now = (): number => Math.floor(Date.now() / 1000)

  test.each<readonly [string, () => string | undefined, string]>([
    ['no token', () => undefined, 'unauthenticated'],
    ['an empty token', () => '', 'unauthenticated'],
    ['garbage', () => 'garbage', 'unauthenticated'],
    ['three parts of garbage', () => 'a.b.c', 'unauthenticated'],
    ['an expired token', () => tokenFor('ann', -31), 'expired'],
    [
      'another secret',
      () => signByHand({ claims: { sub: 'ann', exp: now() + 60 }, secret: 'x'.repeat(32) }),
      'unauthenticated',
    ],
    [
      'alg none',
      () => `${base64url({ alg: 'none' })}.${base64url({ sub: 'ann', exp: now() + 60 })}.`,
      'unauthenticated',
    ],
    ['no exp', () => signByHand({ claims: { sub: 'ann' }, secret }), 'unauthenticated'],
    ['a user id that is none', () => tokenFor('a/b', 60), 'unauthenticated'],
  ])('[SYNC3][AUTH1] %s: 4401, and the provider stops', async (_name, token, reason) => {
    const conversation = await createStrictly('ann')
    const offered = token()
    const protocols = ['yjs', ...(offered === undefined ? [] : [`bearer.${offered}`])]
    const socket = new RawSocket({ url: strict.url, room: conversation, protocols })
    expect(await socket.closed).toEqual({ code: 4401, reason })
    expect(socket.frames).toEqual([])
    const client = await join(conversation, 'ann', { url: strict.url, token: offered ?? '' })
    client.provider.protocols = protocols
    expect(await endOf(client)).toEqual({ code: 4401, reason })
  })

  test('[SYNC3][AUTH1] a token that ends on a live socket: 4401 at that moment, and the provider stops', async () => {
    const conversation = await createStrictly('ann')
    // Expired, and within the leeway of 30 s: it ends within two seconds.
    const token = tokenFor('ann', -28)
    const client = await join(conversation, 'ann', { url: strict.url, token })
    await client.synced()
    client.say('still here')
    await client.sent()
    expect(await endOf(client)).toEqual({ code: 4401, reason: 'expired' })
    const late = await join(conversation, 'ann', { url: strict.url, token })
    expect(await endOf(late)).toEqual({ code: 4401, reason: 'expired' })
  })
})

describe('who may not', () => {
  test('[SYNC3] someone who is no member: 4403', async () => {
    const conversation = await server.createConversation('ann')
    expect(await endOf(await join(conversation, 'eve'))).toEqual({ code: 4403, reason: 'no-access' })
  })

  test('[SYNC3][MEMBER1] a member who is removed while connected: 4403 at once, and nobody else is', async () => {
    const conversation = await server.createConversation('ann', 'bob', 'eve')
    const [ann, bob, secondOfBob, eve] = await Promise.all(
      ['ann', 'bob', 'bob', 'eve'].map(async (user) => join(conversation, user)),
    )
    if (!ann || !bob || !secondOfBob || !eve) throw new Error('not four')
    await Promise.all([ann, bob, secondOfBob, eve].map(async (client) => client.synced()))
    const removed = await server.rest('ann', 'DELETE', `/api/conversations/${conversation}/members/bob`)
    expect(removed.status).toBe(204)
    const removedEnd = { code: 4403, reason: 'no-access' }
    expect(await Promise.all([endOf(bob), endOf(secondOfBob)])).toEqual([removedEnd, removedEnd])
    bob.say('nobody hears this')
    eve.say('bob is gone')
    await ann.until('eve is heard', () => ann.sentTexts().length === 1)
    expect(ann.texts()).toEqual(['bob is gone'])
    expect(await endOf(await join(conversation, 'bob', { doc: bob.doc }))).toEqual({ code: 4403, reason: 'no-access' })

    // Back in, what bob had pending is taken.
    await server.rest('ann', 'PUT', `/api/conversations/${conversation}/members/bob`, { access: 'writer' })
    const again = await join(conversation, 'bob', { doc: bob.doc })
    await again.sent()
    await ann.until('bob is heard', () => ann.sentTexts().length === 2)
  })

  test('[SYNC3][MEMBER1] a member removed over a socket is closed too', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const [ann, bob] = await Promise.all([join(conversation, 'ann'), join(conversation, 'bob')])
    await Promise.all([ann.synced(), bob.synced()])
    ann.append(encodeEntry({ kind: 'member', user: userId('bob'), access: null }))
    expect(await endOf(bob)).toEqual({ code: 4403, reason: 'no-access' })
    await ann.sent()
    expect([...ann.view().members.keys()]).toEqual(['ann'])
  })

  test('[SYNC3][MEMBER1] who leaves is closed, and may not come back by themselves', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const bob = await join(conversation, 'bob')
    await bob.synced()
    bob.append(encodeEntry({ kind: 'member', user: userId('bob'), access: null }))
    expect(await endOf(bob)).toEqual({ code: 4403, reason: 'no-access' })
  })
})

describe('what is not there', () => {
  test.each(['0190a000-0000-7000-8000-000000000000', 'garbage', '%00', 'x'.repeat(2000)])(
    '[SYNC3] no conversation "%s": 4404',
    async (id) => {
      const socket = new RawSocket({ url: server.url, room: id, token: await server.token('ann') })
      expect(await socket.closed).toEqual({ code: 4404, reason: 'not-found' })
      expect(await endOf(await join(id, 'ann'))).toEqual({ code: 4404, reason: 'not-found' })
    },
  )

  test('[SYNC3] a conversation that is deleted while open: 4410, and so is every later attempt', async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const [ann, bob] = await Promise.all([join(conversation, 'ann'), join(conversation, 'bob')])
    await Promise.all([ann.synced(), bob.synced()])
    expect((await server.rest('ann', 'DELETE', `/api/conversations/${conversation}`)).status).toBe(204)
    const end = { code: 4410, reason: 'deleted' }
    expect(await Promise.all([ann, bob].map(endOf))).toEqual([end, end])
    expect(await endOf(await join(conversation, 'bob'))).toEqual({ code: 4410, reason: 'deleted' })
    expect(await endOf(await join(conversation, 'eve'))).toEqual({ code: 4410, reason: 'deleted' })
  })
})

describe('who is wrong', () => {
  test.each<readonly [string, Uint8Array | string]>([
    ['no bytes', new Uint8Array()],
    ['text', 'hello'],
    ['an unknown message', Uint8Array.of(9, 0)],
    ['an unknown sync message', Uint8Array.of(0, 3, 0)],
    ['a state vector that lies', Uint8Array.of(0, 0, 1, 200)],
    ['an update cut short', Uint8Array.of(0, 2, 3, 1, 1, 5)],
    ['two messages in a frame', Uint8Array.of(0, 0, 1, 0, 0, 0, 1, 0)],
  ])('[SYNC3] a malformed frame, %s: 4400', async (_name, frame) => {
    const conversation = await server.createConversation('ann', 'bob')
    const bob = await join(conversation, 'bob')
    await bob.synced()
    const socket = new RawSocket({ url: server.url, room: conversation, token: await server.token('ann') })
    await socket.next('step1')
    socket.send(frame)
    expect(await socket.closed).toEqual({ code: 4400, reason: 'malformed' })
    bob.say('undisturbed')
    await bob.sent()
    expect(bob.closes).toEqual([])
  })

  test("[SYNC3] a clientID that is another user's: 4409 client-taken", async () => {
    const conversation = await server.createConversation('ann', 'bob')
    const bob = await join(conversation, 'bob')
    bob.say('mine')
    await bob.sent()
    const doc = createDoc(bob.doc.clientID)
    append(doc, 'ann', [encodeEntry(messageEntry('mine too'))])
    const socket = new RawSocket({ url: server.url, room: conversation, token: await server.token('ann') })
    await socket.next('step1')
    socket.send(encodeUpdateMessage(Y.encodeStateAsUpdate(doc)))
    expect(await socket.closed).toEqual({ code: 4409, reason: 'client-taken' })
  })

  test('[SYNC3][SYNC8] other bytes at a clock that is taken: 4409 forked, and the provider stops', async () => {
    const conversation = await server.createConversation('ann')
    const first = await join(conversation, 'ann')
    first.say('the first')
    await first.sent()
    // A device that lost its document and typed under its old id before anything came back.
    const second = await join(conversation, 'ann', { doc: createDoc(first.doc.clientID), connect: false })
    second.atOpen(() => second.say('another first'))
    second.provider.connect()
    expect(await endOf(second)).toEqual({ code: 4409, reason: 'forked' })
    expect(first.closes).toEqual([])
    expect(first.texts()).toEqual(['the first'])
  })

  test('[SYNC3] a device that has seen more than the server holds: 4409 server-behind, and it can force nothing', async () => {
    const own = await startServerProcess()
    const conversation = await own.createConversation('ann')
    const token = await own.token('ann')
    const start = (): StockClient => {
      const client = new StockClient({ url: own.url, conversation, user: 'ann', token })
      clients.push(client)
      return client
    }
    await own.stop()
    const restore = await own.backup()
    await own.start()
    const ahead = start()
    ahead.say('after the backup')
    await ahead.sent()
    await own.stop()
    await restore()
    await own.start()
    await expectClosedLast(ahead, 4409, 'server-behind')
    const fresh = start()
    await fresh.synced()
    expect(fresh.texts()).toEqual([])
    await own.dispose()
  })

  async function expectClosedLast(client: StockClient, code: number, reason: string): Promise<void> {
    expect(await client.ended()).toEqual({ code, reason })
    expect(client.closes[0]?.code).toBe(1012)
    expect(client.closes.at(-1)?.code).toBe(code)
  }
})

describe('what passes', () => {
  test('[SYNC3][PROC2] SIGTERM: 1012 for everybody, the process ends with 0, and providers come back', async () => {
    const own = await startServerProcess()
    const conversation = await own.createConversation('ann', 'bob')
    const start = async (user: string): Promise<StockClient> => {
      const client = new StockClient({ url: own.url, conversation, user, token: await own.token(user) })
      clients.push(client)
      await client.synced()
      return client
    }
    const both = [await start('ann'), await start('bob')]
    expect(await own.stop()).toEqual({ code: 0, signal: null })
    await Promise.all(both.map(async (client) => client.until('closed', () => client.closes.length > 0)))
    expect(both.map(({ closes }) => closes[0])).toEqual([
      { code: 1012, reason: 'restart' },
      { code: 1012, reason: 'restart' },
    ])
    expect(both.map(({ hasEnded }) => hasEnded)).toEqual([false, false])
    await own.start()
    await Promise.all(both.map(async (client) => client.synced()))
    expect(own.stderr).not.toContain('"level":5')
    await own.dispose()
  })

  test('[SYNC3][PROC2] SIGTERM in the middle of a backlog ends with 0 and without an error; the rest comes after', async () => {
    const own = await startServerProcess()
    const conversation = await own.createConversation('ann')
    const doc = createDoc(randomInt(2 ** 32))
    const count = 12_000
    append(
      doc,
      'ann',
      Array.from({ length: count }, (_, index) => encodeEntry(messageEntry(`${index}`))),
    )
    const ann = new StockClient({ url: own.url, conversation, user: 'ann', token: await own.token('ann'), doc })
    clients.push(ann)
    const stamped = (): number => ann.folded.fold().stampedThrough(ann.client)
    await ann.until('the first slice is stamped', () => stamped() > 0)
    const exit = await own.stop()
    const stampedBefore = stamped()
    expect(exit).toEqual({ code: 0, signal: null })
    expect(own.stderr).not.toMatch(/"level":(50|60)/)
    expect(stampedBefore).toBeLessThan(count)
    await own.start()
    await ann.sent()
    const all = await wholeHistory(own, 'ann', conversation)
    expect(all.map(({ content }) => content)).toEqual(Array.from({ length: count }, (_, index) => `${index}`))
    await own.dispose()
  })

  test('[SYNC3][AUTH2] a spent, an expired and an unknown ticket: 4502, and the provider tries again', async () => {
    const conversation = await server.createConversation('ann')
    const ticketFor = async (user: string): Promise<string> => {
      const { status, body } = await server.rest(user, 'POST', '/api/tickets')
      expect(status).toBe(201)
      return (body as { ticket: string }).ticket
    }
    const ticket = await ticketFor('ann')
    const ann = await join(conversation, 'ann', { params: { ticket } })
    await ann.synced()
    ann.say('by ticket')
    await ann.sent()
    expect(ann.view().sent.map(({ user }) => user)).toEqual(['ann'])

    const second = new RawSocket({ url: server.url, room: `${conversation}?ticket=${ticket}` })
    expect(await second.closed).toEqual({ code: 4502, reason: 'unknown-ticket' })
    // A bearer beside it does not make it good.
    const both = new RawSocket({
      url: server.url,
      room: `${conversation}?ticket=unknown`,
      token: await server.token('ann'),
    })
    expect(await both.closed).toEqual({ code: 4502, reason: 'unknown-ticket' })

    const again = await join(conversation, 'ann', { params: { ticket } })
    await again.until('refused twice', () => again.closes.length >= 2)
    expect(again.closes.slice(0, 2).map(({ code }) => code)).toEqual([4502, 4502])
    expect(again.hasEnded).toBe(false)
    again.provider.params = { ticket: await ticketFor('ann') }
    await again.synced()

    // It says who is asking, nothing more.
    const eve = await join(conversation, 'eve', { params: { ticket: await ticketFor('eve') } })
    expect(await endOf(eve)).toEqual({ code: 4403, reason: 'no-access' })
  })
})

describe('the upgrade', () => {
  test('[AUTH1] the subprotocol yjs is chosen, and the token comes back nowhere', async () => {
    const conversation = await server.createConversation('ann')
    const token = await server.token('ann')
    for (const protocols of [
      ['yjs', `bearer.${token}`],
      [`bearer.${token}`, 'yjs'],
    ]) {
      const socket = new RawSocket({ url: server.url, room: conversation, protocols })
      const headers = await socket.upgraded
      expect(headers['sec-websocket-protocol']).toBe('yjs')
      expect(JSON.stringify(headers)).not.toContain(token.slice(-20))
      await socket.next('step1')
      expect(socket.protocol).toBe('yjs')
      await socket.close()
    }
  })

  test('[HTTP1] an origin that is not listed is refused with 403; none, the own and a listed one are not', async () => {
    const conversation = await createStrictly('ann')
    const token = tokenFor('ann', 60)
    const statusFor = async (origin?: string): Promise<number | undefined> =>
      upgradeStatus({ url: strict.url, room: conversation, token, client: origin === undefined ? {} : { origin } })
    expect(await statusFor()).toBeUndefined()
    expect(await statusFor(strict.url)).toBeUndefined()
    expect(await statusFor(listed)).toBeUndefined()
    for (const origin of [
      'https://evil.example',
      'null',
      'http://chat.example.org',
      strict.url.replace('127.', '128.'),
    ]) {
      expect([origin, await statusFor(origin)]).toEqual([origin, 403])
    }
  })

  test('[HTTP1][AUTH3] in demo mode a name that was pointed at this machine is refused', async () => {
    const conversation = await server.createConversation('ann')
    const token = await server.token('ann')
    const status = await upgradeStatus({
      url: server.url,
      room: conversation,
      token,
      client: { headers: { host: 'evil.example' }, origin: 'http://evil.example' },
    })
    expect(status).toBe(403)
  })

  test('[PROC4] an upgrade to anything else is refused, and harms nobody', async () => {
    const conversation = await server.createConversation('ann')
    const ann = await join(conversation, 'ann')
    await ann.synced()
    for (const path of ['/', '/sync/', `/sync/${conversation}/more`, '/api/conversations', '/other']) {
      const { status } = await rawUpgrade(server.url, path)
      expect([path, status]).toEqual([path, 404])
    }
    // The multiplexed endpoint, in a protocol that it does not speak.
    expect((await rawUpgrade(server.url, '/sync')).status).toBe(400)
    for (const target of ['//', '///', 'http://[', '*', '//[', `http://127.0.0.1/sync/${conversation}`]) {
      await rawUpgrade(server.url, target)
    }
    ann.say('still there')
    await ann.sent()
    expect(ann.closes).toEqual([])
  })

  test('[SYNC3] a step1 is not read before the token is proved', async () => {
    const conversation = await server.createConversation('ann')
    const socket = new RawSocket({ url: server.url, room: conversation, protocols: ['yjs', 'bearer.garbage'] })
    await socket.opened()
    socket.send(encodeStep1(encodeStateVector(new Map())))
    expect(await socket.closed).toEqual({ code: 4401, reason: 'unauthenticated' })
    expect(socket.frames).toEqual([])
  })
})

test('[SYNC3][SYNC9] a frame of more than 64 MiB is refused by its size, 1009; the server and others go on', async () => {
  const conversation = await server.createConversation('ann')
  const socket = new RawSocket({ url: server.url, room: conversation, token: await server.token('ann') })
  await socket.opened()
  socket.send(new Uint8Array(limits.stockFrameBytes + 1))
  expect(await socket.closed).toMatchObject({ code: 1009 })
  const again = await join(conversation, 'ann')
  await again.synced()
})
