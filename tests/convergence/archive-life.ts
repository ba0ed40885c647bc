// People whose conversation is archived all the time, over a bad network, against a server that restarts and crashes; all of it
// decided by one seed. Knows no test runner and no kind of store.
import * as Y from 'yjs'

import type { WindowRules } from '../../server/chat/archiving.ts'
import { Refused } from '../../server/conversations.ts'
import type { Head } from '../../server/storage/conversation-store.ts'
import type { MessageEntry, MessageId } from '../../shared/chat/entry.ts'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { encodeStep1 } from '../../shared/sync/wire.ts'
import { clientId, createDoc, userId } from '../helpers/chain-doc.ts'
import { deliverAll, FakeDevice } from '../helpers/fake-device.ts'
import { createRandom, type Random } from '../helpers/seeded-random.ts'
import { drawArchiveEntry, drawHeldChange, drawMessage } from './archive-entries.ts'
import { type Disk, type RestartingServer, startRestartingServer } from './restarting-server.ts'

/** So small that a few hundred entries are archived many times. */
const window: WindowRules = { entries: 24, bytes: 6000, keptEntries: 10, keptBytes: 2500, keptAtLeast: 3 }
const people = ['ann', 'ann', 'bob', 'cleo', 'rob'] as const

/** A message over REST, which is asked for again until it is answered. */
export interface Post {
  readonly user: string
  readonly entry: MessageEntry
  /** Undefined until it was answered. */
  seq: number | undefined
}

/** What a device had at some moment. */
interface Copy {
  readonly device: FakeDevice
  readonly document: Uint8Array
  readonly stateVector: Uint8Array
}

export interface World {
  readonly random: Random
  readonly server: RestartingServer
  readonly id: ConversationId
  readonly devices: FakeDevice[]
  /** Of all messages that anybody wrote; by whom. */
  readonly messages: Map<MessageId, string>
  readonly appended: Map<string, { readonly client: number; readonly clock: number }>
  readonly posts: Post[]
  readonly copies: Copy[]
  /** How often each thing was done. */
  readonly counts: Map<string, number>
  /** What should not have happened. */
  readonly errors: unknown[]
  /** How often it was archived. */
  archivings: number
  atMs: number
  /** Clock of the newest checkpoint that was seen. */
  checkpoint: number | null
}

export async function begin(seed: number, disk: Disk): Promise<World> {
  const random = createRandom(seed)
  let nowMs = 1_700_000_000_000
  const server = await startRestartingServer(disk, { random, window, now: () => nowMs++ })
  const members = [
    { user: userId('bob'), access: 'writer' as const },
    { user: userId('cleo'), access: 'admin' as const },
    { user: userId('rob'), access: 'reader' as const },
  ]
  const { state } = await server.node.conversations.create(userId('ann'), { members })
  return {
    random,
    server,
    id: state.id,
    devices: people.map((user) => newDevice(random, user, state.id)),
    messages: new Map(),
    appended: new Map(),
    posts: [],
    copies: [],
    counts: new Map(),
    errors: [],
    archivings: 0,
    atMs: nowMs,
    checkpoint: null,
  }
}

export async function step(world: World): Promise<void> {
  const { random, devices, server } = world
  let ticket = random.below(totalWeight)
  const [, act] = actions.find(([weight]) => (ticket -= weight) < 0) ?? []
  if (act === undefined) throw new Error('no action was drawn')
  const device = random.pick(devices)
  world.counts.set(act.name, (world.counts.get(act.name) ?? 0) + 1)
  await act(world, device)
  await server.node.settled()
  device.folded.view()
  const { checkpoint } = await headOf(world)
  if (checkpoint !== world.checkpoint) world.archivings++
  world.checkpoint = checkpoint
}

/** Everybody reads again, everything is let through and asked for once more. */
export async function calm(world: World): Promise<void> {
  const { server, devices, posts } = world
  server.node.gate.open()
  for (const device of devices) device.bufferedBytes = 0
  for (const asked of posts) if (asked.seq === undefined) send(world, asked)
  await server.node.settled()
}

export async function headOf({ server, id }: World): Promise<Head> {
  const stored = await server.node.gate.store.head(id)
  if (stored?.kind !== 'head') throw new Error('no head')
  return stored.head
}

type Act = (world: World, device: FakeDevice) => void | Promise<void>

const actions: readonly (readonly [weight: number, act: Act])[] = [
  [80, write],
  [40, deliverUp],
  [40, deliverDown],
  [20, connect],
  [6, disconnect],
  [4, comeNew],
  [4, reload],
  [4, talk],
  [12, post],
  [12, apply],
  [6, keepCopy],
  [4, askAsOfOld],
  [2, comeBackOld],
  [4, readSlowly],
  [6, readAgain],
  [3, hold],
  [12, open],
  [1, restart],
  [2, crash],
]
/** What can happen, by name. */
export const happenings: readonly string[] = actions.map(([, act]) => act.name)
const totalWeight = actions.reduce((sum, [weight]) => sum + weight, 0)

