// Opening a long conversation and a short one on the same server, in turn: from a new device, and from one that has missed
// a few messages.
import { againstShort, withinBudget, type Pair } from '../against-short.ts'
import { type Figure, median, type Outcome } from '../figure.ts'
import { type LongRoom, type LongStore, missed, seatIn, shortMessages } from '../long-store.ts'
import { type Parley, type Signer, startLoad, startParley } from '../processes.ts'
import { cpuOf } from '../usage.ts'

/** CPU is counted in ticks of which an opening takes few: several in each round. */
const openings = 10
const rounds = 8
const mostReceivedKb = 300

interface Opened {
  readonly ms: readonly number[]
  readonly receivedBytes: number
  /** Messages in the document, where they are counted. */
  readonly live?: number
}

/** One way of opening, of one room. */
interface Lane {
  readonly open: (openings: number) => Promise<Opened>
  readonly close: () => Promise<void>
  readonly ms: number[]
  cpuMs: number
  receivedBytes: number
  live: number
}

interface Lanes {
  readonly short: Lane
  readonly long: Lane
}

export async function longOpen(signer: Signer, store: LongStore): Promise<Outcome> {
  const server = await startParley(signer, { dataDir: store.dataDir })
  try {
    const cold = {
      short: await coldLane(server, signer, store.short),
      long: await coldLane(server, signer, store.long),
    }
    const back = {
      short: await backLane(server, signer, store.short),
      long: await backLane(server, signer, store.long),
    }
    const lanes = [cold.short, cold.long, back.short, back.long]
    for (let round = -1; round < rounds; round++) {
      for (const lane of lanes) {
        const { ms, result } = await cpuOf(server, () => lane.open(openings))
        // The first round warms up.
        if (round < 0) continue
        lane.cpuMs += ms / rounds / openings
        lane.ms.push(...result.ms)
        lane.receivedBytes = result.receivedBytes
        lane.live = result.live ?? 0
      }
    }
    for (const lane of lanes) await lane.close()
    return { figures: figuresOf(store, cold, back), voids: [], failures: [] }
  } finally {
    await server.stop()
  }
}

async function coldLane(server: Parley, signer: Signer, room: LongRoom): Promise<Lane> {
  const { messages } = room
  const load = await startLoad('cold-open', { seat: await seatIn(server, signer, room), messages, isOrdered: true })
  return { open: load.run, close: load.close, ms: [], cpuMs: 0, receivedBytes: 0, live: 0 }
}

async function backLane(server: Parley, signer: Signer, room: LongRoom): Promise<Lane> {
  const { messages, before: document } = room
  const load = await startLoad('reopen', { seat: await seatIn(server, signer, room) })
  const open = (count: number): Promise<Opened> => load.run({ openings: count, messages, document })
  return { open, close: load.close, ms: [], cpuMs: 0, receivedBytes: 0, live: 0 }
}

function figuresOf({ long, fillSeconds }: LongStore, cold: Lanes, back: Lanes): readonly Figure[] {
  const size = long.messages.toLocaleString('en')
  const short = shortMessages.toLocaleString('en')
  const pair = ({ short: a, long: b }: Lanes, of: (lane: Lane) => number): Pair => ({ short: of(a), long: of(b) })
  const receivedKb = (lanes: Lanes): Pair => pair(lanes, ({ receivedBytes }) => receivedBytes / 1024)
  return [
    {
      name: `writing ${size} messages by 50 devices`,
      unit: 's',
      values: { Parley: fillSeconds },
      note: `${Math.round(long.messages / fillSeconds)} messages per second`,
    },
    againstShort(
      `a new device opens ${size} messages, against ${short}: until the document has its window`,
      'ms',
      pair(cold, ({ ms }) => median(ms)),
    ),
    againstShort(
      '  server CPU',
      'ms',
      pair(cold, ({ cpuMs }) => cpuMs),
    ),
    withinBudget('  received', receivedKb(cold), { unit: 'KB', most: mostReceivedKb }),
    againstShort('  received, against the short one', 'KB', receivedKb(cold)),
    {
      name: '  messages in its document',
      unit: '',
      values: { Parley: cold.long.live },
      note: `${cold.short.live} in the short one`,
    },
    againstShort(
      `a device is back that missed ${missed} of ${size} messages, against ${short}: until the document has them`,
      'ms',
      pair(back, ({ ms }) => median(ms)),
    ),
    againstShort(
      '  server CPU',
      'ms',
      pair(back, ({ cpuMs }) => cpuMs),
    ),
    againstShort('  received', 'KB', receivedKb(back)),
  ]
}
