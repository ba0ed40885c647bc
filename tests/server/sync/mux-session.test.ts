// One session of `parley.1` on a socket that is a list, with conversations that open, answer and fail as they are told.
import { describe, expect, test } from 'vitest'

import type { Identity } from '../../../server/identity.ts'
import { ActivityFeed } from '../../../server/sync/activity.ts'
import { type MuxDeps, MuxSession } from '../../../server/sync/mux-session.ts'
import type { DurableState } from '../../../server/sync/projection.ts'
import type { SyncTarget } from '../../../server/sync/sync-target.ts'
import { Fault, type FaultCode } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import { encodeUpdate } from '../../../shared/sync/chain-update/encode-update.ts'
import {
  type ClientControl,
  encodeClientControl,
  parseServerControl,
  type ServerControl,
} from '../../../shared/sync/control.ts'
import { controlChannel, encodeFrame, parseFrame } from '../../../shared/sync/frame.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { chainRoot } from '../../../shared/sync/roots.ts'
import { encodeStateVector } from '../../../shared/sync/state-vector.ts'
import { encodeStep1, encodeUpdateMessage, parseWireMessage } from '../../../shared/sync/wire.ts'
import { clientId, docOf, userId } from '../../helpers/chain-doc.ts'
import { conversationId } from '../../helpers/mux-socket.ts'
import { announceSeed, createRandom } from '../../helpers/seeded-random.ts'
import { freeRates } from '../../helpers/sync-node.ts'
import { deferred, turn } from '../../helpers/when.ts'

const ann: Identity = { user: userId('ann'), expiresMs: 1000 }
const tea = conversationId('01890a5d-ac96-774b-bcce-b302099a8057')
const cake = conversationId('01890a5d-ac96-774b-bcce-b302099a8058')
/** As many different ones as it takes. */
const conversationOf = (number: number): ConversationId =>
  conversationId(`01890a5d-ac96-774b-bcce-${number.toString(16).padStart(12, '0')}`)
const empty = Uint8Array.of(0, 0)
const hello = (token = 'ann'): ClientControl => ({ type: 'hello', token, device: 'phone', versions: new Map() })
const open = (channel: number, conversation = tea): ClientControl => ({
  type: 'open',
  channel,
  conversation,
  version: undefined,
})
const step1 = encodeStep1(encodeStateVector(new Map()))

interface Acquired {
  readonly conversation: ConversationId
  readonly opens: (target?: Partial<SyncTarget>) => void
  readonly fails: (error: Error) => void
  follows: number
  unfollows: number
  releases: number
}

function createStand(more: Partial<MuxDeps> = {}) {
  const frames: Uint8Array[] = []
  const closes: FaultCode[] = []
  const socket = { bufferedBytes: 0, isPaused: false, asked: [] as string[], drained: [] as (() => void)[] }
  const expiries: number[] = []
  const acquired: Acquired[] = []
  const errors: object[] = []
  const known: number[] = []
  const pauses: (() => void)[] = []
  const activity = new ActivityFeed((job) => pauses.push(job))
  const deps: MuxDeps = {
    authenticate: async (token) => {
      if (token === 'bug') throw new Error('a bug')
      if (token === 'bob') return { user: userId('bob'), expiresMs: 5000 }
      if (!token.startsWith('ann')) throw new Fault('unauthenticated')
      return { ...ann, expiresMs: token === 'ann, later' ? 2000 : 1000 }
    },
    acquire: (_user, conversation) => {
      const { promise, resolve, reject } = deferred<SyncTarget>()
      const one: Acquired = {
        conversation,
        follows: 0,
        unfollows: 0,
        releases: 0,
        opens: (target) => resolve({ ...targetOf(one), ...target }),
        fails: reject,
      }
      acquired.push(one)
      return promise
    },
    overview: async () => ({ moved: [], gone: [] }),
    activity,
    rates: freeRates,
    sleep: async () => undefined,
    log: { info: () => undefined, error: (fields) => errors.push(fields) },
    ...more,
  }
  const session = new MuxSession({
    port: {
      send: (frame) => frames.push(frame),
      close: (code) => closes.push(code),
      pause: () => {
        socket.isPaused = true
        socket.asked.push('pause')
      },
      resume: () => {
        socket.isPaused = false
        socket.asked.push('resume')
      },
      bufferedBytes: () => socket.bufferedBytes,
      onDrained: (job) => socket.drained.push(job),
      expireAt: (timeMs) => expiries.push(timeMs),
    },
    deps,
    onKnown: () => known.push(1),
  })
  const say = (control: ClientControl): void => session.receive(encodeClientControl(control))
  /** What it said, control messages whole, others as channel and kind. */
  const said = (): unknown[] => frames.map(describeFrame)
  return { session, say, said, frames, closes, socket, expiries, acquired, errors, known, activity, pauses }
}

