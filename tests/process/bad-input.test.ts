import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import type { ChatMessage, Conversation } from '../../client/api.ts'
import { createChatClient } from '../../client/node.ts'
import { parseRoot } from '../../shared/sync/roots.ts'
import type { Cast, CastChain } from '../helpers/adversarial-cast.ts'
import { adversarialCorpus, type CorpusCase, frameOf } from '../helpers/adversarial-corpus.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { announcedRandom, type Random } from '../helpers/seeded-random.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { StockClient } from '../helpers/stock-client.ts'
import { concat, varBytes } from '../helpers/update-forge.ts'

const testMs = 150_000
/** Attacks under way at any time. */
const attackers = 6

/** Two people with the SDK who answer each other, one message at a time, for as long as they are asked to. */
class Chat {
  readonly people: readonly Conversation[]
  /** What each of them was told about the connection. */
  readonly phases: readonly string[][]
  readonly said: string[] = []
  readonly #close: () => Promise<void>
  #goesOn = true

  private constructor(people: readonly Conversation[], close: () => Promise<void>) {
    this.people = people
    this.#close = close
    this.phases = people.map((person) => {
      const phases: string[] = []
      const note = (): void => void phases.push(person.status.getSnapshot().connection.phase)
      note()
      person.status.subscribe(note)
      return phases
    })
  }

  static async start(server: ServerProcess, id: string, users: readonly string[]): Promise<Chat> {
    const folder = await mkdtemp(join(tmpdir(), 'parley-chat-'))
    const clients = users.map((user) =>
      createChatClient({ url: server.url, user, token: () => server.token(user), folder }),
    )
    const people = await Promise.all(clients.map((client) => client.open(id)))
    await Promise.all(
      people.map((person) => when(person, () => person.status.getSnapshot().connection.phase === 'live')),
    )
    return new Chat(people, async () => {
      await Promise.all(clients.map((client) => client.close()))
      await rm(folder, { recursive: true, force: true })
    })
  }

  /** Resolves when `enough` was called and everything said is sent. */
  async run(): Promise<void> {
    let turn = 0
    while (this.#goesOn) {
      const text = `turn ${turn}`
      this.said.push(text)
      this.people[turn % this.people.length]?.send(text)
      await Promise.all(this.people.map((person) => when(person, () => isSent(person, text))))
      turn++
    }
  }

  enough(): void {
    this.#goesOn = false
  }

  /** What each of them sees: all of it must be sent. */
  views(): readonly (readonly ChatMessage[])[] {
    return this.people.map((person) => person.messages.getSnapshot())
  }

  close(): Promise<void> {
    return this.#close()
  }
}

function isSent(person: Conversation, text: string): boolean {
  const found = person.messages.getSnapshot().findLast(({ content }) => content === text)
  return found !== undefined && 'seq' in found.delivery
}

function when(person: Conversation, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!holds()) return
      for (const end of ends) end()
      resolve()
    }
    const ends = [person.messages.subscribe(look), person.status.subscribe(look)]
    look()
  })
}

/** The conversation as it is: chains of a member who attacks, of another one, of the server. */
async function castOf(server: ServerProcess, id: string): Promise<Cast> {
  const { url } = server
  const mallory = new StockClient({ url, conversation: id, user: 'mallory', token: await server.token('mallory') })
  const { status } = await server.rest('mallory', 'POST', `/api/conversations/${id}/messages`, {
    role: 'user',
    content: 'by REST',
  })
  expect(status).toBe(201)
  try {
    for (const text of ['one', 'two', 'three']) mallory.say(text)
    await mallory.sent()
    await mallory.until('the message of REST is there', () => mallory.sentTexts().includes('by REST'))
    const roots = [...mallory.doc.share.keys()].flatMap((name) => parseRoot(name) ?? [])
    const chains = roots.flatMap((root): CastChain[] => {
      if (root.kind !== 'chain') return []
      const payloads = mallory.doc.getArray<Uint8Array>(`chain/${root.client}/${root.user}`).toArray()
      return [{ user: root.user, client: root.client, payloads }]
    })
    const own = chains.find(({ client }) => client === mallory.doc.clientID)
    const held = chains.find((chain) => chain.user === 'mallory' && chain !== own)
    const victim = chains.find(({ user }) => user === 'ann')
    const serverClient = roots.find(({ kind }) => kind === 'server')?.client
    if (own === undefined || held === undefined || victim === undefined || serverClient === undefined) {
      throw new Error('somebody of the cast is missing')
    }
    const serverNext = mallory.doc.getArray(`server/${serverClient}`).length
    return { own, held, victim, serverClient, serverNext }
  } finally {
    mallory.destroy()
  }
}

