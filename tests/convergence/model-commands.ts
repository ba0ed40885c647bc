// The commands of the model-based test: what people, their devices and their enemies do. Knows no test runner.
import * as fc from 'fast-check'
import * as Y from 'yjs'

import { jsonPayload } from '../helpers/adversarial-cast.ts'
import type { AcceptanceModel } from '../helpers/acceptance-model.ts'
import { Draw, drawFields, drawPayload, type EntryPick, entryKinds, names } from './model-entries.ts'
import { forge, recipeCount } from './model-forgeries.ts'
import type { ModelDevice, ModelRoom } from './model-room.ts'

export interface ModelWorld {
  readonly rooms: readonly ModelRoom[]
  readonly draw: Draw
  /** Passes time, in ms. */
  readonly wait: (ms: number) => void
  /** The server ends and starts again on its disk. */
  readonly restart: () => Promise<void>
  /** How often each thing was done. */
  readonly counts: Map<string, number>
}

export type Models = readonly AcceptanceModel[]

type Command = fc.AsyncCommand<Models, ModelWorld>

/** A command is data: a name, where, who, and numbers that say what. */
interface Step {
  readonly room: number
  readonly device: number
  readonly other: number
  readonly number: number
  readonly flag: boolean
  readonly picks: readonly EntryPick[]
}

interface Scene {
  readonly world: ModelWorld
  readonly room: ModelRoom
  readonly device: ModelDevice
  readonly other: ModelDevice
}

type Act = (scene: Scene, step: Step) => void | Promise<void>

async function write({ world, room, device }: Scene, { picks, flag, number }: Step): Promise<void> {
  const payloads = picks.map((pick) => drawPayload(pick, room, world.draw))
  const size = flag && number % 16 === 0 ? 256 * 1024 : 0
  if (size > 0) payloads.push(jsonPayload(`{"kind":"x","v":"${'x'.repeat(size + (number % 3) - 18)}"}`))
  await room.send(device, room.write(device, payloads, flag))
}

function goOffline({ device }: Scene): void {
  device.isOnline = false
}

async function comeBack({ room, device }: Scene, { flag }: Step): Promise<void> {
  if (!device.isOnline) await room.connect(device, flag)
}

/** What was sent before, once more: one, some of it merged, or the whole document. */
async function resend({ room, device }: Scene, { number, flag }: Step): Promise<void> {
  const { sent, doc } = device
  const from = number % Math.max(1, sent.length)
  const some = sent.slice(from, from + (flag ? 3 : 1))
  await room.take(device.user, some.length === 0 ? Y.encodeStateAsUpdate(doc) : Y.mergeUpdates(some))
}

/** Another tab hears of everything that this one has, and its socket passes it on. */
async function share({ room, device, other }: Scene): Promise<void> {
  if (device === other) return
  other.isOdd ||= device.isOdd
  await room.send(other, room.receive(other, Y.encodeStateAsUpdate(device.doc)))
}

/** Two copies of one browser profile. */
function fork({ room, device }: Scene): void {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(device.doc))
  if (room.devices.length > 14) return
  device.isOdd = true
  room.addDevice(device.user, device.client, doc).isOdd = true
}

/** What the device kept is older than what it was. */
function loseTail({ device }: Scene, { number }: Step): void {
  const save = device.saves[number % Math.max(1, device.saves.length)]
  if (save === undefined) return
  device.isOnline = false
  device.isOdd = true
  device.doc = new Y.Doc()
  Y.applyUpdate(device.doc, save)
  device.doc.clientID = device.client
}

/** Typed before the socket had its SyncStep1: what came before it was not sent. */
async function gap({ world, room, device }: Scene, { picks }: Step): Promise<void> {
  const [first = { kind: 0, target: 0, form: 0 }] = picks
  room.write(device, [drawPayload(first, room, world.draw)], false)
  await room.send(device, room.write(device, [drawPayload({ ...first, kind: 0 }, room, world.draw)], false))
}

/** No client of ours deletes. */
async function deletes({ room, device, other }: Scene, { number, flag }: Step): Promise<void> {
  const whose = flag ? device : other
  const chain = device.doc.getArray(`chain/${whose.client}/${whose.user}`)
  if (chain.length === 0) return
  device.isOdd = true
  const from = number % chain.length
  await room.send(
    device,
    room.change(device, () => chain.delete(from, Math.min(1 + (number % 3), chain.length - from))),
  )
}

async function request({ world, room }: Scene, { picks, other }: Step): Promise<void> {
  for (const pick of picks) {
    const fields = drawFields(pick, room, world.draw)
    const user = names[other % names.length] ?? 'ann'
    await room.request(user, fields)
    // A request is repeated when its answer was lost.
    if (pick.form % 2 === 0) await room.request(user, fields)
  }
}