function targetOf(one: Acquired): SyncTarget {
  const state: DurableState = {
    serverClient: clientId(9),
    nextRecord: 1,
    nextSeq: 0,
    chains: new Map(),
    deleted: new Map(),
  }
  return {
    follow: () => {
      one.follows++
    },
    unfollow: () => {
      one.unfollows++
    },
    durable: () => state,
    isBehind: () => false,
    noteBehind: () => undefined,
    encodeRest: async () => empty,
    encodePart: () => Promise.reject(new Error('no parts')),
    take: async () => ({ kind: 'taken', gap: false, entries: 0 }),
    announce: () => undefined,
    others: () => undefined,
    renewPresence: () => undefined,
    release: () => {
      one.releases++
    },
  }
}

function describeFrame(bytes: Uint8Array): unknown {
  const frame = parseFrame(bytes)
  if (frame.kind === 'malformed') throw new Error(frame.why)
  if (frame.channel !== controlChannel) return `${frame.channel} ${parseWireMessage(frame.content).kind}`
  const control = parseServerControl(frame.content)
  return control.type === 'hello' || control.type === 'beat' ? control.type : control
}

async function turns(): Promise<void> {
  for (let each = 0; each < 4; each++) await turn()
}

/** Somebody who is known. */
async function createKnown(more: Partial<MuxDeps> = {}): Promise<ReturnType<typeof createStand>> {
  const stand = createStand(more)
  stand.say(hello())
  await turns()
  stand.frames.length = 0
  return stand
}

describe('hello', () => {
  test('[HELLO1] nothing behind it is looked at before the token is proved; then all of it is, in order', async () => {
    const door = deferred()
    const { session, say, said, socket, acquired, known, closes } = createStand({
      authenticate: async () => {
        await door.promise
        return ann
      },
    })
    say(hello())
    say(open(1))
    session.receive(encodeFrame(1, step1))
    say(open(2, cake))
    say({ type: 'close', channel: 2 })
    await turns()
    expect([said(), acquired.length, known, socket.isPaused, session.isBusy]).toEqual([[], 0, [], true, true])
    door.resolve()
    await turns()
    expect(acquired.map(({ conversation }) => conversation)).toEqual([tea, cake])
    expect([said(), known, socket.isPaused, session.isBusy]).toEqual([['hello'], [1], false, true])
    acquired[0]?.opens()
    acquired[1]?.opens()
    await turns()
    expect(said()).toEqual(['hello', { type: 'opened', channel: 1, current: false }, '1 step1', '1 step2'])
    expect([closes, acquired.map(({ releases }) => releases)]).toEqual([[], [0, 1]])
  })

  test.each<readonly [string, Uint8Array]>([
    ['another control message', encodeClientControl(open(1))],
    ['a message on a channel', encodeFrame(1, step1)],
    ['no frame', Uint8Array.of(0xff)],
    ['nothing', new Uint8Array(0)],
    ['no JSON', encodeFrame(0, Uint8Array.of(0x7b))],
    ['a hello without a token', encodeFrame(0, new TextEncoder().encode('{"type":"hello"}'))],
    ['a wrong token', encodeClientControl(hello('eve'))],
  ])('[HELLO1] %s first: unauthenticated, and nothing that follows is looked at', async (_what, first) => {
    const { session, say, said, closes, acquired, known } = createStand()
    session.receive(first)
    say(hello())
    say(open(1))
    await turns()
    expect([closes, said(), acquired, known]).toEqual([['unauthenticated'], [], [], []])
  })

  test('[HELLO1][PROC4] a bug in it is logged, and the device is asked to come back', async () => {
    const { say, closes, errors } = createStand()
    say(hello('bug'))
    await turns()
    expect([closes, errors.length]).toEqual([['unavailable'], 1])
  })

  test('[HELLO1] who leaves while it is proved, or while the overview is read, is not listened for any more', async () => {
    for (const gate of ['authenticate', 'overview'] as const) {
      const door = deferred()
      const { session, say, said, activity, pauses, expiries } = createStand({
        [gate]: async () => {
          await door.promise
          return gate === 'overview' ? { moved: [], gone: [] } : ann
        },
      })
      say(hello())
      await turns()
      session.end()
      session.end()
      door.resolve()
      await turns()
      activity.gone({ conversation: tea, code: 'deleted' }, [ann.user])
      expect([gate, said(), pauses.length, expiries.length]).toEqual([gate, [], 0, gate === 'overview' ? 1 : 0])
    }
  })

  test('[MUX5] what moves while the overview is read is told behind it, and nothing twice in a row', async () => {
    const door = deferred()
    const moved = { conversation: tea, seq: 1, version: { server: 9, records: 2 } }
    const later = { ...moved, seq: 2, version: { server: 9, records: 3 } }
    const { say, said, activity, pauses } = createStand({
      overview: async () => {
        await door.promise
        return { moved: [moved], gone: [] }
      },
    })
    say(hello())
    await turns()
    activity.moved(tea, () => ({ activity: later, users: [ann.user] }))
    for (const job of pauses.splice(0)) job()
    door.resolve()
    await turns()
    expect(said()).toEqual([
      { type: 'activity', moved: [moved], gone: [] },
      'hello',
      { type: 'activity', moved: [later], gone: [] },
    ])
  })
})