/** A case in another disguise: as one of the sync messages, or as a frame of its own. */
function disguised({ bytes }: CorpusCase, random: Random): Uint8Array {
  const type = random.pick(['step1', 'step2', 'update', 'raw'])
  if (type === 'raw') return bytes
  return concat([0, ['step1', 'step2', 'update'].indexOf(type)], varBytes(bytes))
}

/** Does `attack` for all of `targets`, some at a time. */
async function storm<T>(targets: readonly T[], attack: (target: T) => Promise<void>): Promise<void> {
  const left = [...targets]
  const worker = async (): Promise<void> => {
    for (let target = left.pop(); target !== undefined; target = left.pop()) await attack(target)
  }
  await Promise.all(Array.from({ length: attackers }, worker))
}

/** A SyncStep1 of somebody who has nothing: once it is answered, all before it has been handled. */
const question = Uint8Array.of(0, 0, 1, 0)

/** What came of frames that were sent on a socket of their own: the code it was closed with, or nothing. */
async function outcome(socket: RawSocket, ...frames: readonly Uint8Array[]): Promise<number | undefined> {
  await socket.opened()
  for (const frame of [...frames, question]) socket.send(frame)
  const answered = await Promise.race([
    socket.next('step2').catch(() => undefined),
    socket.closed.then(() => undefined),
  ])
  if (answered === undefined) return (await socket.closed).code
  socket.terminate()
  return undefined
}

/** Bytes on the wire that are no request, or half of one. */
const garbage: readonly (string | Uint8Array)[] = [
  '\0'.repeat(1000),
  'GET',
  'GET / HTTP/9.9\r\n\r\n',
  'GET //\\\\[ HTTP/1.1\r\nHost: localhost\r\n\r\n',
  `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: localhost\r\n${'X-Long: x\r\n'.repeat(10_000)}\r\n`,
  'POST /api/demo/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n',
  'POST /api/demo/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST /api/demo/token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n',
  'GET /sync/x HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'GET http://[ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'GET /sync/%00%ff HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03),
]

/** Sends bytes to the port, says goodbye, and waits until the server is gone. */
function throwAt(port: number, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes))
    socket.on('error', () => undefined)
    socket.on('data', () => undefined)
    socket.once('close', () => resolve())
  })
}

interface BadRequest {
  readonly path: string
  readonly method?: string
  readonly body?: BodyInit
  readonly type?: string
}