async function forged({ world, room, device, other }: Scene, { number, flag, picks }: Step): Promise<void> {
  const [pick = { kind: 0, target: 0, form: 0 }] = picks
  const next = room.model.chain(device.client)?.next ?? 0
  const stranger = { client: other.client, user: other.user, next: room.model.chain(other.client)?.next ?? 0 }
  const bytes = forge(number, {
    room,
    user: device.user,
    own: { client: device.client, next },
    other: stranger,
    fresh: () => 5_000_000 + world.draw.next(),
    said: () => drawPayload(flag ? pick : { ...pick, kind: 0 }, room, world.draw),
  })
  // The chain goes on past its own device: that one has lost nothing, but is behind. So may that of another device of the user.
  device.isOdd = true
  if (other.user === device.user) other.isOdd = true
  await room.take(device.user, bytes)
}

/** One device passes on all that several have. */
async function merged({ room, device, other }: Scene, { number }: Step): Promise<void> {
  const third = room.devices[number % room.devices.length] ?? other
  await room.take(device.user, Y.mergeUpdates([device, other, third].map(({ doc }) => Y.encodeStateAsUpdate(doc))))
}

/** Several write while the disk is busy. */
async function atOnce({ world, room, device, other }: Scene, { picks, number }: Step): Promise<void> {
  const frames: { readonly user: string; readonly update: Uint8Array }[] = []
  for (const [index, pick] of picks.entries()) {
    const writer = [device, other][(number >> index) % 2] ?? device
    if (!writer.isOnline) continue
    const updates = room.write(writer, [drawPayload(pick, room, world.draw)], false)
    writer.sent.push(...updates)
    frames.push(...updates.map((update) => ({ user: writer.user, update })))
  }
  const answers = frames.length === 0 ? [] : await room.takeAtOnce(frames)
  for (const [index, { kind }] of answers.entries()) {
    for (const one of [device, other]) if (kind === 'fault' && one.user === frames[index]?.user) one.isOnline = false
  }
}

/** More than a slice: nearly all of it void, so that the document stays small. */
async function backlog({ world, room, device }: Scene, { picks, number }: Step): Promise<void> {
  const bad = Array.from({ length: 1010 + (number % 40) }, () => jsonPayload('{'))
  const good = picks.map((pick) => drawPayload(pick, room, world.draw))
  await room.send(device, room.write(device, [...bad, ...good], false))
}

function restart({ world }: Scene): Promise<void> {
  return world.restart()
}

function dayPasses({ world }: Scene): void {
  world.wait(25 * 60 * 60 * 1000)
}

const acts: readonly (readonly [weight: number, act: Act])[] = [
  [30, write],
  [18, comeBack],
  [5, goOffline],
  [8, resend],
  [6, share],
  [2, fork],
  [3, loseTail],
  [4, gap],
  [4, deletes],
  [10, request],
  [14, forged],
  [4, merged],
  [6, atOnce],
  [1, backlog],
  [3, restart],
  [1, dayPasses],
]

const entryPick = fc.record({
  kind: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.nat(entryKinds - 1) }),
  target: fc.nat(30),
  form: fc.nat(11),
})

const step = fc.record({
  room: fc.nat(1),
  device: fc.nat(15),
  other: fc.nat(15),
  number: fc.nat(recipeCount * 16 - 1),
  flag: fc.boolean(),
  picks: fc.array(entryPick, { minLength: 1, maxLength: 4 }),
})

function commandOf(act: Act, does: Step): Command {
  return {
    check: () => true,
    run: async (_models, world) => {
      const room = world.rooms[does.room % world.rooms.length]
      const device = room?.devices[does.device % room.devices.length]
      const other = room?.devices[does.other % room.devices.length]
      if (room === undefined || device === undefined || other === undefined) throw new Error('an empty world')
      world.counts.set(act.name, (world.counts.get(act.name) ?? 0) + 1)
      await act({ world, room, device, other }, does)
      for (const one of world.rooms) await one.check()
    },
    toString: () => `${act.name} ${JSON.stringify(does)}`,
  }
}

/** One arbitrary for each kind of command is drawn as often as another, so the weights are within one. */
const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  ...acts.map(([weight, act]) => ({ weight, arbitrary: step.map((does) => commandOf(act, does)) })),
)

export function commands(maxCommands: number): fc.Arbitrary<Iterable<Command>> {
  return fc.commands([anyCommand], { maxCommands, size: 'max' })
}

/** The end of a run: everybody who may comes back, and hears of everything. */
export async function comeTogether({ rooms }: ModelWorld): Promise<void> {
  for (const room of rooms) {
    for (const device of room.devices) if (!device.isOnline) await room.connect(device, false)
    await room.check()
  }
}
