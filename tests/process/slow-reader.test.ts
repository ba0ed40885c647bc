// Devices that stop reading while 50,000 messages pass: what they cost a real server process, and what they have in the end.
import { readFileSync } from 'node:fs'

import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Y from 'yjs'

import { encodeStep1, encodeUpdateMessage, type WireMessage } from '../../shared/sync/wire.ts'
import { isSettled } from '../helpers/chain-doc.ts'
import { ChainWriter, messagePayload, voidPayload } from '../helpers/chain-writer.ts'
import { MuxSocket } from '../helpers/mux-socket.ts'
import { RawSocket } from '../helpers/raw-socket.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'

const messages = 50_000
const writers = 12
/** Entries of an update. */
const batch = 100
/** Every so many entries one is void: the document loses it. */
const voidEvery = 40
/** So much that what the slow ones lack does not fit into the buffers of the network by far. */
const content = 'x'.repeat(500)
/** They read on in the end. */
const slowOnMux = 2
/** They do not. */
const stuck = 20
const mebibyte = 1024 * 1024

let server: ServerProcess

beforeAll(async () => {
  server = await startServerProcess()
})
afterAll(() => server.dispose())

/** A device that applies what it reads. */
class Reader {
  readonly doc = new Y.Doc()
  readonly name: string
  /** Of updates that were read. */
  bytes = 0
  isSynced = false
  /** Stops and goes on. */
  pause = (): void => undefined
  resume = (): void => undefined
  /** Something that shows that it lives. */
  speak = (): void => undefined
  readonly #waiting = new Set<() => void>()

  constructor(name: string) {
    this.name = name
  }

  /** Whether it was something for the document. */
  read(message: WireMessage): boolean {
    if (message.kind !== 'step2' && message.kind !== 'update') return false
    this.bytes += message.update.length
    this.isSynced ||= message.kind === 'step2'
    Y.applyUpdate(this.doc, message.update)
    for (const look of [...this.#waiting]) look()
    return true
  }

  /** How many entries of writers it has. */
  get written(): number {
    let count = 0
    for (const name of this.doc.share.keys()) {
      const [, client] = /^chain\/(\d+)\/(?:writer|other)-/.exec(name) ?? []
      if (client !== undefined) count += Y.getState(this.doc.store, Number(client))
    }
    return count
  }

  /** Calls after each; returns what ends it. */
  onRead(look: () => void): () => void {
    this.#waiting.add(look)
    return () => this.#waiting.delete(look)
  }

  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }
}

const queryAwareness = Uint8Array.of(3)
const step1 = (doc: Y.Doc): Uint8Array => encodeStep1(Y.encodeStateVector(doc))

/** On the stock endpoint. */
async function stockReader(name: string, conversation: string): Promise<Reader> {
  const reader = new Reader(name)
  const socket = new RawSocket({ url: server.url, room: conversation, token: await server.token('ann') })
  reader.pause = () => socket.pause()
  reader.resume = () => socket.resume()
  reader.speak = () => socket.send(queryAwareness)
  await socket.next('step1')
  socket.take = ({ message }) => reader.read(message)
  socket.send(step1(reader.doc))
  await reader.until(() => reader.isSynced)
  return reader
}

/** On the multiplexed one, with a channel for it. */
async function muxReader(name: string, conversation: string): Promise<Reader> {
  const reader = new Reader(name)
  const socket = new MuxSocket({ url: server.url })
  reader.pause = () => socket.pause()
  reader.resume = () => socket.resume()
  reader.speak = () => socket.send(1, queryAwareness)
  await socket.hello(await server.token('ann'))
  await socket.open(1, conversation)
  socket.take = (frame) => frame.kind === 'message' && reader.read(frame.message)
  socket.send(1, step1(reader.doc))
  await reader.until(() => reader.isSynced)
  return reader
}

/** Writes its part of the messages as fast as the server takes them, and reads nothing of it. */
async function write(user: string, conversation: string, count: number): Promise<void> {
  const socket = new RawSocket({ url: server.url, room: conversation, token: await server.token(user) })
  await socket.next('step1')
  const chain = new ChainWriter(user)
  while (chain.clock < count) {
    const clocks = Array.from({ length: Math.min(batch, count - chain.clock) }, (_, index) => chain.clock + index)
    const payloads = clocks.map((clock) =>
      clock % voidEvery === voidEvery - 1 ? voidPayload() : messagePayload(`${user} ${clock} ${content}`),
    )
    socket.send(encodeUpdateMessage(chain.append(...payloads)))
  }
}

function residentBytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  if (kibibytes === undefined) throw new Error('no VmRSS')
  return Number(kibibytes) * 1024
}

