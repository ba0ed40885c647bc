// Cold open: a device that has nothing opens a conversation. Nobody else has it open, so a server that keeps documents
// loads it first.
import { type Figure, median, type Outcome, valuesOf } from '../figure.ts'
import { startLoad, type Target } from '../processes.ts'
import { cpuOf } from '../usage.ts'
import { roomWithHistory, users } from '../history.ts'
import { limits } from '../../../shared/limits.ts'

const short = 1000
/** Ten times as long, and as far behind its last archiving: so that both have as much in their window. */
const long = short + 18 * (limits.windowEntries + 1 - limits.keptEntries)
const sizes = [short, long]
const warmUps = 2
const openings = 9
const mostRatio = 1.3

interface Opened {
  readonly target: Target
  readonly ms: number
  readonly cpuMs: number
  readonly receivedBytes: number
}

/** The floor has nothing to open. */
export async function coldOpen(targets: readonly Target[]): Promise<Outcome> {
  const figures: Figure[] = []
  const times: number[] = []
  for (const messages of sizes) {
    const lanes: Opened[] = []
    for (const target of targets) {
      const { seat } = await roomWithHistory(target, { messages, perUpdate: 1 })
      const { isOrdered } = target
      const load = await startLoad('cold-open', { seat: seat(users[0] ?? ''), messages, isOrdered })
      await load.run(warmUps)
      const { ms: cpuMs, result } = await cpuOf(target, () => load.run(openings))
      await load.close()
      if (isOrdered) times.push(median(result.ms))
      const { receivedBytes } = result
      lanes.push({ target, ms: median(result.ms), cpuMs: cpuMs / openings, receivedBytes })
    }
    figures.push(
      {
        name: `cold open, ${messages.toLocaleString('en')} messages: until the document has them`,
        unit: 'ms',
        values: valuesOf(lanes, ({ ms }) => ms),
      },
      { name: '  server CPU', unit: 'ms', values: valuesOf(lanes, ({ cpuMs }) => cpuMs) },
      { name: '  received', unit: 'KB', values: valuesOf(lanes, ({ receivedBytes }) => receivedBytes / 1024) },
    )
  }
  const [small = Number.NaN, large = Number.NaN] = times
  const value = large / small
  figures.push({
    name: `cold open, ${long.toLocaleString('en')} messages against ${short.toLocaleString('en')}`,
    unit: '×',
    values: { Parley: value },
    judged: { value, unit: '×', most: mostRatio },
  })
  return { figures, voids: [], failures: [] }
}
