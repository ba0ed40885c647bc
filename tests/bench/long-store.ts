// A data folder with a long conversation and a short one, of the same fifty people: filled through the front door at its
// first use, shared by the scenarios of a run, removed when this process ends.
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { limits } from '../../shared/limits.ts'
import { emptyUpdate } from '../../shared/sync/chain-update/encode-update.ts'
import type { BacklogStep } from './load/backlog-load.ts'
import { type Parley, parleySeat, type Signer, startLoad, startParley } from './processes.ts'
import type { Seat } from './seat.ts'
import { quiet } from './usage.ts'

export interface LongRoom {
  readonly id: string
  readonly messages: number
  /** The document of a device that has not seen the newest `missed`, as one update. */
  readonly before: Uint8Array
}

export interface LongStore {
  /** Its `data` is the data folder. */
  readonly folder: string
  readonly dataDir: string
  readonly long: LongRoom
  readonly short: LongRoom
  /** Ids of conversations of the same people: the first is as short, the rest have no messages. */
  readonly others: readonly string[]
  /** How long filling the long one took. */
  readonly fillSeconds: number
}

export const shortMessages = 1000
export const missed = 10
export const people: readonly string[] = Array.from({ length: 50 }, (_, index) => `user-${index}`)
export const reader = 'user-0'

/** In each update of the long past: less than a slice, so that each is one commit. */
const perUpdate = 1000
/**
 * The newest are written one by one, as in the short conversation, which has one archiving behind it then: all its people
 * but the owner are an entry each. So many that the document goes through two archivings meanwhile and has as many live
 * entries in the end as that of the short one.
 */
const oneByOne =
  people.length - 1 + shortMessages - limits.keptEntries + (limits.windowEntries + 1 - limits.keptEntries)
const emptyRooms = 8

/** Filled when it is first asked for; the same for all who ask. */
export function createLongStore(signer: Signer): (messages: number) => Promise<LongStore> {
  let filled: Promise<LongStore> | undefined
  return (messages) => (filled ??= fill(signer, messages))
}

/** A seat on a server of this signer's that uses the folder. */
export async function seatIn({ port }: Parley, signer: Signer, { id }: Pick<LongRoom, 'id'>): Promise<Seat> {
  return parleySeat('stock', { port, room: id, user: reader, token: await signer.token(reader) })
}

async function fill(signer: Signer, messages: number): Promise<LongStore> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-long-'))
  // A server that was killed a moment ago may still be writing.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const dataDir = join(folder, 'data')
  console.error(`filling a conversation with ${messages.toLocaleString('en')} messages …`)
  const server = await startParley(signer, { dataDir })
  try {
    const short = await fillRoom(server, shortMessages)
    const others = [(await fillRoom(server, shortMessages)).id]
    for (let room = 0; room < emptyRooms; room++) others.push((await server.room(people)).id)
    const start = performance.now()
    const long = await fillRoom(server, messages)
    const fillSeconds = (performance.now() - start) / 1000
    console.error(`… in ${Math.round(fillSeconds)} s: ${Math.round(messages / fillSeconds)} messages per second`)
    // The store puts its files in order.
    await quiet(server)
    return { folder, dataDir, long, short, others, fillSeconds }
  } finally {
    await server.stop()
  }
}

async function fillRoom(server: Parley, messages: number): Promise<LongRoom> {
  const { id, seat } = await server.room(people)
  const backlog = await startLoad('backlog', { reader: seat(reader), writers: people.map(seat) })
  const device = await startLoad('reopen', { seat: seat(reader) })
  const seen = messages - missed
  for (const step of steps(messages, seen)) await backlog.run(step)
  const { document } = await device.run({ openings: 1, messages: seen, document: emptyUpdate })
  await backlog.run({ first: seen, messages: missed, perUpdate: 1 })
  await Promise.all([backlog.close(), device.close()])
  return { id, messages, before: document }
}

/** What is written of `messages` before the device looks in, which sees `seen`. */
function steps(messages: number, seen: number): readonly BacklogStep[] {
  const past = Math.max(0, messages - oneByOne)
  // Whole updates at the end, each of which is archived at once.
  const odd = past % perUpdate
  return [
    { first: 0, messages: odd, perUpdate },
    { first: odd, messages: past - odd, perUpdate },
    { first: past, messages: seen - past, perUpdate: 1 },
  ]
}
