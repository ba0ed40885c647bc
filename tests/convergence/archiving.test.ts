// A conversation that is archived all the time, on real Y.Docs and with the fold that clients use: whoever comes, from any
// state, ends with the same document and sees the same, which is what the server's rows say.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { openLevelStore } from '../../server/storage/level/level-store.ts'
import type { Finding } from '../../server/verify/finding.ts'
import { verifyStore } from '../../server/verify/verify-store.ts'
import { createMemoryDisk } from '../../server/storage/memory/memory-disk.ts'
import { createMemoryStore } from '../../server/storage/memory/memory-store.ts'
import { applyTouch, type StampedMessage } from '../../shared/chat/message.ts'
import type { Folded } from '../../shared/chat/fold.ts'
import { clientId, createDoc, hex, isSettled } from '../helpers/chain-doc.ts'
import { bringTogether, FakeDevice } from '../helpers/fake-device.ts'
import { rounds } from '../helpers/long-run.ts'
import { announceSeed } from '../helpers/seeded-random.ts'
import { begin, calm, happenings, headOf, step, type World } from './archive-life.ts'
import type { Disk } from './restarting-server.ts'

async function rowsOf({ server: { node }, id }: World): Promise<readonly StampedMessage[]> {
  return node.gate.store.messages(id, { limit: 1e6, take: 'oldest' })
}

/** The one document, and what is seen of it. */
async function expectConverged(world: World): Promise<Folded> {
  const { server, id, devices, appended, posts } = world
  const { node } = server
  await calm(world)
  await bringTogether(node, devices)
  expect([...world.errors, ...server.errors()]).toEqual([])
  const fresh = new FakeDevice('bob', id, createDoc(0xffff_ffff))
  await bringTogether(node, [fresh])
  const whole = hex(Y.encodeStateAsUpdate(fresh.doc))
  const rows = await rowsOf(world)
  const head = await headOf(world)
  const view = fresh.folded.view()
  expect(view.through).toBe(head.through)
  expect(view.lastSeq).toBe(head.nextSeq - 1)
  expect(view.pending).toEqual([])
  expect(view.sent).toEqual(rows.filter(({ seq }) => seq > head.through))
  const members = await node.gate.store.members(id)
  expect(new Map(view.members)).toEqual(new Map(members.map(({ user, access }) => [user, access])))
  expect(view.title).toBe(head.title)
  expect(new Map(view.settings)).toEqual(
    new Map((await node.gate.store.settings(id)).map(({ key, value }) => [key, value])),
  )
  expect(new Map(view.pins)).toEqual(new Map((await node.gate.store.pins(id)).map((pin) => [pin.id, pin.seq])))
  for (const { user, readThrough, received } of members) {
    const register = view.reads.get(user)
    expect([register?.through ?? -1, register?.received ?? -1]).toEqual([readThrough, received])
  }
  for (const device of [...devices, fresh]) {
    expect(device.closes).toEqual([])
    expect(isSettled(device.doc)).toBe(true)
    expect(hex(Y.encodeStateAsUpdate(device.doc)) === whole, `the replica of ${device.user}`).toBe(true)
    const seen = device.folded.view()
    expect(device.folded.fold().fork).toBeUndefined()
    expect({ ...seen, pins: new Map(seen.pins) }).toEqual({ ...view, pins: new Map(view.pins) })
  }
  // Nothing of anybody's own was lost.
  for (const { client, clock } of appended.values()) {
    const [place] = await node.gate.store.places(id, clientId(client), [clock])
    expect(place, `${client}/${clock}`).toBeDefined()
  }
  for (const { user, entry, seq } of posts) {
    expect(rows.find(({ id: message }) => message === entry.id)).toMatchObject({ user, seq })
  }
  fresh.disconnect()
  return view
}