function newDevice(random: Random, user: string, id: ConversationId): FakeDevice {
  return new FakeDevice(user, id, createDoc(random.between(1, 0xffff_fffe)))
}

function write(world: World, device: FakeDevice): void {
  const { random, messages, appended } = world
  const client = clientId(device.doc.clientID)
  for (let count = random.pick([1, 1, 2, 7]); count > 0; count--) {
    const clock = Y.getState(device.doc.store, client)
    appended.set(`${client}/${clock}`, { client, clock })
    device.append(drawArchiveEntry({ random, device, messages, atMs: (world.atMs += random.below(1000)) }))
  }
}

function deliverUp({ random }: World, device: FakeDevice): void {
  device.deliverUp(random.between(1, 6))
}

function deliverDown({ random }: World, device: FakeDevice): void {
  device.deliverDown(random.between(1, 4))
}

async function connect({ server }: World, device: FakeDevice): Promise<void> {
  if (!device.isConnected) await device.connect(server.node)
}

function disconnect(_world: World, device: FakeDevice): void {
  device.disconnect()
}

function comeNew({ random, devices, id }: World): void {
  devices.push(newDevice(random, random.pick(people), id))
}

/** The page is opened again, with what the device kept. */
function reload({ devices, id }: World, device: FakeDevice): void {
  device.disconnect()
  const doc = new Y.Doc()
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(device.doc))
  doc.clientID = device.doc.clientID
  devices[devices.indexOf(device)] = new FakeDevice(device.user, id, doc)
}

/** Others talk for long enough that the window moves on. */
async function talk(world: World, device: FakeDevice): Promise<void> {
  const { random, devices, server } = world
  server.node.gate.open()
  const writers = devices.filter((other) => other !== device)
  for (let count = 0; count < 3; count++) {
    const other = random.pick(writers)
    if (!other.isConnected) await other.connect(server.node)
    for (let turn = 0; turn < 4; turn++) write(world, other)
    await deliverAll(server.node, [other])
  }
}

/** Over REST, on a held chain; now and then once more. */
function post(world: World): void {
  const { random, posts, messages } = world
  const again = posts.length > 0 && random.chance(0.2) ? random.pick(posts) : undefined
  const user = random.pick(['ann', 'bob', 'cleo'])
  const fresh = again ?? {
    user,
    entry: drawMessage({ random, atMs: (world.atMs += random.below(1000)) }),
    seq: undefined,
  }
  if (again === undefined) posts.push(fresh)
  messages.set(fresh.entry.id, fresh.user)
  send(world, fresh)
}

function send({ server, id, errors }: World, asked: Post): void {
  server.node.conversations.post(userId(asked.user), id, asked.entry, undefined).then(
    ({ message }) => {
      asked.seq = message.seq
    },
    (error: unknown) => {
      if (!isEnd(error)) errors.push(error)
    },
  )
}

/** Something else than a message on a held chain; the rules may refuse it. */
function apply(world: World, device: FakeDevice): void {
  const { random, messages, server, id, errors } = world
  const entry = drawHeldChange({ random, device, messages, atMs: (world.atMs += random.below(1000)) })
  server.node.conversations.apply(userId(device.user), id, entry).catch((error: unknown) => {
    if (!(error instanceof Refused) && !isEnd(error)) errors.push(error)
  })
}

/** A server that ends takes nothing more. */
function isEnd(error: unknown): boolean {
  return error instanceof Fault && (error.code === 'restart' || error.code === 'no-access')
}

function keepCopy({ copies }: World, device: FakeDevice): void {
  const { doc } = device
  copies.push({ device, document: Y.encodeStateAsUpdate(doc), stateVector: Y.encodeStateVector(doc) })
}

/** A device asks for what it lacks, and says that it has what it had long ago. */
async function askAsOfOld({ random, copies, server }: World): Promise<void> {
  if (copies.length === 0) return
  const { device, stateVector } = random.pick(copies)
  if (!device.isConnected) await device.connect(server.node)
  device.send(encodeStep1(stateVector))
}

/** What a device had long ago, with its entries that were pending then, on another device of the same user. */
function comeBackOld({ random, copies, devices, id }: World): void {
  if (copies.length === 0) return
  const { device, document } = random.pick(copies)
  const old = newDevice(random, device.user, id)
  Y.applyUpdate(old.doc, document)
  devices.push(old)
}

/** From now on more waits for a device than it is relayed. */
function readSlowly(_world: World, device: FakeDevice): void {
  device.bufferedBytes = limits.socketBufferSoftBytes + 1
}

function readAgain({ devices }: World): void {
  for (const device of devices) device.bufferedBytes = 0
}

function hold({ server }: World): void {
  server.node.gate.hold()
}

function open({ server }: World): void {
  server.node.gate.open()
}

/** In order; everybody's socket is gone. */
async function restart({ server, devices }: World): Promise<void> {
  for (const device of devices) device.disconnect()
  await server.end()
  await server.start()
}

async function crash({ server, devices }: World): Promise<void> {
  for (const device of devices) device.disconnect()
  await server.crash()
  await server.start()
}
