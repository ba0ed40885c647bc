// Fan-out: people talk in many conversations at once, and everybody hears everything. CPU per message from a closed loop,
// latency from an open one; the servers take turns.
import { againstFloor, type Figure, median, type Outcome, valuesOf } from '../figure.ts'
import type { FanOutResult } from '../load/fan-out-load.ts'
import type { Load } from '../load/loads.ts'
import { startLoad, type Target } from '../processes.ts'
import type { Seat } from '../seat.ts'
import { cpuOf } from '../usage.ts'
import { closedVoids, openVoids, untilValid } from '../void-rules.ts'

const conversations = 20
const members = 10
const inFlight = 50
const warmUpMessages = 3000
const closedMessages = 8000
const closedRounds = 5
/** Of all conversations together: far below what one user may append, and what any of the servers can do. */
const ratesPerSecond = [200, 1000]
const openSeconds = 5
const mostRatio = 1.5

interface Lane {
  /** What is said of it when it goes wrong. */
  readonly label: string
  readonly target: Target
  readonly load: Load<'fan-out'>
  readonly cpuUs: number[]
  readonly perSecond: number[]
  readonly framesEach: number[]
}

interface OpenLane {
  readonly target: Target
  readonly cpuUs: number
  readonly result: FanOutResult
}

/** What went wrong with all lanes of a run. */
interface Troubles {
  readonly voids: string[]
  readonly failures: string[]
}

export async function fanOut(targets: readonly Target[]): Promise<Outcome> {
  const troubles: Troubles = { voids: [], failures: [] }
  const lanes = await openLanes('fan-out', targets, troubles)
  await driveClosed(lanes, troubles)
  const [cpu, ...others] = closedFigures('fan-out', lanes)
  const figures: Figure[] = [{ ...cpu, judged: againstFloor(cpu.values, mostRatio) }, ...others]
  for (const rate of ratesPerSecond) figures.push(...openFigures(rate, await driveOpen(lanes, rate, troubles)))
  for (const { load } of lanes) await load.close()
  return { figures, ...troubles }
}

/** The same on `parley.1`, each device with its conversation on a channel. */
export async function fanOutMux(targets: readonly Target[]): Promise<Outcome> {
  const troubles: Troubles = { voids: [], failures: [] }
  const lanes = await openLanes('fan-out on parley.1', targets, troubles)
  await driveClosed(lanes, troubles)
  for (const { load } of lanes) await load.close()
  const [cpu, ...others] = closedFigures('fan-out on parley.1', lanes)
  const { value, unit } = againstFloor(cpu.values, mostRatio)
  const ratio = { name: '  against the floor', unit, values: { Parley: value }, note: 'has no budget' }
  return { figures: [cpu, ratio, ...others], ...troubles }
}

async function openLanes(name: string, targets: readonly Target[], troubles: Troubles): Promise<readonly Lane[]> {
  const lanes: Lane[] = []
  for (const target of targets) {
    const label = `${name}, ${target.name}`
    const load = await startLoad('fan-out', { conversations: await seatsOf(target), seed: 1 })
    keepLosses(label, await load.run({ kind: 'closed', messages: warmUpMessages, inFlight }), troubles)
    lanes.push({ label, target, load, cpuUs: [], perSecond: [], framesEach: [] })
  }
  return lanes
}

async function driveClosed(lanes: readonly Lane[], troubles: Troubles): Promise<void> {
  for (let round = 0; round < closedRounds; round++) {
    for (const { label, target, load, cpuUs, perSecond, framesEach } of lanes) {
      const step = { kind: 'closed', messages: closedMessages, inFlight } as const
      const { measured, voids } = await untilValid(
        async () => {
          const driven = await cpuOf(target, () => load.run(step))
          keepLosses(label, driven.result, troubles)
          return driven
        },
        (driven) => closedVoids(label, driven),
      )
      troubles.voids.push(...voids)
      const { ms, result } = measured
      cpuUs.push((ms * 1000) / closedMessages)
      perSecond.push(closedMessages / result.seconds)
      framesEach.push(result.frames / result.deliveries)
    }
  }
}

async function driveOpen(lanes: readonly Lane[], rate: number, troubles: Troubles): Promise<readonly OpenLane[]> {
  const open: OpenLane[] = []
  for (const { label, target, load } of lanes) {
    const messages = rate * openSeconds
    const step = { kind: 'open', messages, perSecond: rate } as const
    const { measured, voids } = await untilValid(
      async () => {
        const driven = await cpuOf(target, () => load.run(step))
        keepLosses(label, driven.result, troubles)
        return driven
      },
      ({ result }) => openVoids(`${label}, ${rate}/s`, result),
    )
    troubles.voids.push(...voids)
    const { ms, result } = measured
    open.push({ target, cpuUs: (ms * 1000) / messages, result })
  }
  return open
}

function keepLosses(label: string, { deliveries, missing, duplicates }: FanOutResult, { failures }: Troubles): void {
  if (missing === 0 && duplicates === 0) return
  failures.push(`${label}: ${missing} of ${deliveries + missing} copies lost, ${duplicates} came twice`)
}

/** CPU first. */
function closedFigures(name: string, lanes: readonly Lane[]): readonly [Figure, ...Figure[]] {
  return [
    {
      name: `${name}, ${conversations} × ${members}, ${inFlight} in flight: server CPU per message`,
      unit: 'µs',
      values: valuesOf(lanes, ({ cpuUs }) => median(cpuUs)),
    },
    { name: '  messages per second', unit: '/s', values: valuesOf(lanes, ({ perSecond }) => median(perSecond)) },
    {
      name: '  frames for each copy delivered',
      unit: '',
      values: valuesOf(lanes, ({ framesEach }) => median(framesEach)),
    },
  ]
}

function openFigures(rate: number, lanes: readonly OpenLane[]): readonly Figure[] {
  return [
    {
      name: `fan-out, ${rate}/s: from due to delivered, p50`,
      unit: 'ms',
      values: valuesOf(lanes, ({ result }) => result.latency.p50),
    },
    { name: '  p99', unit: 'ms', values: valuesOf(lanes, ({ result }) => result.latency.p99) },
    {
      name: '  of which the generator was late, p99',
      unit: 'ms',
      values: valuesOf(lanes, ({ result }) => result.slip.p99),
    },
    { name: '  server CPU per message', unit: 'µs', values: valuesOf(lanes, ({ cpuUs }) => cpuUs) },
  ]
}

async function seatsOf(target: Target): Promise<readonly (readonly Seat[])[]> {
  const rooms: Seat[][] = []
  for (let number = 0; number < conversations; number++) {
    const users = Array.from({ length: members }, (_, index) => `user-${number}-${index}`)
    const { seat } = await target.room(users)
    rooms.push(users.map(seat))
  }
  return rooms
}
