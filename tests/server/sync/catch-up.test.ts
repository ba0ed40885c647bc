// Brings devices that lack much up to date part by part, each applied to a real Y.Doc, while others go on writing.
import { afterEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { countLacking, encodePart, encodeRest } from '../../../server/sync/catch-up.ts'
import { encodeMissing } from '../../../server/sync/projection.ts'
import type { SocketPort } from '../../../server/sync/session.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { encodeStep1, encodeUpdateMessage } from '../../../shared/sync/wire.ts'
import { append, createDoc, docOf, hex, isSettled, stateVectorOf, userId } from '../../helpers/chain-doc.ts'
import { ChainWriter, messagePayload, voidPayload } from '../../helpers/chain-writer.ts'
import { deliverAll, FakeDevice } from '../../helpers/fake-device.ts'
import { announceSeed, createRandom, type Random } from '../../helpers/seeded-random.ts'
import { createSyncNode, endlessWindow, type SyncNode } from '../../helpers/sync-node.ts'

const users = ['ann', 'bob', 'cleo']

interface Room {
  readonly node: SyncNode
  readonly id: ConversationId
  /** Writes all of it in one update. */
  readonly write: (chain: ChainWriter, user: string, ...payloads: readonly Uint8Array[]) => Promise<void>
  /** The whole document, of what is durable now. */
  readonly whole: () => Promise<Uint8Array>
  readonly live: Awaited<ReturnType<SyncNode['registry']['acquire']>>['live']
}

const releases: (() => void)[] = []
afterEach(() => {
  for (const release of releases.splice(0)) release()
})

/** A socket that hears nothing. */
function deafPort(closes: string[] = []): SocketPort {
  const nothing = (): void => undefined
  return {
    send: nothing,
    close: (code) => closes.push(code),
    pause: nothing,
    resume: nothing,
    bufferedBytes: () => 0,
    onDrained: nothing,
    expireAt: nothing,
  }
}

async function openRoom(): Promise<Room> {
  const node = createSyncNode({ window: endlessWindow })
  const [owner = '', ...others] = users
  const id = await node.create(owner, ...others)
  const { live, release } = await node.registry.acquire(id)
  releases.push(release)
  const closes: string[] = []
  const sessions = new Map(
    await Promise.all(users.map(async (user) => [user, await node.connect(user, id, deafPort(closes))] as const)),
  )
  return {
    node,
    id,
    live,
    write: async (chain, user, ...payloads) => {
      sessions.get(user)?.receive(encodeUpdateMessage(chain.append(...payloads)))
      await node.settled()
      if (closes.length > 0) throw new Error(`${user} was closed: ${closes.join()}`)
    },
    whole: () => encodeMissing(node.gate.store, id, live.ledger.durable(), new Map()),
  }
}

/** Messages and void entries in runs of random lengths, and now and then something over REST, on a held chain. */
async function chat(
  { write, node, id }: Room,
  chains: readonly ChainWriter[],
  random: Random,
  entries: number,
): Promise<void> {
  for (let left = entries; left > 0;) {
    const index = random.below(chains.length)
    const [chain, user = ''] = [chains[index], users[index % users.length]]
    const count = Math.min(left, random.pick([1, 3, 40, 500, 1500]))
    const payloads = Array.from({ length: count }, (_, each) =>
      random.chance(0.04) ? voidPayload() : messagePayload(`${user} ${each}`),
    )
    if (chain !== undefined) await write(chain, user, ...payloads)
    if (random.chance(0.3)) {
      await node.conversations.apply(userId('ann'), id, { kind: 'set', key: 'title', value: `${left}` })
    }
    left -= count
  }
}

function writersOf(random: Random, count: number): ChainWriter[] {
  return Array.from({ length: count }, (_, index) => {
    const user = users[index % users.length] ?? ''
    return new ChainWriter(user, random.between(1, 0xffff_ffff))
  })
}

/** Applies parts until the rest is small; how many there were. Between them, `meanwhile` happens. */
async function bringUp(
  room: Room,
  doc: Y.Doc,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<number> {
  const { node, id, live } = room
  const { store } = node.gate
  for (let parts = 0, known: ReadonlyMap<number, number> = stateVectorOf(doc); ; parts++) {
    const state = live.ledger.durable()
    const lacking = countLacking(state, known)
    const rest = lacking <= limits.entriesPerCatchUp ? await encodeRest(store, id, state, known) : undefined
    const part = rest === undefined ? await encodePart(store, id, state, known) : { update: rest, known }
    Y.applyUpdate(doc, part.update)
    expect(isSettled(doc), 'nothing waits for what comes later').toBe(true)
    if (rest !== undefined) return parts
    for (const [client, clock] of part.known) {
      expect(Y.getState(doc.store, client), `what is known of ${client}`).toBeGreaterThanOrEqual(Math.min(clock, 1))
    }
    expect(countLacking(state, part.known), 'each part is a step').toBeLessThan(lacking)
    known = part.known
    await meanwhile()
  }
}

describe('a device that lacks much', () => {
  test('[DOC1][SLOW1] a new one gets 5,000 entries in whole parts, while others write on, and has the same document', async () => {
    const first = announceSeed('catching up')
    for (let seed = first; seed < first + 2; seed++) {
      const random = createRandom(seed)
      const room = await openRoom()
      const chains = writersOf(random, 5)
      await chat(room, chains, random, 5000)
      const doc = new Y.Doc()
      const parts = await bringUp(room, doc, async () => {
        if (random.chance(0.7)) await chat(room, chains, random, random.pick([1, 30, 700]))
      })
      expect(parts).toBeGreaterThanOrEqual(2)
      await bringUp(room, doc)
      const isSame = hex(Y.encodeStateAsUpdate(doc)) === hex(Y.encodeStateAsUpdate(docOf(await room.whole())))
      expect(isSame, `seed ${seed}`).toBe(true)
    }
  })

  test('[DOC1] one that left anywhere in the history, with entries of its own that nobody else has, goes on from there', async () => {
    const random = createRandom(announceSeed('coming back'))
    const room = await openRoom()
    const { node, id, live } = room
    const chains = writersOf(random, 4)
    const own = new FakeDevice('bob', id, createDoc(4242))
    await own.connect(node)
    await deliverAll(node, [own])
    await chat(room, chains, random, 700)
    own.append(messagePayload('heard'), voidPayload())
    await deliverAll(node, [own])
    const left = stateVectorOf(own.doc)
    own.disconnect()
    own.append(messagePayload('not heard'), messagePayload('not heard either'))
    await chat(room, chains, random, 3500)
    const parts = await bringUp(room, own.doc)
    expect(parts).toBeGreaterThanOrEqual(2)
    expect(left.get(live.ledger.durable().serverClient)).toBeGreaterThan(0)
    await own.connect(node)
    await deliverAll(node, [own])
    expect([own.closes, own.folded.view().pending.length]).toEqual([[], 0])
    expect(hex(Y.encodeStateAsUpdate(own.doc))).toBe(hex(Y.encodeStateAsUpdate(docOf(await room.whole()))))
  })

  test('[SLOW1] large entries come in parts of about a mebibyte, also those of one stamp', async () => {
    const room = await openRoom()
    const chain = new ChainWriter('ann')
    const large = 'x'.repeat(limits.entryBytes - 1024)
    await room.write(chain, 'ann', ...Array.from({ length: 24 }, () => messagePayload(large)))
    const { node, id, live } = room
    const stamps = live.ledger.durable().nextRecord
    const doc = new Y.Doc()
    let known: ReadonlyMap<number, number> = new Map()
    let parts = 0
    for (;;) {
      const state = live.ledger.durable()
      const rest = await encodeRest(node.gate.store, id, state, known)
      const part = rest === undefined ? await encodePart(node.gate.store, id, state, known) : { update: rest, known }
      expect(part.update.length).toBeLessThan(limits.bytesPerCatchUp + limits.entryBytes)
      Y.applyUpdate(doc, part.update)
      if (rest !== undefined) break
      parts++
      known = part.known
    }
    expect([stamps < 10, parts >= 6, parts <= 24]).toEqual([true, true, true])
    expect(hex(Y.encodeStateAsUpdate(doc))).toBe(hex(Y.encodeStateAsUpdate(docOf(await room.whole()))))
  })

  test.each([
    ['the records and not the entries', (client: number, server: number) => client === server],
    ['the entries and not the records', (client: number, server: number) => client !== server],
  ])('[SLOW1] one that says that it has %s is sent parts too', async (_what, has) => {
    const random = createRandom(3)
    const room = await openRoom()
    const { node, id, live } = room
    const chain = new ChainWriter('ann')
    for (let each = 0; each < 1100; each++) await room.write(chain, 'ann', messagePayload('one by one'))
    await chat(room, writersOf(random, 3), random, 3000)
    const state = live.ledger.durable()
    const full = stateVectorOf(docOf(await room.whole()))
    let known: ReadonlyMap<number, number> = new Map([...full].filter(([client]) => has(client, state.serverClient)))
    const steps: number[] = []
    while (countLacking(state, known) > limits.entriesPerCatchUp) {
      const before = known
      known = (await encodePart(node.gate.store, id, state, known)).known
      let gained = 0
      for (const [client, clock] of known) gained += clock - (before.get(client) ?? 0)
      steps.push(gained)
    }
    expect(steps.length).toBeGreaterThan(0)
    // Twice for the entries of the last stamp of a part, and records beside them.
    expect(Math.max(...steps)).toBeLessThan(4 * limits.entriesPerCatchUp)
  })
})

describe('a device that does not read', () => {
  test('[SLOW1] whenever it stops and goes on, it is never told what waits for something else for ever, and lacks nothing', async () => {
    const first = announceSeed('stopping')
    for (let seed = first; seed < first + 4; seed++) {
      const random = createRandom(seed)
      const room = await openRoom()
      const chains = writersOf(random, 4)
      const readers = users.map((user, index) => new FakeDevice(user, room.id, createDoc(100 + index)))
      for (const reader of readers) await reader.connect(room.node)
      for (let step = 0; step < 60; step++) {
        const reader = random.pick(readers)
        const act = random.below(6)
        if (act === 0) reader.bufferedBytes = limits.socketBufferSoftBytes + 1
        else if (act === 1) reader.bufferedBytes = 0
        else if (act === 2) reader.deliverDown(random.between(1, 4))
        else if (act === 3) reader.deliverUp()
        else if (act === 4) reader.send(encodeStep1(Y.encodeStateVector(reader.doc)))
        else await chat(room, chains, random, random.pick([1, 2, 900]))
        if (random.chance(0.1)) append(reader.doc, reader.user, [messagePayload('mine'), voidPayload()])
        if (random.chance(0.5)) await room.node.settled()
      }
      for (const reader of readers) reader.bufferedBytes = 0
      await deliverAll(room.node, readers)
      const whole = hex(Y.encodeStateAsUpdate(docOf(await room.whole())))
      for (const reader of readers) {
        expect([reader.closes, isSettled(reader.doc), reader.isSynced], `seed ${seed}`).toEqual([[], true, true])
        expect(hex(Y.encodeStateAsUpdate(reader.doc)) === whole, `seed ${seed}, ${reader.user}`).toBe(true)
      }
      expect(room.node.errors).toEqual([])
    }
  })
})