/** The most memory that the server had while these users wrote that many messages, which `steady` reads. */
async function peakWhileWriting(
  users: readonly string[],
  conversation: string,
  count: number,
  steady: Reader,
  more: () => void = () => undefined,
): Promise<number> {
  let peak = 0
  const stopWatching = steady.onRead(() => {
    peak = Math.max(peak, residentBytes(server.pid))
    more()
  })
  const each = Math.ceil(count / users.length)
  await Promise.all(users.map(async (user, index) => write(user, conversation, Math.min(each, count - index * each))))
  await steady.until(() => steady.written === count)
  stopWatching()
  return peak
}

function numbered(name: string): string[] {
  return Array.from({ length: writers }, (_, index) => `${name}-${index}`)
}

test('[SLOW1][DOC1] devices that read nothing while 50,000 messages pass cost the server no memory, and lack nothing in the end', async () => {
  // The memory that so much writing takes in itself.
  const others = numbered('other')
  const elsewhere = await server.createConversation('ann', ...others)
  const plain = await peakWhileWriting(others, elsewhere, messages / 2, await stockReader('other', elsewhere))

  const users = numbered('writer')
  const conversation = await server.createConversation('ann', ...users)
  const steady = await stockReader('steady', conversation)
  const slow = await Promise.all([
    stockReader('slow, stock', conversation),
    ...Array.from({ length: slowOnMux }, async (_, index) => muxReader(`slow ${index}, multiplexed`, conversation)),
  ])
  const names = Array.from({ length: stuck }, (_, index) => `stuck ${index}`)
  const paused = [...slow, ...(await Promise.all(names.map(async (name) => muxReader(name, conversation))))]
  for (const reader of paused) reader.pause()
  const started = Date.now()
  const peak = await peakWhileWriting(users, conversation, messages, steady, () => {
    // The server ends sockets on which nothing at all happens.
    for (const reader of paused) reader.speak()
  })
  const wroteMs = Date.now() - started
  for (const reader of paused) expect([reader.name, reader.written]).toEqual([reader.name, 0])
  expect(steady.bytes).toBeGreaterThan(messages * content.length)

  const resumed = Date.now()
  for (const reader of slow) reader.resume()
  for (const reader of slow) {
    // The last archiving may still be on its way to any of them.
    const isSame = (): boolean =>
      isSettled(reader.doc) && Buffer.from(Y.encodeStateVector(steady.doc)).equals(Y.encodeStateVector(reader.doc))
    await Promise.race([reader.until(isSame), steady.until(isSame)])
    const whole = Buffer.from(Y.encodeStateAsUpdate(steady.doc))
    expect([reader.name, whole.equals(Y.encodeStateAsUpdate(reader.doc))]).toEqual([reader.name, true])
  }
  console.log(
    `${messages} messages past ${paused.length} slow readers in ${wroteMs} ms, read by ${slow.length} in ${Date.now() - resumed} ms; ` +
      `server at most ${Math.round(plain / mebibyte)} MiB without them, ${Math.round(peak / mebibyte)} MiB with them`,
  )
  // If all of it waited for them, that would be what the steady one read, once for each.
  expect(peak - plain).toBeLessThan((paused.length * steady.bytes) / 3)
}, 60_000)
