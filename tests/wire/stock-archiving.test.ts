// Plain y-websocket providers that are away while a conversation is archived again and again, against a real server process: when
// they come back, with what they wrote meanwhile, they have the document of somebody brand new.
import { afterEach, beforeAll, afterAll, expect, test } from 'vitest'
import * as Y from 'yjs'

import { encodeEntry, type KnownEntry, type MessageId } from '../../shared/chat/entry.ts'
import type { RestMessage } from '../../shared/rest.ts'
import { hex, isSettled } from '../helpers/chain-doc.ts'
import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { announcedRandom } from '../helpers/seeded-random.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { StockClient } from '../helpers/stock-client.ts'
import { wholeHistory } from '../helpers/whole-history.ts'

const testMs = 60_000
/** Each takes the window from what is kept to beyond what it may have. */
const batch = 600

let server: ServerProcess
let proxy: CuttingProxy
const clients: StockClient[] = []

beforeAll(async () => {
  server = await startServerProcess()
  proxy = await CuttingProxy.start(() => server.url)
})
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy()
})
afterAll(async () => {
  await proxy.close()
  await server.dispose()
})

async function join(conversation: string, user: string, url = server.url): Promise<StockClient> {
  const client = new StockClient({ url, conversation, user, token: await server.token(user) })
  clients.push(client)
  await client.synced()
  return client
}

interface Room {
  readonly conversation: string
  /** Behind the proxy. */
  readonly away: StockClient
  readonly others: readonly StockClient[]
  /** How often it was archived, as one of the others saw it. */
  readonly archivings: () => number
}

/** Users of its own, for each may write so much at once. */
async function openRoom(name: string): Promise<Room> {
  const [owner = '', ...rest] = ['ann', 'bob', 'cleo', 'dan'].map((user) => `${name}-${user}`)
  const conversation = await server.createConversation(owner, ...rest)
  const path = `/api/conversations/${conversation}/members/${rest[0]}`
  expect((await server.rest(owner, 'PUT', path, { access: 'admin' })).status).toBe(200)
  const away = await join(conversation, owner, proxy.url)
  const others = await Promise.all(rest.map((user) => join(conversation, user)))
  const [first] = others
  if (first === undefined) throw new Error('nobody else')
  let through = first.view().through
  let archivings = 0
  first.doc.on('afterTransaction', () => {
    if (first.view().through > through) archivings++
    through = first.view().through
  })
  return { conversation, away, others, archivings: () => archivings }
}

/** Others write `count` messages each. */
async function talk({ others }: Room, count: number, what: string): Promise<void> {
  for (const other of others) {
    const texts = Array.from({ length: count }, (_, index) => `${what} ${index} by ${other.user}`)
    other.doc.transact(() => texts.forEach((text) => other.say(text)))
    await other.sent()
  }
}

function touch(client: StockClient, ...entries: readonly KnownEntry[]): Promise<void> {
  client.append(...entries.map(encodeEntry))
  return client.sent()
}

/** Somebody brand new has the same document and sees the same; all of it, over REST. */
async function expectLikeNew(room: Room): Promise<ReadonlyMap<MessageId, RestMessage>> {
  const { conversation, away, others } = room
  await away.synced()
  await away.sent()
  const everybody = [away, ...others]
  const last = (): number => Math.max(...everybody.map((client) => client.view().lastSeq))
  for (const client of everybody) await client.until('all is there', () => client.view().lastSeq === last())
  const fresh = await join(conversation, others[0]?.user ?? '')
  expect(fresh.view().lastSeq).toBe(last())
  for (const client of everybody) {
    expect(isSettled(client.doc)).toBe(true)
    expect(hex(Y.encodeStateAsUpdate(client.doc)) === hex(Y.encodeStateAsUpdate(fresh.doc)), `of ${client.user}`).toBe(
      true,
    )
    expect(client.folded.fold().fork).toBeUndefined()
    expect(client.view()).toEqual(fresh.view())
    expect(client.view().pending).toEqual([])
  }
  const history = await wholeHistory(server, away.user, conversation)
  const window = fresh.view().sent
  expect(window.length).toBeGreaterThan(30)
  expect(window.map(({ id, seq, content, revision }) => ({ id, seq, content, revision }))).toEqual(
    history.slice(-window.length).map(({ id, seq, content, revision }) => ({ id, seq, content, revision })),
  )
  const byId = new Map(history.map((message) => [message.id, message]))
  expect(byId.size).toBe(history.length)
  return byId
}