/** What a device that cached everything once and was away since shows: its copies, and what live entries do to them. */
function expectTouchesMatch(
  cached: readonly StampedMessage[],
  changed: readonly StampedMessage[],
  view: Folded,
  rows: readonly StampedMessage[],
): void {
  const now = new Map(cached.map((message) => [message.id, message]))
  for (const message of changed) {
    const known = now.get(message.id)
    if (known !== undefined && known.revision < message.revision) now.set(message.id, message)
  }
  for (const [id, touches] of view.touches) {
    const known = now.get(id)
    if (known !== undefined) now.set(id, touches.reduce(applyTouch, known))
  }
  const expected = rows.filter(({ id, seq }) => now.has(id) && seq <= view.through)
  expect(expected.map(({ id }) => now.get(id))).toEqual(expected)
}

async function changesAfter({ server: { node }, id }: World, asOf: number): Promise<readonly StampedMessage[]> {
  const touched = await node.gate.store.touched(id, { after: asOf, limit: 1e6 })
  const rows = await node.gate.store.messagesAt(
    id,
    touched.map(({ seq }) => seq),
  )
  return rows.filter((row) => row !== undefined)
}

/** How often each thing was done, in all of them. */
const counts = new Map<string, number>()
const leastArchivings = 3
/** What messages can say beside their words, and what comes of it. */
const said = ['replyTo', 'thread', 'mentions', 'replies'] as const

/** How often it was archived. */
async function live(seed: number, steps: number, disk: Disk = memoryDisk()): Promise<number> {
  const world = await begin(seed, disk)
  let cached: readonly StampedMessage[] = []
  let asOf = -1
  // Where everybody is offline for long it takes longer; at last it is the number of steps that fails.
  for (let count = 0; count < steps || (world.archivings < leastArchivings && count < 4 * steps); count++) {
    await step(world)
    if (count === Math.floor(steps / 3)) {
      asOf = (await headOf(world)).nextSeq - 1
      cached = await rowsOf(world)
    }
  }
  const view = await expectConverged(world)
  const rows = await rowsOf(world)
  expectTouchesMatch(cached, await changesAfter(world, asOf), view, rows)
  const { server, devices } = world
  for (const device of devices) device.disconnect()
  await server.node.gate.store.erased()
  await server.end()
  expect(server.errors()).toEqual([])
  for (const [name, count] of world.counts) counts.set(name, (counts.get(name) ?? 0) + count)
  for (const row of rows) for (const name of said) if (name in row) counts.set(name, (counts.get(name) ?? 0) + 1)
  return world.archivings
}

function memoryDisk(): Disk {
  const disk = createMemoryDisk()
  return { open: async () => createMemoryStore({ disk }) }
}

const pinned = Array.from({ length: rounds(24, 3000) }, (_, index) => index + 1)

describe('a conversation that is archived all the time', () => {
  test.each(pinned)('[ARCH1][ARCH2][TOUCH1][PAGE1][PAGE2] is the same for everybody, seed %i', async (seed) => {
    expect(await live(seed, 300)).toBeGreaterThanOrEqual(leastArchivings)
  })

  test.each([31, 32, 33])(
    '[ARCH1][ERASE1][STORE8] leaves a store on the disk in which nothing is wrong, seed %i',
    async (seed) => {
      const folder = await mkdtemp(join(tmpdir(), 'parley-archiving-'))
      const location = join(folder, 'store')
      try {
        const disk = { open: () => openLevelStore({ location }) }
        expect(await live(seed, 300, disk)).toBeGreaterThanOrEqual(leastArchivings)
        const findings: Finding[] = []
        const verified = await verifyStore(location, (finding) => findings.push(finding))
        expect(findings).toEqual([])
        expect(verified.messages).toBeGreaterThan(100)
      } finally {
        await rm(folder, { recursive: true })
      }
    },
  )

  test('[ARCH2][TOUCH1] is the same for everybody, with a seed of today', async () => {
    const seed = announceSeed('archiving')
    expect(await live(seed, 400)).toBeGreaterThanOrEqual(leastArchivings)
  })

  test('[ARCH2] all that can happen did', () => {
    console.log([...counts].map(([name, count]) => `${count} ${name}`).join(', '))
    expect([...happenings, ...said].filter((name) => (counts.get(name) ?? 0) === 0)).toEqual([])
  })
})
