// What it costs when a device opens a conversation, counted and not timed: the same at any length.
import { expect, test } from 'vitest'
import * as Y from 'yjs'

import type { WindowRules } from '../../../server/chat/archiving.ts'
import type { ConversationStore } from '../../../server/storage/conversation-store.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import type { SocketPort } from '../../../server/sync/session.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { encodeUpdateMessage } from '../../../shared/sync/wire.ts'
import { createDoc, isSettled } from '../../helpers/chain-doc.ts'
import { ChainWriter, messagePayload } from '../../helpers/chain-writer.ts'
import { bringTogether, FakeDevice } from '../../helpers/fake-device.ts'
import { storeAround } from '../../helpers/store-around.ts'
import { createSyncNode, endlessWindow, type SyncNode } from '../../helpers/sync-node.ts'

const people = Array.from({ length: 50 }, (_, index) => `user-${index}`)
/** So many of one person at a time. */
const turn = 20

interface Cost {
  /** Calls of the store that read. */
  calls: number
  /** Rows that they gave. */
  rows: number
  /** Of what the device was sent. */
  bytes: number
}

interface Opened {
  readonly cold: Cost
  readonly warm: Cost
  /** How many messages each of the devices had then, and how many live entries. */
  readonly shown: readonly (readonly [messages: number, live: number])[]
}

/** A store that counts what is read from it. */
function counting(inner: ConversationStore, cost: Cost): ConversationStore {
  const note = (answer: unknown): void => {
    if (Array.isArray(answer)) cost.rows += answer.length
    else if (answer !== undefined) cost.rows++
  }
  async function* noted(rows: AsyncIterable<unknown>): AsyncGenerator {
    for await (const row of rows) {
      cost.rows++
      yield row
    }
  }
  return storeAround(inner, (_name, ask) => {
    cost.calls++
    const answer = ask()
    if (answer instanceof Promise) return answer.then((value: unknown) => (note(value), value))
    return isRows(answer) ? noted(answer) : answer
  })
}

function isRows(answer: unknown): answer is AsyncIterable<unknown> {
  return typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer
}

/** A socket that hears nothing. */
const deafPort: SocketPort = {
  send: () => undefined,
  close: (code) => {
    throw new Error(`closed: ${code}`)
  },
  pause: () => undefined,
  resume: () => undefined,
  bufferedBytes: () => 0,
  onDrained: () => undefined,
  expireAt: () => undefined,
}

async function throughOf(node: SyncNode, id: ConversationId): Promise<number> {
  const stored = await node.gate.store.head(id)
  if (stored?.kind !== 'head') throw new Error('no head')
  return stored.head.through
}

/**
 * Fifty people take turns, on a chain each: at least so many messages, and then on until some have just been archived, so
 * that conversations of any length are looked at in the same place of their way.
 */
async function write(store: ConversationStore, messages: number, window?: WindowRules): Promise<ConversationId> {
  const node = createSyncNode({ store, ...(window && { window }) })
  const [owner = '', ...others] = people
  const id = await node.create(owner, ...others)
  const seats = await Promise.all(
    people.map(async (user) => ({ session: await node.connect(user, id, deafPort), chain: new ChainWriter(user) })),
  )
  for (let written = 0, through = -1, isDone = false; !isDone;) {
    const before = through
    const seat = seats[(written / turn) % seats.length]
    const texts = Array.from({ length: turn }, () => `message ${String(written++).padStart(9, '0')}`)
    seat?.session?.receive(encodeUpdateMessage(seat.chain.append(...texts.map(messagePayload))))
    await node.settled()
    through = await throughOf(node, id)
    isDone = written >= messages && (through > before || window !== undefined)
  }
  for (const { session } of seats) session?.end()
  expect(node.errors).toEqual([])
  return id
}

/** What it costs a server that has nothing in memory to open it for a brand-new device, and what the next one costs. */
async function open(messages: number, window?: WindowRules): Promise<Opened> {
  const store = createMemoryStore()
  const id = await write(store, messages, window)
  const cost: Cost = { calls: 0, rows: 0, bytes: 0 }
  const node = createSyncNode({ store: counting(store, cost), ...(window && { window }) })
  const costs: Cost[] = []
  const shown: [messages: number, live: number][] = []
  for (const client of [1, 2]) {
    Object.assign(cost, { calls: 0, rows: 0, bytes: 0 })
    const device = new FakeDevice('user-7', id, createDoc(client))
    await device.connect(node)
    device.deliverUp()
    await node.settled()
    cost.bytes = device.unseen.reduce((sum, frame) => sum + frame.length, 0)
    costs.push({ ...cost })
    await bringTogether(node, [device])
    expect(device.isSynced && isSettled(device.doc)).toBe(true)
    const { sent, lastSeq, through } = device.folded.view()
    expect(sent.at(-1)?.content).toMatch(/^message \d{9}$/)
    expect(Y.encodeStateVector(device.doc).length).toBeGreaterThan(people.length)
    shown.push([sent.length, lastSeq - through])
  }
  const [cold, warm] = costs
  if (cold === undefined || warm === undefined) throw new Error('it was not opened twice')
  return { cold, warm, shown }
}

test('[ARCH3] a new device costs the same at 2,000 and at 20,000 messages of 50 chains, in reads and in bytes', async () => {
  const [short, long] = [await open(2000), await open(20_000)]
  console.log(JSON.stringify({ short, long }))
  const whole = [limits.keptEntries, limits.keptEntries]
  expect([...short.shown, ...long.shown]).toEqual([whole, whole, whole, whole])
  for (const at of ['cold', 'warm'] as const) {
    for (const what of ['calls', 'rows', 'bytes'] as const) {
      expect(long[at][what] / Math.max(1, short[at][what])).toBeLessThanOrEqual(1.03)
    }
    expect(long[at].rows).toBeGreaterThan(0)
  }
})

test('[ARCH3] the counting sees it when nothing is archived', async () => {
  const [short, long] = [await open(1000, endlessWindow), await open(3000, endlessWindow)]
  expect([...short.shown, ...long.shown].map(([messages]) => messages)).toEqual([1000, 1000, 3000, 3000])
  expect(long.cold.rows / short.cold.rows).toBeGreaterThan(2)
  expect(long.cold.bytes / short.cold.bytes).toBeGreaterThan(1.5)
})