function badRequests(id: string): readonly BadRequest[] {
  const bodies: readonly BodyInit[] = [
    '{',
    'null',
    '[]',
    '"text"',
    '\uFEFF{}',
    '{"role":"user","content":1e999}',
    `{"role":"user","content":"x","parts":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    `{"role":"user","content":"${'x'.repeat(300 * 1024)}"}`,
    'x'.repeat(2 * 1024 * 1024),
    new Uint8Array(64 * 1024).fill(0xff),
    '{"__proto__":{"role":"user"},"constructor":{"prototype":{"content":"x"}}}',
    JSON.stringify({ role: 'user', content: '\uD800', id: 'x', mentions: Array.from({ length: 50_000 }, () => 'u') }),
    JSON.stringify({ members: Array.from({ length: 5000 }, (_, index) => ({ user: `u${index}`, access: 'owner' })) }),
  ]
  const targets = [
    { path: `/api/conversations/${id}/messages`, method: 'POST' },
    { path: '/api/conversations', method: 'POST' },
    { path: `/api/conversations/${id}`, method: 'PATCH' },
    { path: `/api/conversations/${id}/members/zoe`, method: 'PUT' },
  ]
  return [
    ...targets.flatMap((target) => bodies.map((body) => ({ ...target, body }))),
    ...targets.map((target) => ({ ...target, body: '{}', type: 'text/plain' })),
    ...['limit=-1', 'limit=1e9', 'before=x', 'after=1&before=2', 'around=99999999999999999999'].map((query) => ({
      path: `/api/conversations/${id}/messages?${query}`,
    })),
    { path: `/api/conversations/${id}/chains/99999999999` },
    { path: `/api/conversations/${id}/messages/${'x'.repeat(5000)}` },
    { path: '/api/conversations/%00%ff' },
    { path: '/api/%2e%2e/%2e%2e/etc/passwd' },
    { path: '/..%2f..%2fdemo-key' },
  ]
}

test(
  '[PROC4][ACCEPT1] bad input of every kind, from members, strangers and nobodies: two people chat on undisturbed',
  { timeout: testMs },
  async () => {
    const random = announcedRandom('bad input')
    const server = await startServerProcess()
    onTestFinished(() => server.dispose())
    const id = await server.createConversation('ann', 'bob', 'mallory')
    const chat = await Chat.start(server, id, ['ann', 'bob'])
    onTestFinished(() => chat.close())
    const talking = chat.run()

    const { url } = server
    const cast = await castOf(server, id)
    const cases = [...adversarialCorpus(random.seed, cast)]
    const token = await server.token('mallory')
    const stranger = await server.token('zoe')
    const openAs = (bearer: string | undefined): RawSocket => new RawSocket({ url, room: id, token: bearer })

    // As what it is: exactly what the server owes its sender.
    const unfulfilled: string[] = []
    let refused = 0
    await storm(cases, async (one) => {
      const code = await outcome(openAs(token), frameOf(one))
      if (one.expected.kind === 'fault') refused++
      const isOwed = one.expected.kind === 'unstated' || (one.expected.kind === 'fault') === (code !== undefined)
      if (!isOwed || code === 4503 || (code ?? 4400) < 4400) unfulfilled.push(`${one.name}: ${code ?? 'taken'}`)
    })
    expect(unfulfilled).toEqual([])
    expect(refused).toBeGreaterThan(500)

    // As something else.
    await storm(cases, async (one) => {
      const code = await outcome(openAs(token), disguised(one, random))
      if ((code ?? 4400) < 4400 || (code ?? 4400) > 4499) unfulfilled.push(`${one.name}, disguised: ${code}`)
    })
    expect(unfulfilled).toEqual([])

    // By those who may not be here at all: nothing of it is even read.
    const handfuls = Array.from({ length: Math.ceil(cases.length / 20) }, (_, at) => cases.slice(at * 20, at * 20 + 20))
    await storm(handfuls, async (handful) => {
      expect(await outcome(openAs(stranger), ...handful.map(frameOf))).toBe(4403)
      expect(await outcome(openAs('garbage'), ...handful.map(frameOf))).toBe(4401)
      expect(await outcome(openAs(undefined), ...handful.map(({ bytes }) => bytes))).toBe(4401)
    })

    await storm(badRequests(id), async ({ path, method = 'GET', body, type = 'application/json' }) => {
      for (const bearer of [token, stranger, undefined]) {
        const headers = { 'content-type': type, ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) }
        const answer = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body }) })
        await answer.arrayBuffer()
        // Some of it is harmless: `{}` makes a conversation, but not for nobody.
        const isOwed = answer.status < 500 && (bearer !== undefined || answer.status >= 400)
        if (!isOwed) unfulfilled.push(`${method} ${path.slice(0, 80)}: ${answer.status}`)
      }
    })
    expect(unfulfilled).toEqual([])
    await storm([...garbage, ...cases.slice(0, 50).map(({ bytes }) => bytes)], (bytes) =>
      throwAt(Number(new URL(url).port), bytes),
    )

    chat.enough()
    await talking
    for (const phases of chat.phases) expect(new Set(phases)).toEqual(new Set(['live']))
    const [annSees = [], bobSees = []] = chat.views()
    const honest = annSees.filter(({ user }) => user === 'ann' || user === 'bob')
    expect(honest.map(({ content }) => content)).toEqual(chat.said)
    const placeOf = ({ id: message, delivery }: ChatMessage): object => ({
      message,
      seq: 'seq' in delivery && delivery.seq,
    })
    expect(annSees.map(placeOf)).toEqual(bobSees.map(placeOf))
    expect(annSees.filter(({ delivery }) => !('seq' in delivery))).toEqual([])
    console.log(`bad input: ${cases.length} cases, while two people said ${chat.said.length} messages`)
    expect(chat.said.length).toBeGreaterThan(20)
    // Still the same process, which found no bug of its own. That devices seem to be ahead of it, it says loudly.
    const loud = server.stderr.split('\n').filter((line) => /"level":[56]0/.test(line))
    expect(loud.filter((line) => !line.includes('knows more than this server'))).toEqual([])
    expect(await server.stop()).toEqual({ code: 0, signal: null })
  },
)