describe('channels', () => {
  test('[MUX5][SYNC11] a conversation is released once, however opening, closing, failing and leaving follow each other', async () => {
    const first = announceSeed('channels')
    for (let seed = first; seed < first + 300; seed++) {
      const random = createRandom(seed)
      const { session, say, acquired, closes, socket } = await createKnown()
      const waiting = (): Acquired[] => acquired.filter((one) => !settled.has(one))
      const settled = new Set<Acquired>()
      let number = 0
      for (let step = 0; step < 30; step++) {
        const act = random.below(6)
        const one = waiting()[0]
        if (act <= 1) say(open(++number, random.pick([tea, cake])))
        else if (act === 2) say({ type: 'close', channel: random.between(1, Math.max(1, number)) })
        else if (act === 3) session.receive(encodeFrame(random.between(1, number + 1), step1))
        else if (one !== undefined) {
          settled.add(one)
          if (random.chance(0.6)) one.opens(random.chance(0.2) ? { follow: refuse } : {})
          else one.fails(random.pick([new Fault('not-found'), new Error('a bug')]))
        }
        if (random.chance(0.5)) await turns()
      }
      session.end()
      for (const one of waiting()) one.opens()
      await turns()
      const opened = acquired.filter((one) => one.follows > 0 || one.releases > 0)
      expect(
        opened.map(({ releases }) => releases),
        `seed ${seed}`,
      ).toEqual(opened.map(() => 1))
      for (const { follows, unfollows } of acquired) expect(unfollows, `seed ${seed}`).toBeGreaterThanOrEqual(follows)
      expect([closes, session.isBusy], `seed ${seed}`).toEqual([[], false])
      expect(socket.asked.filter((what) => what === 'pause').length).toBe(
        socket.asked.filter((what) => what === 'resume').length,
      )
    }
  })

  test.each<readonly [string, readonly ClientControl[], FaultCode]>([
    ['a second hello', [hello()], 'malformed'],
    ['a number that is open', [open(1), open(1, cake)], 'malformed'],
    ['a number that was open', [open(1), { type: 'close', channel: 1 }, open(1)], 'malformed'],
    ['a number before one that was open', [open(7), open(6)], 'malformed'],
  ])('[MUX5] %s ends the socket', async (_what, controls, code) => {
    const { say, closes } = await createKnown()
    for (const control of controls) say(control)
    await turns()
    expect(closes).toEqual([code])
  })

  test('[MUX5] closing what is not open, and messages to it, are nothing: they cross a refusal on the way', async () => {
    const { session, say, said, closes, acquired } = await createKnown()
    say({ type: 'close', channel: 5 })
    session.receive(encodeFrame(5, step1))
    say(open(6))
    acquired[0]?.fails(new Fault('deleted'))
    await turns()
    session.receive(encodeFrame(6, step1))
    say({ type: 'close', channel: 6 })
    await turns()
    expect(said()).toEqual([{ type: 'refused', channel: 6, code: 'deleted', reason: expect.any(String) }])
    expect(closes).toEqual([])
  })

  test('[MUX5] so many at most; the next is refused, the others live on, and one that closes makes room', async () => {
    const { say, said, acquired } = await createKnown()
    for (let number = 1; number <= limits.channelsPerSocket; number++) say(open(number, conversationOf(number)))
    say(open(limits.channelsPerSocket + 1))
    expect(said()).toEqual([
      { type: 'refused', channel: limits.channelsPerSocket + 1, code: 'overloaded', reason: expect.any(String) },
    ])
    say({ type: 'close', channel: 1 })
    say(open(limits.channelsPerSocket + 2))
    expect([said().length, acquired.length]).toEqual([1, limits.channelsPerSocket + 1])
  })

  test('[MUX5] a conversation that is open is refused a second channel, for as long as the first one lives', async () => {
    const { say, said, acquired, closes } = await createKnown()
    const refused = (channel: number) => ({ type: 'refused', channel, code: 'overloaded', reason: 'it is open here' })
    say(open(1))
    say(open(2))
    acquired[0]?.opens()
    await turns()
    say(open(3))
    expect(said()).toEqual([refused(2), { type: 'opened', channel: 1, current: false }, '1 step1', refused(3)])
    expect([acquired.length, acquired[0]?.follows]).toEqual([1, 1])
    // Closing what was refused changes nothing.
    say({ type: 'close', channel: 3 })
    say(open(4))
    expect(said().at(-1)).toEqual(refused(4))
    say({ type: 'close', channel: 1 })
    say(open(5))
    acquired[1]?.fails(new Fault('not-found'))
    await turns()
    say(open(6))
    expect([acquired.length, closes]).toEqual([3, []])
  })

  test('[MUX5] a step2 that is longer than a frame comes as several, of which the last is one', async () => {
    const { session, say, frames, acquired } = await createKnown()
    const root = chainRoot(clientId(5), ann.user)
    const structs = Array.from({ length: 50 }, () => ({ kind: 'payload' as const, bytes: new Uint8Array(100_000) }))
    const whole = encodeUpdate([{ client: clientId(5), root, clock: 0, structs }])
    say(open(1))
    acquired[0]?.opens({ encodeRest: async () => whole })
    session.receive(encodeFrame(1, step1))
    await turns()
    const messages = frames.slice(2).map((bytes) => {
      expect(bytes.length).toBeLessThanOrEqual(limits.frameBytes)
      const frame = parseFrame(bytes)
      return frame.kind === 'frame' ? parseWireMessage(frame.content) : undefined
    })
    expect(messages.map((message) => message?.kind)).toEqual(['update', 'update', 'update', 'update', 'step2'])
    const updates = messages.flatMap((message) =>
      message?.kind === 'update' || message?.kind === 'step2' ? [message.update] : [],
    )
    expect(docOf(...updates).getArray(root).length).toBe(50)
  })
})

