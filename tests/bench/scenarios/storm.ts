// Storm: many devices come back at the same moment with nothing missed, as after a cut of the network.
import { againstFloor, atMost, median, type Outcome, valuesOf } from '../figure.ts'
import type { Load } from '../load/loads.ts'
import { startLoad, type Target } from '../processes.ts'
import { cpuOf } from '../usage.ts'
import { crowdVoids } from '../void-rules.ts'
import { chains, roomWithHistory, users } from '../history.ts'

const devices = 100
const messages = 1000
const warmUps = 3
/** A storm takes few of the ticks in which CPU is counted: their sum over many counts. */
const rounds = 20
const mostRatio = 2
const mostBytes = 1024

interface Lane {
  readonly target: Target
  readonly load: Load<'storm'>
  cpuMs: number
  waitedMs: number
  readonly ms: number[]
  sentBytes: number
  receivedBytes: number
}

export async function storm(targets: readonly Target[]): Promise<Outcome> {
  const lanes: Lane[] = []
  for (const target of targets) {
    const { seat } = await roomWithHistory(target, { messages, perUpdate: 10 })
    const seats = Array.from({ length: devices }, (_, index) => seat(users[index % chains] ?? ''))
    const load = await startLoad('storm', { seats, messages })
    lanes.push({ target, load, cpuMs: 0, waitedMs: 0, ms: [], sentBytes: 0, receivedBytes: 0 })
  }
  for (let round = -warmUps; round < rounds; round++) {
    for (const lane of lanes) {
      const { ms, waitedMs, result } = await cpuOf(lane.target, () => lane.load.run('connect'))
      await lane.load.run('disconnect')
      if (round < 0) continue
      lane.cpuMs += ms
      lane.waitedMs += waitedMs
      lane.ms.push(result.seconds * 1000)
      lane.sentBytes = Math.max(lane.sentBytes, result.sentBytes)
      lane.receivedBytes = Math.max(lane.receivedBytes, result.receivedBytes)
    }
  }
  for (const { load } of lanes) await load.close()
  const cpu = valuesOf(lanes, ({ cpuMs }) => cpuMs / rounds / devices)
  const received = valuesOf(lanes, ({ receivedBytes }) => receivedBytes)
  const sent = valuesOf(lanes, ({ sentBytes }) => sentBytes)
  return {
    figures: [
      {
        name: `storm, ${devices} devices back, ${chains} chains: server CPU each`,
        unit: 'ms',
        values: cpu,
        judged: againstFloor(cpu, mostRatio),
      },
      { name: '  until the last one is in', unit: 'ms', values: valuesOf(lanes, ({ ms }) => median(ms)) },
      { name: '  a device receives', unit: 'B', values: received, judged: atMost(received, 'B', mostBytes) },
      { name: '  a device sends', unit: 'B', values: sent, judged: atMost(sent, 'B', mostBytes) },
    ],
    voids: lanes.flatMap((lane) =>
      crowdVoids(`storm, ${lane.target.name}`, { ms: lane.cpuMs, waitedMs: lane.waitedMs }),
    ),
    failures: [],
  }
}