test(
  '[ARCH2][SYNC1] away over three archivings, with entries of its own: as somebody brand new, and all of its own is there',
  { timeout: testMs },
  async () => {
    const room = await openRoom('away')
    const { away } = room
    const before = ['one', 'two', 'three'].map((text) => away.say(text))
    await away.sent()
    proxy.cut()
    await away.until('it is cut off', () => !away.provider.wsconnected)
    const offline = Array.from({ length: 40 }, (_, index) => away.say(`offline ${index}`))
    for (let round = 0; round < 4; round++) await talk(room, batch / 2, `round ${round}`)
    expect(room.archivings()).toBeGreaterThanOrEqual(3)
    const late = away.say('just before')
    proxy.heal()
    const stored = await expectLikeNew(room)
    expect(away.view().through).toBeGreaterThan(1000)
    expect(stored.size).toBe(before.length + offline.length + 1 + 3 * 4 * (batch / 2))
    expect([...before, ...offline, late].map((id) => stored.get(id)?.content)).toEqual([
      'one',
      'two',
      'three',
      ...offline.map((_, index) => `offline ${index}`),
      'just before',
    ])
  },
)

test(
  '[ARCH2][TOUCH1][TOUCH2][SYNC1] with edits, redactions and reactions on both sides of the cut',
  { timeout: testMs },
  async () => {
    const room = await openRoom('touched')
    const { away, others } = room
    const [bob, cleo] = others
    if (bob === undefined || cleo === undefined) throw new Error('nobody else')
    const [edited, redacted, reacted, mine] = ['to edit', 'to redact', 'to react to', 'my own'].map((text) =>
      away.say(text),
    )
    if (edited === undefined || redacted === undefined || reacted === undefined || mine === undefined)
      throw new Error('four')
    const theirs = cleo.say('of cleo')
    await Promise.all([away.sent(), cleo.sent()])
    await away.until('it has heard of it', () => away.texts().includes('of cleo'))
    proxy.cut()
    await away.until('it is cut off', () => !away.provider.wsconnected)
    const clock = Y.getState(away.doc.store, away.client)
    away.append(
      ...[
        { kind: 'edit', of: edited, content: 'edited offline', at: Date.now() } as const,
        { kind: 'edit', of: redacted, content: 'never to be seen', at: Date.now() } as const,
        { kind: 'react', of: theirs, emoji: '👍', on: true } as const,
        { kind: 'edit', of: theirs, content: 'not mine', at: Date.now() } as const,
        { kind: 'redact', of: mine } as const,
      ].map(encodeEntry),
    )
    const last = away.say('the last offline')

    await talk(room, batch, 'first')
    await touch(bob, { kind: 'redact', of: redacted }, { kind: 'react', of: reacted, emoji: '🎉', on: true })
    await touch(cleo, { kind: 'react', of: reacted, emoji: '🎉', on: true })
    await talk(room, batch, 'second')
    await touch(
      cleo,
      { kind: 'edit', of: theirs, content: 'of cleo, edited', at: Date.now() },
      { kind: 'react', of: reacted, emoji: '🎉', on: false },
    )
    await touch(bob, { kind: 'pin', of: theirs, on: true })
    await talk(room, batch, 'third')
    expect(room.archivings()).toBeGreaterThanOrEqual(3)
    proxy.heal()

    const stored = await expectLikeNew(room)
    expect(stored.get(edited)).toMatchObject({ content: 'edited offline' })
    expect(stored.get(redacted)).toMatchObject({ content: '', redacted_by: bob.user })
    expect(stored.get(reacted)?.reactions).toEqual([{ emoji: '🎉', users: [bob.user] }])
    expect(stored.get(theirs)).toMatchObject({
      content: 'of cleo, edited',
      pinned: true,
      reactions: [{ emoji: '👍', users: [away.user] }],
    })
    expect(stored.get(mine)).toMatchObject({ content: '', redacted_by: away.user })
    expect(stored.get(last)).toMatchObject({ content: 'the last offline' })
    const reasons = [0, 1, 2, 3, 4, 5].map((index) => away.folded.fold().voidReason(away.client, clock + index))
    expect(reasons).toEqual([undefined, 'redacted', undefined, 'not-author', undefined, undefined])
  },
)

