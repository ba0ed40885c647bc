// Whatever happens on the way, in the end everybody has the same conversation, and it is the one in the store.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import type { Commit, EntryRow } from '../../server/storage/conversation-store.ts'
import { openLevelStore } from '../../server/storage/level/level-store.ts'
import { createMemoryDisk } from '../../server/storage/memory/memory-disk.ts'
import { createMemoryStore } from '../../server/storage/memory/memory-store.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import { clientId, createDoc, hex, isSettled, userId } from '../helpers/chain-doc.ts'
import { bringTogether, FakeDevice } from '../helpers/fake-device.ts'
import { announceSeed } from '../helpers/seeded-random.ts'
import type { SyncNode } from '../helpers/sync-node.ts'
import { restart, simulate, type World } from './simulation.ts'
import type { Disk } from './restarting-server.ts'

/** A few that always run. One that fails is to be added, with its cause. */
const pinned = Array.from({ length: 16 }, (_, index) => index + 1)

function memoryDisk(): Disk {
  const disk = createMemoryDisk()
  return { open: async () => createMemoryStore({ disk }) }
}

/** LevelDB in a folder of its own for the time of `run`. */
async function onLevel<T>(run: (disk: Disk) => Promise<T>): Promise<T> {
  const location = await mkdtemp(join(tmpdir(), 'parley-convergence-'))
  try {
    return await run({ open: () => openLevelStore({ location }) })
  } finally {
    await rm(location, { recursive: true })
  }
}

async function logOf({ store }: SyncNode['gate'], { conversation }: World): Promise<EntryRow[]> {
  const rows: EntryRow[] = []
  for await (const row of store.entriesNewestFirst(conversation)) rows.push(row)
  return rows.toReversed()
}

/** Everything that is promised of the end; how many messages there are. */
async function expectConverged(world: World): Promise<number> {
  expect(world.errors).toEqual([])
  await expectSameEverywhere(world)
  await expectVerdicts(world)
  expectNothingTakenBack(world)
  await restart(world)
  await bringTogether(world.server.node, world.devices)
  await expectSameEverywhere(world)
  await world.server.end()
  expect(world.server.errors()).toEqual([])
  return world.devices[0]?.folded.view().sent.length ?? 0
}

async function expectSameEverywhere(world: World): Promise<void> {
  const { server, devices, conversation } = world
  const { store } = server.node.gate
  const rows = await logOf(server.node.gate, world)
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, index) => index))
  const messages = await store.messages(conversation, { limit: rows.length + 1, take: 'oldest' })
  expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length)

  const fresh = new FakeDevice('bob', conversation, createDoc(0xffff_ffff))
  await bringTogether(server.node, [fresh])
  const whole = hex(Y.encodeStateAsUpdate(fresh.doc))
  for (const device of [...devices, fresh]) {
    expect(isSettled(device.doc)).toBe(true)
    expect(hex(Y.encodeStateAsUpdate(device.doc)) === whole, `the replica of ${device.user}`).toBe(true)
    const { sent, pending, lastSeq, title } = device.folded.view()
    expect(pending).toEqual([])
    expect(lastSeq).toBe(rows.length - 1)
    expect(sent).toEqual(messages)
    expect(title).toBe((await server.node.conversations.get(userId('ann'), conversation)).title)
    expect(device.folded.fold().fork).toBeUndefined()
  }
  fresh.disconnect()
}

