// People who write offline and online on several devices, over sockets that break, against a server that restarts and
// crashes; all of it decided by one seed. Knows no test runner and no kind of store.
import * as Y from 'yjs'

import { type MessageEntry, parseMessageId } from '../../shared/chat/entry.ts'
import { Fault } from '../../shared/fault.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { forgedUuidV7 } from '../helpers/adversarial-cast.ts'
import { clientId, createDoc, userId } from '../helpers/chain-doc.ts'
import { bringTogether, FakeDevice } from '../helpers/fake-device.ts'
import { createRandom, type Random } from '../helpers/seeded-random.ts'
import { drawEntry, type Written } from './entries.ts'
import { type Disk, type RestartingServer, startRestartingServer } from './restarting-server.ts'

/** What a device showed as sent at some moment. */
export interface Snapshot {
  readonly user: string
  readonly sent: readonly StampedMessage[]
}

export interface RestPost {
  readonly user: string
  readonly entry: MessageEntry
  /** Undefined until it was answered. */
  seq: number | undefined
}

export interface World {
  readonly random: Random
  readonly clock: { nowMs: number }
  readonly server: RestartingServer
  readonly conversation: ConversationId
  readonly devices: FakeDevice[]
  /** By how much the clock of each device is off, in ms. */
  readonly skewsMs: readonly number[]
  /** Everything appended on devices. */
  readonly written: Written[]
  readonly posts: RestPost[]
  readonly snapshots: Snapshot[]
  /** How often each thing was done. */
  readonly counts: Map<string, number>
  /** What should not have happened. */
  readonly errors: unknown[]
}

/** Ann owns it; dan is removed and comes back; rob is now a reader, now a writer. */
const people = ['ann', 'ann', 'bob', 'bob', 'cleo', 'dan', 'rob'] as const

const another = Symbol('another tab')

/** Lets things happen for so many steps; at the end everybody comes together and hears of everything. */
export async function simulate(seed: number, steps: number, disk: Disk): Promise<World> {
  const world = await begin(createRandom(seed), disk)
  const total = actions.reduce((sum, [weight]) => sum + weight, 0)
  for (let step = 0; step < steps; step++) {
    let ticket = world.random.below(total)
    const drawn = actions.find(([weight]) => (ticket -= weight) < 0)
    if (drawn === undefined) throw new Error('no action was drawn')
    const [, act] = drawn
    count(world, act.name)
    await act(world)
    world.clock.nowMs += world.random.below(50)
    await world.server.node.settled()
  }
  await comeTogether(world)
  return world
}

async function begin(random: Random, disk: Disk): Promise<World> {
  const clock = { nowMs: 1_700_000_000_000 }
  const server = await startRestartingServer(disk, { random, now: () => clock.nowMs })
  const writers = ['bob', 'cleo', 'dan'].map((user) => ({ user: userId(user), access: 'writer' as const }))
  const members = [...writers, { user: userId('rob'), access: 'reader' as const }]
  const { state } = await server.node.conversations.create(userId('ann'), { members })
  return {
    random,
    clock,
    server,
    conversation: state.id,
    devices: people.map((user) => new FakeDevice(user, state.id, createDoc(random.between(1, 0xffff_fffe)))),
    skewsMs: people.map(() => random.pick([0, 0, -3_600_000, 90_000, 7])),
    written: [],
    posts: [],
    snapshots: [],
    counts: new Map(),
    errors: [],
  }
}

const actions: readonly (readonly [weight: number, act: (world: World) => void | Promise<void>])[] = [
  [30, write],
  [25, deliverUp],
  [25, deliverDown],
  [20, connect],
  [4, disconnect],
  [4, repeat],
  [5, post],
  [3, changeAccess],
  [3, share],
  [2, reload],
  [5, hold],
  [8, pass],
  [5, open],
  [6, look],
  [1, restart],
  [2, crash],
]

function write({ random, devices, skewsMs, clock, written }: World): void {
  const index = random.below(devices.length)
  const device = devices[index]
  if (device === undefined) throw new Error('no such device')
  const client = clientId(device.doc.clientID)
  const drawn = Array.from({ length: random.pick([1, 1, 1, 2, 5]) }, () =>
    drawEntry({ random, device, atMs: clock.nowMs + (skewsMs[index] ?? 0), written }),
  )
  const first = Y.getState(device.doc.store, client)
  written.push(...drawn.map((one, offset) => ({ ...one, user: device.user, client, clock: first + offset })))
  device.append(...drawn.map(({ payload }) => payload))
}

function deliverUp({ random, devices }: World): void {
  random.pick(devices).deliverUp(random.between(1, 5))
}