test(
  '[IDEM1][REST5] a retry over HTTP finds its message, archived, then edited, then redacted',
  { timeout: testMs },
  async () => {
    const room = await openRoom('retried')
    const { away, others } = room
    const [user, messages] = [away.user, `/api/conversations/${room.conversation}/messages`]
    const token = await server.token(user)
    const post = async (key: string): Promise<readonly [number, RestMessage]> => {
      const answer = await fetch(server.url + messages, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
        body: '{"role":"user","content":"hello"}',
      })
      return [answer.status, (await answer.json()) as RestMessage]
    }
    const [status, { id }] = await post('a-key')
    expect(status).toBe(201)
    await talk(room, batch, 'behind it')
    expect(room.archivings()).toBeGreaterThanOrEqual(1)
    expect(others[0]?.view().sent.some((message) => message.id === id)).toBe(false)

    const [path, texts] = [`${messages}/${id}`, [] as string[]]
    const changes = [['GET'], ['PATCH', { content: 'edited' }], ['DELETE']] as const
    for (const [method, body] of changes) {
      expect((await server.rest(user, method, path, body)).status).toBeLessThan(300)
      const now = (await server.rest(user, 'GET', path)).body as RestMessage
      expect(await post('a-key')).toEqual([200, now])
      texts.push(now.content)
    }
    expect(texts).toEqual(['hello', 'edited', ''])
    const own = (await wholeHistory(server, user, room.conversation)).filter((message) => message.user_id === user)
    expect(own.map((message) => message.id)).toEqual([id])
  },
)

test(
  '[ARCH2][SYNC1] cut again and again, in the middle of archivings and of catching up',
  { timeout: 2 * testMs },
  async () => {
    const random = announcedRandom('stock client, cut while it is archived')
    const room = await openRoom('cut')
    const { away, others } = room
    away.say('at the start')
    await away.sent()
    const said: MessageId[] = []
    let early = 0
    const cuts = 16
    for (let cut = 0; cut < cuts; cut++) {
      proxy.heal()
      await away.until('it is back', () => away.provider.wsconnected)
      const writing = talk(room, random.pick([40, 150, 200]), `beside cut ${cut}`)
      said.push(away.say(`around cut ${cut}`))
      await Promise.race([untilUpdates(away, cut % 4), writing])
      if (!away.provider.synced) early++
      proxy.cut()
      await away.until('it is cut off', () => !away.provider.wsconnected)
      said.push(away.say(`behind cut ${cut}`))
      if (random.chance(0.5)) await others[0]?.sent()
      await writing
    }
    console.log(`${cuts} cuts, ${early} before it was synced; ${room.archivings()} archivings`)
    expect(early).toBeGreaterThan(0)
    expect(room.archivings()).toBeGreaterThanOrEqual(3)
    proxy.heal()
    const stored = await expectLikeNew(room)
    expect(said.filter((id) => !stored.has(id))).toEqual([])
    expect(said).toHaveLength(2 * cuts)
  },
)

/** Until so many updates more have come. */
function untilUpdates({ doc, provider }: StockClient, count: number): Promise<void> {
  if (count === 0) return Promise.resolve()
  return new Promise((resolve) => {
    let left = count
    const look = (_update: Uint8Array, origin: unknown): void => {
      if (origin !== provider || --left > 0) return
      doc.off('update', look)
      resolve()
    }
    doc.on('update', look)
  })
}
