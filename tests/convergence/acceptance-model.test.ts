// What the server accepts is held against the plain model of DESIGN §4, command by command, whatever comes in whatever order.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { createMemoryDisk } from '../../server/storage/memory/memory-disk.ts'
import { createMemoryStore } from '../../server/storage/memory/memory-store.ts'
import { AcceptanceModel, type Rule, rules } from '../helpers/acceptance-model.ts'
import { userId } from '../helpers/chain-doc.ts'
import { rounds } from '../helpers/long-run.ts'
import { announceSeed, createRandom } from '../helpers/seeded-random.ts'
import { createSyncNode, endlessWindow, type SyncNode } from '../helpers/sync-node.ts'
import { content, item, section, skipStruct, update } from '../helpers/update-forge.ts'
import { comeTogether, commands, type Models, type ModelWorld } from './model-commands.ts'
import { Draw } from './model-entries.ts'
import { ModelRoom } from './model-room.ts'

/** A few that always run, with how many runs. One that fails is to be added, with its cause. */
const pinned = [
  [1, 4],
  [2, 4],
  [3, 4],
  // Words that a long backlog takes back itself; a clientID that was taken, beside a redaction.
  [1_647_303_713, 8],
  // What a device wrote offline was heard by another, before something else came to stand in its place.
  [351_408_675, 8],
] as const

const access = { bob: 'admin', cleo: 'writer', rob: 'reader', dan: 'writer', anna: 'writer' } as const

/** Of eve, who is no member, too; one clientID is the least that there is, one the greatest. */
const clients: readonly (readonly [user: string, client: number])[] = [
  ['ann', 1001],
  ['ann', 0],
  ['bob', 2001],
  ['cleo', 0xffff_ffff],
  ['cleo', 3002],
  ['rob', 4001],
  ['dan', 5001],
  ['anna', 6001],
  ['eve', 7001],
]

/** Two conversations of the same people, whose devices have the same clientIDs in both. */
async function begin(forgets: readonly Rule[] = []): Promise<{ model: Models; real: ModelWorld }> {
  const clock = { nowMs: 1_700_000_000_000 }
  const random = createRandom(7)
  const disk = createMemoryDisk()
  const start = (): SyncNode =>
    createSyncNode({ store: createMemoryStore({ disk }), random, now: () => clock.nowMs++, window: endlessWindow })
  let node = start()
  const rooms: ModelRoom[] = []
  for (let count = 0; count < 2; count++) {
    const id = await node.create('ann')
    const lease = await node.registry.acquire(id)
    const model = new AcceptanceModel('ann', lease.live.ledger.durable().serverClient, forgets)
    const room = new ModelRoom(node, lease, 'ann', model)
    for (const [user, level] of Object.entries(access)) {
      await room.request('ann', { kind: 'member', user: userId(user), access: level })
    }
    for (const [user, client] of clients) room.addDevice(user, client)
    for (const device of room.devices.slice(0, 6)) await room.connect(device, true)
    rooms.push(room)
  }
  const world: ModelWorld = {
    rooms,
    draw: new Draw(),
    counts: new Map(),
    wait: (ms) => {
      clock.nowMs += ms
    },
    restart: async () => {
      await node.commits.idle()
      node = start()
      for (const room of rooms) await room.restart(node)
    },
  }
  return { model: rooms.map(({ model }) => model), real: world }
}

/** Runs many commands; the counts of all that was done. */
async function run(
  seed: number,
  runs: number,
  length: number,
  forgets: readonly Rule[] = [],
): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const count = (name: string, by = 1): void => void counts.set(name, (counts.get(name) ?? 0) + by)
  const property = fc.asyncProperty(commands(length), async (drawn) => {
    const setup = await begin(forgets)
    await fc.asyncModelRun(() => setup, drawn)
    await comeTogether(setup.real)
    for (const [name, times] of setup.real.counts) count(name, times)
    for (const { faults } of setup.real.rooms) for (const [code, times] of faults) count(`! ${code}`, times)
    for (const { log } of setup.model) for (const { reason = 'accepted' } of log) count(`: ${reason}`)
  })
  await fc.assert(property, { seed, numRuns: runs, endOnFailure: forgets.length > 0 })
  return counts
}

/** A failing run is shrunk, which takes much longer than one that holds. */
const longMs = 240_000

describe('acceptance', { timeout: longMs }, () => {
  test.each(pinned)('[ACCEPT3][SYNC4][SYNC7][DOC1] is what the model says, seed %i', async (seed, runs) => {
    const counts = await run(seed, runs, 80)
    expect(counts.get(': accepted')).toBeGreaterThan(100)
  })

  test('[ACCEPT3][SYNC4][SYNC7][DOC1] is what the model says, with a seed of today', async () => {
    const counts = await run(announceSeed('acceptance model'), rounds(8, 40), 80)
    console.log(`acceptance model: ${[...counts].map(([name, times]) => `${name} ${times}`).join(', ')}`)
    expect(counts.get(': accepted')).toBeGreaterThan(0)
  })
})

/** What was found so, each with its cause. */
describe('found by the model', () => {
  const { client, user } = { client: 3002, user: 'cleo' }
  const root = `chain/${client}/${user}`

  test.each<readonly [string, readonly Uint8Array[]]>([
    ['has no structs', []],
    ['begins with a Skip', [skipStruct(2), item({ parent: root, content: content.binary([1]) })]],
  ])('[ACCEPT3] an own section from clock 0 that %s names no root, and is no fault', async (_name, structs) => {
    const { real } = await begin()
    const [room] = real.rooms
    const device = room?.devices.find((one) => one.client === client)
    if (room === undefined || device === undefined) throw new Error('an empty world')
    await room.send(device, room.write(device, [Uint8Array.of(1)], true))
    expect(await room.take(user, update([section(client, 0, structs)]))).toEqual({ kind: 'taken', gap: false })
    await room.check()
    expect(room.model.log.at(-1)).toMatchObject({ chain: `${client}`, clock: 0, reason: 'bad-json' })
  })
})

describe('the model itself', { timeout: longMs }, () => {
  test.each(rules)('[ACCEPT3] one without the rule %s is found out', async (rule) => {
    const found: unknown = await run(1, 200, 60, [rule]).catch((error: unknown) => error)
    // By a difference, and not by something else that broke.
    expect(found instanceof Error && String(found.cause)).toMatch(/server .*model/s)
  })
})