describe('activity', () => {
  const moved = (conversation: ConversationId, seq: number) => ({
    activity: { conversation, seq, version: { server: 9, records: seq + 1 } },
    users: [ann.user],
  })

  test('[MUX5] is told of conversations that are not open, from the moment they are closed', async () => {
    const { session, say, frames, said, activity, acquired, pauses } = await createKnown()
    const happen = async (seq: number): Promise<void> => {
      for (const conversation of [tea, cake]) activity.moved(conversation, () => moved(conversation, seq))
      for (const job of pauses.splice(0)) job()
      await turns()
    }
    say(open(1))
    acquired[0]?.opens()
    session.receive(encodeFrame(1, step1))
    await turns()
    frames.length = 0
    await happen(1)
    await happen(2)
    say({ type: 'close', channel: 1 })
    await happen(3)
    const told = (said() as ServerControl[]).map((one) =>
      one.type === 'activity' ? one.moved.map(({ conversation, seq }) => [conversation, seq]) : one,
    )
    expect(told).toEqual([
      [[cake, 1]],
      [[cake, 2]],
      [
        [tea, 3],
        [cake, 3],
      ],
    ])
  })

  test('[MUX5] is told of what is open too, until its channel has brought all of it: it may be closed before', async () => {
    const { session, say, said, activity, acquired, pauses } = await createKnown()
    const rest = deferred()
    /** Of what was told so far. */
    const happen = async (seq: number): Promise<readonly number[]> => {
      activity.moved(tea, () => moved(tea, seq))
      for (const job of pauses.splice(0)) job()
      return told()
    }
    const told = async (): Promise<readonly number[]> => {
      await turns()
      const news = (said() as ServerControl[]).filter((one) => one.type === 'activity')
      return news.flatMap((one) => one.moved.map(({ seq }) => seq))
    }
    say(open(1))
    expect(await happen(0)).toEqual([0])
    acquired[0]?.opens({
      encodeRest: async () => {
        await rest.promise
        return empty
      },
    })
    await turns()
    expect(await happen(1)).toEqual([0, 1])
    session.receive(encodeFrame(1, step1))
    await turns()
    // It goes out behind what is being read for the channel.
    expect(await happen(2)).toEqual([0, 1])
    say({ type: 'close', channel: 1 })
    rest.resolve()
    expect(await told()).toEqual([0, 1, 2])
    say(open(2))
    acquired[1]?.opens()
    session.receive(encodeFrame(2, step1))
    await turns()
    expect(said().at(-1)).toBe('2 step2')
    expect(await happen(3)).toEqual([0, 1, 2])
  })

  test('[SLOW1][MUX5] a device that does not read is told when it does, of each conversation what happened last', async () => {
    const { said, activity, pauses, socket } = await createKnown()
    socket.bufferedBytes = limits.socketBufferSoftBytes + 1
    for (let seq = 0; seq < 100; seq++) {
      activity.moved(tea, () => moved(tea, seq))
      if (seq === 50) activity.gone({ conversation: cake, code: 'no-access' }, [ann.user])
      for (const job of pauses.splice(0)) job()
      await turn()
    }
    expect([said(), socket.drained.length]).toEqual([[], 1])
    socket.bufferedBytes = 0
    socket.drained[0]?.()
    await turns()
    expect(said()).toEqual([
      { type: 'activity', moved: [moved(tea, 99).activity], gone: [{ conversation: cake, code: 'no-access' }] },
    ])
  })

  test('[MUX5] much of it comes in several frames, none of them too long', async () => {
    const { activity, pauses, frames } = await createKnown()
    const count = 2 * limits.activitiesPerFrame + 1
    for (let index = 0; index < count; index++) {
      const id = conversationOf(index)
      activity.moved(id, () => moved(id, 2 ** 52))
    }
    for (const job of pauses.splice(0)) job()
    await turns()
    expect(frames).toHaveLength(3)
    for (const frame of frames) expect(frame.length).toBeLessThan(limits.frameBytes)
  })
})

