// REST on a long conversation and on a short one, in turn: the newest page, pages anywhere, and what changed since.
import { createRandom, type Random } from '../../helpers/seeded-random.ts'
import { againstShort, type Pair } from '../against-short.ts'
import { type Figure, median, type Outcome } from '../figure.ts'
import type { RestCall } from '../load/rest-load.ts'
import { type LongRoom, type LongStore, reader, shortMessages } from '../long-store.ts'
import { type Parley, type Signer, startLoad, startParley } from '../processes.ts'
import { cpuOf } from '../usage.ts'

const requests = 300
const rounds = 7
const pageMessages = 50
const pace = { kind: 'closed', inFlight: 1 } as const

const questions = ['newest', 'page', 'changes'] as const
type Question = (typeof questions)[number]

interface Lane {
  readonly question: Question
  readonly room: LongRoom
  readonly p50: number[]
  cpuMs: number
}

export async function longRest(signer: Signer, store: LongStore): Promise<Outcome> {
  const server = await startParley(signer, { dataDir: store.dataDir })
  try {
    const token = await signer.token(reader)
    const random = createRandom(1)
    const load = await startLoad('rest', { port: server.port })
    const lanes = questions.flatMap((question) =>
      [store.short, store.long].map((room): Lane => ({ question, room, p50: [], cpuMs: 0 })),
    )
    const lastSeqs = new Map<LongRoom, number>()
    for (const room of [store.short, store.long]) lastSeqs.set(room, await lastSeqOf(server, token, room))
    for (let round = -1; round < rounds; round++) {
      for (const lane of lanes) {
        const { question, room } = lane
        const calls = callsOf(question, room, { token, lastSeq: lastSeqs.get(room) ?? 0, random })
        const { ms, result } = await cpuOf(server, () => load.run({ calls, requests, pace }))
        // The first round warms up.
        if (round < 0) continue
        lane.p50.push(result.latency.p50)
        lane.cpuMs += ms / rounds / requests
      }
    }
    await load.close()
    return { figures: questions.flatMap((question) => figuresOf(question, store, lanes)), voids: [], failures: [] }
  } finally {
    await server.stop()
  }
}

interface Asked {
  readonly token: string
  readonly lastSeq: number
  readonly random: Random
}

/** A page is another one each time; the rest is the same question again. */
function callsOf(question: Question, { id }: LongRoom, { token, lastSeq, random }: Asked): readonly RestCall[] {
  const conversation = `/api/conversations/${id}`
  const newest = `${conversation}/messages?limit=${pageMessages}`
  const get = (path: string): RestCall => ({ method: 'GET', path, token, status: 200 })
  switch (question) {
    case 'newest':
      return [get(newest)]
    case 'page': {
      const before = (): number => random.between(pageMessages, lastSeq)
      return Array.from({ length: requests }, () => get(`${newest}&before=${before()}`))
    }
    case 'changes':
      return [get(`${conversation}/changes?after=${lastSeq}`)]
  }
}

async function lastSeqOf({ url }: Parley, token: string, { id }: LongRoom): Promise<number> {
  const answer = await fetch(`${url}/api/conversations/${id}`, { headers: { authorization: `Bearer ${token}` } })
  return ((await answer.json()) as { readonly last_seq: number }).last_seq
}

const names: Readonly<Record<Question, string>> = {
  newest: `newest ${pageMessages}`,
  page: `${pageMessages} anywhere`,
  changes: 'changes since the last',
}

function figuresOf(question: Question, { short, long }: LongStore, lanes: readonly Lane[]): readonly Figure[] {
  const size = `${long.messages.toLocaleString('en')} messages, against ${shortMessages.toLocaleString('en')}`
  const lane = (room: LongRoom): Lane => {
    const found = lanes.find((other) => other.question === question && other.room === room)
    if (found === undefined) throw new Error('nothing was measured')
    return found
  }
  const pair = (of: (lane: Lane) => number): Pair => ({ short: of(lane(short)), long: of(lane(long)) })
  return [
    againstShort(
      `REST, ${names[question]} of ${size}: p50`,
      'ms',
      pair(({ p50 }) => median(p50)),
    ),
    againstShort(
      '  server CPU',
      'ms',
      pair(({ cpuMs }) => cpuMs),
    ),
  ]
}