function deliverDown({ random, devices }: World): void {
  random.pick(devices).deliverDown(random.between(1, 5))
}

async function connect({ random, devices, server }: World): Promise<void> {
  const device = random.pick(devices)
  if (!device.isConnected) await device.connect(server.node)
}

function disconnect({ random, devices }: World): void {
  random.pick(devices).disconnect()
}

/** Frames of before, once more and in any order. */
function repeat({ random, devices }: World): void {
  const device = random.pick(devices)
  if (!device.isConnected || device.sentUpdates.length === 0) return
  for (let left = random.between(1, 3); left > 0; left--) device.send(random.pick(device.sentUpdates))
}

function post(world: World): void {
  const { random, clock, posts } = world
  const again = posts.length > 0 && random.chance(0.3) ? random.pick(posts) : undefined
  const id = parseMessageId(forgedUuidV7(random))
  if (id === undefined) throw new Error('not a UUIDv7')
  const content = `over REST ${posts.length}`
  const entry = again?.entry ?? { kind: 'message', id, role: 'assistant', content, at: clock.nowMs }
  const request = { user: again?.user ?? random.pick(['ann', 'bob', 'cleo']), entry, seq: undefined }
  posts.push(request)
  send(world, request)
}

function send({ server, conversation, errors }: World, request: RestPost): void {
  server.node.conversations.post(userId(request.user), conversation, request.entry, undefined).then(
    ({ message }) => {
      request.seq = message.seq
    },
    (error: unknown) => {
      // A server that ends takes nothing more; the request is made again at the end.
      if (!(error instanceof Fault && error.code === 'restart')) errors.push(error)
    },
  )
}

function changeAccess({ random, server, conversation, errors }: World): void {
  const [user, access] = random.pick([
    ['rob', 'reader'],
    ['rob', 'writer'],
    ['dan', null],
    ['dan', 'writer'],
  ] as const)
  const entry = { kind: 'member', user: userId(user), access } as const
  server.node.conversations.apply(userId('ann'), conversation, entry).catch((error: unknown) => {
    const isHarmless = error instanceof Error && /no-target/.test(error.message)
    if (!isHarmless && !(error instanceof Fault && error.code === 'restart')) errors.push(error)
  })
}

/** Another tab of the same browser, of the same account or of another: it hears of everything that this one has. */
function share({ random, devices }: World): void {
  const [from, to] = [random.pick(devices), random.pick(devices)]
  if (from !== to) Y.applyUpdate(to.doc, Y.encodeStateAsUpdate(from.doc), another)
}

/** The page is opened again, with what the device kept; that is always whole. */
function reload({ random, devices, conversation }: World): void {
  const index = random.below(devices.length)
  const old = devices[index]
  if (old === undefined) throw new Error('no such device')
  old.disconnect()
  const doc = new Y.Doc()
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(old.doc))
  // As the SDK does: had it its id before it was loaded, Yjs would give it another.
  doc.clientID = old.doc.clientID
  const fresh = new FakeDevice(old.user, conversation, doc)
  fresh.closes.push(...old.closes)
  fresh.sentUpdates.push(...old.sentUpdates)
  devices[index] = fresh
}

function hold({ server }: World): void {
  server.node.gate.hold()
}

function pass({ server }: World): void {
  server.node.gate.pass()
}

function open({ server }: World): void {
  server.node.gate.open()
}

function look({ random, devices, snapshots }: World): void {
  const { user, folded } = random.pick(devices)
  snapshots.push({ user, sent: folded.view().sent })
}

/** In order; everybody's socket is gone. */
export async function restart({ server, devices }: World): Promise<void> {
  for (const device of devices) device.disconnect()
  await server.end()
  await server.start()
}

async function crash(world: World): Promise<void> {
  const { server, devices } = world
  if (server.node.gate.waiting().length > 0) count(world, 'crash with a commit in flight')
  for (const device of devices) device.disconnect()
  await server.crash()
  await server.start()
}

async function comeTogether(world: World): Promise<void> {
  const { server, devices, conversation, posts, errors } = world
  server.node.gate.open()
  const back = { kind: 'member', user: userId('dan'), access: 'writer' } as const
  await server.node.conversations.apply(userId('ann'), conversation, back)
  for (const request of posts) if (request.seq === undefined) send(world, request)
  await bringTogether(server.node, devices)
  // Once more for a device of dan's that was still being told that he was out.
  await bringTogether(server.node, devices)
  errors.push(...server.errors())
  for (const { user, closes } of devices) {
    const faults = closes.filter((code) => !(user === 'dan' && code === 'no-access'))
    if (faults.length > 0) errors.push(new Error(`${user} was closed: ${faults.join()}`))
  }
}

function count({ counts }: World, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