/** Every entry has a place, in the order of its chain, and came out as it had to; every message id was accepted once. */
async function expectVerdicts(world: World): Promise<void> {
  const { server, written, posts, conversation, devices } = world
  const { store } = server.node.gate
  const accepted = new Map<string, string>()
  const lastSeqs = new Map<number, number>()
  for (const { client, clock, verdicts, message, user } of written) {
    const [place] = await store.places(conversation, clientId(client), [clock])
    if (place === undefined) throw new Error(`the entry ${client}/${clock} of ${user} was lost`)
    expect(verdicts).toContain(place.voidReason ?? 'accepted')
    expect(place.seq).toBeGreaterThan(lastSeqs.get(client) ?? -1)
    lastSeqs.set(client, place.seq)
    for (const { folded } of devices) expect(folded.fold().voidReason(client, clock)).toBe(place.voidReason)
    if (message === undefined || place.voidReason !== undefined) continue
    expect(accepted.has(message.id)).toBe(false)
    accepted.set(message.id, message.content)
  }
  // Rob may have been a reader all the time; of everybody else each message is there, however often it was appended.
  for (const { user, message, verdicts } of written) {
    if (user !== 'rob' && message !== undefined && verdicts.includes('accepted')) {
      expect(accepted.has(message.id) || verdicts.includes('id-taken')).toBe(true)
    }
  }
  for (const { user, entry, seq } of posts) {
    const found = seq === undefined ? undefined : await store.message(conversation, seq)
    expect(found).toMatchObject({ id: entry.id, user })
    accepted.set(entry.id, entry.content)
  }
  const messages = await store.messages(conversation, { limit: written.length + posts.length, take: 'oldest' })
  // What was edited says something else now; how that comes is for archiving.test.ts to see.
  const now = messages.map(
    ({ id, content, editedAt }) => [id, editedAt === undefined ? content : accepted.get(id)] as const,
  )
  expect(new Map(now)).toEqual(accepted)
}

/** What anybody was ever shown as sent still stands there, in its place. */
function expectNothingTakenBack({ devices, snapshots }: World): void {
  const final = devices[0]?.folded.view().sent ?? []
  for (const { sent } of snapshots) {
    for (const [index, shown] of sent.entries()) {
      const now = final[index]
      // What was changed since has its place, its author and its time.
      if (now === undefined || now.revision <= shown.revision) expect(now).toEqual(shown)
      else expect(placeOf(now)).toEqual(placeOf(shown))
    }
  }
}

function placeOf({ id, user, seq, createdAt, writtenAt }: StampedMessage): object {
  return { id, user, seq, createdAt, writtenAt }
}

function countOf({ counts }: World, name: string): number {
  return counts.get(name) ?? 0
}

describe('random clients', () => {
  test.each(pinned)('[SYNC4][SYNC7][DOC1] agree in the end, on the store in memory, seed %i', async (seed) => {
    const world = await simulate(seed, 800, memoryDisk())
    expect(await expectConverged(world)).toBeGreaterThan(100)
  })

  test.each(pinned.slice(0, 3))('[SYNC4][SYNC7][DOC1] agree in the end, on LevelDB, seed %i', async (seed) => {
    const count = await onLevel(async (disk) => expectConverged(await simulate(seed, 400, disk)))
    expect(count).toBeGreaterThan(50)
  })

  test('[SYNC4][SYNC7][DOC1] agree in the end, on both, with a seed of today', async () => {
    const seed = announceSeed('random clients')
    const inMemory = await expectConverged(await simulate(seed, 800, memoryDisk()))
    const onDisk = await onLevel(async (disk) => expectConverged(await simulate(seed, 400, disk)))
    expect(Math.min(inMemory, onDisk)).toBeGreaterThan(0)
  })

  test('[SYNC2][SYNC4] crashes in the middle of a commit take nothing back that was shown', async () => {
    let inFlight = 0
    for (const seed of [11, 12, 13]) {
      const world = await simulate(seed, 500, memoryDisk())
      inFlight += countOf(world, 'crash with a commit in flight')
      await expectConverged(world)
    }
    console.log(`crashes with a commit in flight: ${inFlight}`)
    expect(inFlight).toBeGreaterThan(0)
  })
})

describe('the check itself', () => {
  /** What it was given last is gone when it is opened again, although it was said to be written. */
  function forgetfulDisk(): Disk {
    const written: (readonly Commit[])[] = []
    return {
      open: async () => {
        if (written.length > 5) written.pop()
        const store = createMemoryStore({ beforeCommit: async (commits) => void written.push(commits) })
        for (const commits of written.splice(0)) await store.commit(commits)
        return store
      },
    }
  }

  test('[SYNC2] a store that answers before it has written is found out', async () => {
    const found: string[] = []
    for (let seed = 11; seed < 16; seed++) {
      const world = await simulate(seed, 500, forgetfulDisk())
      await expectConverged(world).catch((error: unknown) => found.push(`${String(error)} ${world.errors.join()}`))
    }
    console.log(`found out in ${found.length} of 5 runs`)
    expect(found.join()).toMatch(/server-behind/)
  })
})
