// REST: the newest page of a short and of a long conversation, and appending.
import { type Figure, median, type Outcome } from '../figure.ts'
import type { Load } from '../load/loads.ts'
import type { RestCall } from '../load/rest-load.ts'
import { type Parley, type Room, type Signer, startLoad, startParley } from '../processes.ts'
import { cpuOf } from '../usage.ts'
import { closedVoids, openVoids, untilValid } from '../void-rules.ts'
import { roomWithHistory, users } from '../history.ts'

const sizes = [100, 20_000]
const historyRequests = 500
const historyRounds = 4
const mostHistoryRatio = 1.3

const appendConversations = 20
const appendInFlight = 32
const appendRequests = 4000
const appendPerSecond = 200
const appendSeconds = 5

/** With a server of its own: the floor has no REST. */
export async function rest(signer: Signer): Promise<Outcome> {
  const server = await startParley(signer)
  try {
    const load = await startLoad('rest', { port: server.port })
    const history = await measureHistory(server, signer, load)
    const append = await measureAppend(server, signer, load)
    await load.close()
    return {
      figures: [...history, ...append.figures],
      voids: append.voids,
      failures: append.failures,
    }
  } finally {
    await server.stop()
  }
}

interface HistoryLane {
  readonly call: RestCall
  readonly p50: number[]
  readonly p99: number[]
  cpuMs: number
}

async function measureHistory(server: Parley, signer: Signer, load: Load<'rest'>): Promise<readonly Figure[]> {
  const lanes: HistoryLane[] = []
  for (const messages of sizes) {
    const room = await roomWithHistory(server, { messages, perUpdate: 50 })
    const token = await signer.token(users[0] ?? '')
    const path = `/api/conversations/${room.id}/messages?limit=50`
    lanes.push({ call: { method: 'GET', path, token, status: 200 }, p50: [], p99: [], cpuMs: 0 })
  }
  for (let round = -1; round < historyRounds; round++) {
    for (const lane of lanes) {
      const pace = { kind: 'closed', inFlight: 1 } as const
      const step = { calls: [lane.call], requests: historyRequests, pace }
      const { ms, result } = await cpuOf(server, () => load.run(step))
      // The first round warms up.
      if (round < 0) continue
      lane.p50.push(result.latency.p50)
      lane.p99.push(result.latency.p99)
      lane.cpuMs += ms / historyRounds / historyRequests
    }
  }
  const [small, large] = lanes
  if (small === undefined || large === undefined) throw new Error('two sizes are compared')
  const ratio = (of: (lane: HistoryLane) => number, name: string): Figure => {
    const value = of(large) / of(small)
    return { name, unit: '×', values: { Parley: value }, judged: { value, unit: '×', most: mostHistoryRatio } }
  }
  return [
    ...lanes.flatMap(({ p50, p99, cpuMs }, index): Figure[] => [
      {
        name: `REST, newest 50 of ${(sizes[index] ?? 0).toLocaleString('en')}: p50`,
        unit: 'ms',
        values: { Parley: median(p50) },
      },
      { name: '  p99', unit: 'ms', values: { Parley: median(p99) } },
      { name: '  server CPU', unit: 'ms', values: { Parley: cpuMs } },
    ]),
    ratio(({ p50 }) => median(p50), 'REST, newest 50, 20,000 against 100: time'),
    ratio(({ cpuMs }) => cpuMs, '  server CPU'),
  ]
}

async function measureAppend(server: Parley, signer: Signer, load: Load<'rest'>): Promise<Outcome> {
  const rooms: Room[] = []
  const calls: RestCall[] = []
  for (let number = 0; number < appendConversations; number++) {
    const user = `poster-${number}`
    const room = await server.room([user])
    rooms.push(room)
    const body = JSON.stringify({ role: 'user', content: 'x'.repeat(60) })
    const path = `/api/conversations/${room.id}/messages`
    calls.push({ method: 'POST', path, token: await signer.token(user), body, status: 201 })
  }
  const closed = { calls, requests: appendRequests, pace: { kind: 'closed', inFlight: appendInFlight } } as const
  await load.run({ ...closed, requests: appendRequests / 4 })
  const appended = await cpuOf(server, () => load.run(closed))
  const { ms, result } = appended
  const openRequests = appendPerSecond * appendSeconds
  const onSchedule = { calls, requests: openRequests, pace: { kind: 'open', perSecond: appendPerSecond } } as const
  let asked = appendRequests + appendRequests / 4
  const { measured: open, voids } = await untilValid(
    () => {
      asked += openRequests
      return load.run(onSchedule)
    },
    (driven) => openVoids(`REST, append at ${appendPerSecond}/s`, driven),
  )

  let stored = 0
  for (const [number, { id }] of rooms.entries())
    stored += await countOf(server, await signer.token(`poster-${number}`), id)
  return {
    figures: [
      {
        name: `REST, append, ${appendInFlight} in flight: messages per second`,
        unit: '/s',
        values: { Parley: appendRequests / result.seconds },
      },
      { name: '  server CPU', unit: 'ms', values: { Parley: ms / appendRequests } },
      { name: '  p99', unit: 'ms', values: { Parley: result.latency.p99 } },
      {
        name: `REST, append, ${appendPerSecond}/s: from due to answered, p50`,
        unit: 'ms',
        values: { Parley: open.latency.p50 },
      },
      { name: '  p99', unit: 'ms', values: { Parley: open.latency.p99 } },
    ],
    voids: [...closedVoids('REST, append', appended), ...voids],
    failures: stored === asked ? [] : [`REST, append: ${stored} of ${asked} messages are stored`],
  }
}

async function countOf(server: Parley, token: string, conversation: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(`${server.url}/api/conversations/${conversation}`, { headers })
  // Nobody was added, so that every seq is a message.
  return ((await answer.json()) as { readonly last_seq: number }).last_seq + 1
}