describe('a token', () => {
  test('[HELLO1] is renewed on the live socket by its user alone', async () => {
    const { say, said, expiries, closes } = await createKnown()
    say({ type: 'token', token: 'ann, later' })
    await turns()
    expect([said(), expiries, closes]).toEqual([[{ type: 'token', expiresMs: 2000 }], [1000, 2000], []])
    say({ type: 'token', token: 'bob' })
    await turns()
    expect([said().length, expiries, closes]).toEqual([1, [1000, 2000], ['unauthenticated']])
  })

  test('[HELLO1] that is not good ends the socket; one that arrives when it has ended does nothing', async () => {
    const { say, closes } = await createKnown()
    say({ type: 'token', token: 'eve' })
    await turns()
    expect(closes).toEqual(['unauthenticated'])
    const other = await createKnown()
    other.say({ type: 'token', token: 'ann, later' })
    other.session.close('expired')
    await turns()
    expect([other.said(), other.expiries, other.closes]).toEqual([[], [1000], ['expired']])
  })
})

describe('whoever asks too fast', () => {
  test('[LIMIT1] is read no further until they owe nothing; the session is busy meanwhile, and one wait is enough', async () => {
    let owesMs = 0
    let isKnown = false
    const waits: { ms: number; end: () => void }[] = []
    const rates = {
      entries: { take: (_user: string, cost: number) => (isKnown ? (owesMs += cost) : 0), size: 0 },
      bytes: { take: () => 0, size: 0 },
    }
    const sleep = (ms: number): Promise<void> => new Promise((end) => waits.push({ ms, end }))
    const { session, say, socket, closes } = await createKnown({ rates, sleep })
    isKnown = true
    for (let number = 1; number <= 50; number++) {
      say({ type: 'close', channel: number })
      session.receive(encodeFrame(number, step1))
    }
    await turns()
    expect([waits.length, socket.isPaused, session.isBusy]).toEqual([1, true, true])
    waits[0]?.end()
    await turns()
    expect([waits.length, socket.isPaused]).toEqual([2, true])
    owesMs = 0
    waits[1]?.end()
    await turns()
    expect([waits.length, socket.isPaused, session.isBusy, closes]).toEqual([2, false, false, []])
    owesMs = limits.longestSlowDownMs
    say({ type: 'close', channel: 1 })
    expect(closes).toEqual(['overloaded'])
  })

  test('[LIMIT1] a control message counts with all of its bytes', async () => {
    const costs: number[] = []
    const bytes = {
      take: (_user: string, cost: number) => {
        costs.push(cost)
        return cost
      },
      size: 0,
    }
    const { say, closes } = await createKnown({ rates: { entries: freeRates.entries, bytes } })
    costs.length = 0
    const close: ClientControl = { type: 'close', channel: 1 }
    say(close)
    expect(costs[0]).toBe(encodeClientControl(close).length)
    say({ type: 'token', token: 'x'.repeat(limits.longestSlowDownMs) })
    expect(closes).toEqual(['overloaded'])
  })

  test('[LIMIT1][HELLO1] pays for a hello: what it states before anything is looked up, and what it is answered', async () => {
    const owed = { entries: 0, bytes: 0 }
    let waitMs = 0
    let lookedUp = 0
    const waits: (() => void)[] = []
    const more: Partial<MuxDeps> = {
      rates: {
        entries: { take: (_user, cost) => ((owed.entries += cost), waitMs), size: 0 },
        bytes: { take: (_user, cost) => ((owed.bytes += cost), 0), size: 0 },
      },
      sleep: () => new Promise((end) => waits.push(end)),
      overview: async (_user, versions) => {
        lookedUp++
        return { moved: [], gone: [...versions.keys()].map((conversation) => ({ conversation, code: 'not-found' })) }
      },
    }
    const version = { server: 1, records: 1 }
    const versions = new Map(Array.from({ length: limits.statedVersions }, (_, one) => [conversationOf(one), version]))
    const bytes = encodeClientControl({ type: 'hello', token: 'ann', device: undefined, versions })
    const greet = async (): Promise<ReturnType<typeof createStand>> => {
      const stand = createStand(more)
      stand.session.receive(bytes)
      await turns()
      return stand
    }
    const price = limits.statedVersions / limits.versionsPerEntry
    expect((await greet()).said().at(-1)).toBe('hello')
    expect([lookedUp, owed]).toEqual([1, { entries: 1 + 2 * price, bytes: bytes.length }])

    waitMs = limits.helloPatienceMs
    const slow = await greet()
    expect([lookedUp, waits.length, slow.said(), slow.session.isBusy, slow.known]).toEqual([1, 1, [], true, [1]])
    waitMs = 0
    waits[0]?.()
    await turns()
    expect([lookedUp, slow.said().at(-1), slow.session.isBusy]).toEqual([2, 'hello', false])

    waitMs = limits.helloPatienceMs + 1
    const refused = await greet()
    expect([lookedUp, refused.closes, refused.said()]).toEqual([2, ['overloaded'], []])

    // Who leaves meanwhile is not looked up for.
    waitMs = 1
    const gone = await greet()
    gone.session.end()
    await turns()
    expect([lookedUp, waits.length, gone.session.isBusy, gone.closes]).toEqual([2, 2, false, []])
  })

  test('[SYNC9] what waits on all channels together pauses the socket', async () => {
    const { session, say, socket, acquired } = await createKnown()
    const message = encodeUpdateMessage(new Uint8Array(limits.unhandledBytes / 8))
    for (let number = 1; number <= 8; number++) say(open(number, conversationOf(number)))
    for (let number = 1; number <= 7; number++) session.receive(encodeFrame(number, message))
    expect([socket.isPaused, session.isBusy]).toEqual([false, true])
    session.receive(encodeFrame(8, message))
    expect(socket.isPaused).toBe(true)
    for (const one of acquired) one.opens()
    await turns()
    expect([socket.isPaused, session.isBusy]).toEqual([false, false])
  })
})

test('[SLOW1] a device that does not read at all is closed when 64 MiB wait for it and there is more to say', async () => {
  const { session, socket, closes } = await createKnown()
  socket.bufferedBytes = limits.socketBufferHardBytes
  session.beat()
  expect(closes).toEqual([])
  socket.bufferedBytes++
  session.beat()
  expect(closes).toEqual(['overloaded'])
})

function refuse(): never {
  throw new Fault('no-access')
}
