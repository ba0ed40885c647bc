// One channel on a socket that is a list, and a conversation that does as it is told.
import { describe, expect, test } from 'vitest'

import { Channel } from '../../../server/sync/channel.ts'
import type { Subscriber } from '../../../server/sync/broadcast.ts'
import type { CatchUpPart } from '../../../server/sync/catch-up.ts'
import { Flow } from '../../../server/sync/flow.ts'
import type { DurableState } from '../../../server/sync/projection.ts'
import { createRates } from '../../../server/sync/rate.ts'
import type { SessionDeps } from '../../../server/sync/session.ts'
import type { SyncTarget, Taken } from '../../../server/sync/sync-target.ts'
import { Fault, type FaultCode } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import { encodeStateVector, type StateVector } from '../../../shared/sync/state-vector.ts'
import {
  encodeAwarenessMessage,
  encodeStep1,
  encodeStep2,
  encodeUpdateMessage,
  heartbeat,
  parseWireMessage,
} from '../../../shared/sync/wire.ts'
import { clientId, userId } from '../../helpers/chain-doc.ts'

const empty = Uint8Array.of(0, 0)
const step1 = encodeStep1(encodeStateVector(new Map()))
const update = encodeUpdateMessage(empty)
const nothing = (): StateVector => new Map()
/** Nobody is slowed down. */
const freeRates: SessionDeps['rates'] = { entries: { take: () => 0, size: 0 }, bytes: { take: () => 0, size: 0 } }

interface Stand {
  readonly session: Channel
  readonly flow: Flow
  /** What the device was sent, by kind. */
  readonly sent: () => readonly string[]
  readonly closes: FaultCode[]
  readonly socket: { bufferedBytes: number; isPaused: boolean; pauses: number; readonly drained: (() => void)[] }
  readonly conversation: { follows: number; releases: number; subscriber: Subscriber | undefined; others?: Uint8Array }
  /** What is durable in it, and how that is encoded. */
  readonly state: { -readonly [Key in keyof DurableState]: DurableState[Key] }
  readonly history: { rest: () => Uint8Array | undefined; part: (known: StateVector) => CatchUpPart }
  readonly errors: object[]
  /** Resolves what the conversation was asked to do, oldest first. */
  readonly taken: ((taken: Taken) => void)[]
  readonly failures: { take?: Error; follow?: Error; isBehind?: boolean }
}

interface StandOptions extends Partial<SessionDeps> {
  readonly isSlow?: boolean
  readonly user?: string
}

/** Turns enough for everything that waits for nothing. */
async function turns(): Promise<void> {
  for (let each = 0; each < 3; each++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** `isSlow`: updates are taken when `taken` says so; else at once. */
async function createStand({ isSlow = false, user = 'ann', ...more }: StandOptions = {}): Promise<Stand> {
  const frames: Uint8Array[] = []
  const closes: FaultCode[] = []
  const socket: Stand['socket'] = { bufferedBytes: 0, isPaused: false, pauses: 0, drained: [] }
  const conversation: Stand['conversation'] = { follows: 0, releases: 0, subscriber: undefined }
  const failures: Stand['failures'] = {}
  const errors: object[] = []
  const taken: Stand['taken'] = []
  const history: Stand['history'] = {
    rest: () => empty,
    part: () => {
      throw new Error('it has no parts')
    },
  }
  const state: Stand['state'] = {
    serverClient: clientId(9),
    nextRecord: 1,
    nextSeq: 0,
    chains: new Map(),
    deleted: new Map(),
  }
  const target: SyncTarget = {
    follow: (subscriber) => {
      if (failures.follow !== undefined) throw failures.follow
      conversation.follows++
      conversation.subscriber = subscriber
    },
    unfollow: () => {
      conversation.subscriber = undefined
    },
    durable: () => state,
    isBehind: () => failures.isBehind ?? false,
    noteBehind: () => undefined,
    encodeRest: async () => history.rest(),
    encodePart: async (_state, known) => history.part(known),
    take: async () => {
      if (failures.take !== undefined) throw failures.take
      if (!isSlow) return { kind: 'taken', gap: false, entries: 0 }
      return new Promise((resolve) => taken.push(resolve))
    },
    announce: () => undefined,
    others: () => conversation.others,
    renewPresence: () => undefined,
    release: () => {
      conversation.releases++
    },
  }
  const log: SessionDeps['log'] = { info: () => undefined, error: (fields) => errors.push(fields) }
  const port = {
    send: (frame: Uint8Array) => frames.push(frame),
    close: (code: FaultCode) => closes.push(code),
    pause: () => {
      socket.isPaused = true
      socket.pauses++
    },
    resume: () => {
      socket.isPaused = false
    },
    bufferedBytes: () => socket.bufferedBytes,
    onDrained: (job: () => void) => void socket.drained.push(job),
    opened: () => undefined,
  }
  const flow = new Flow(port)
  const session = new Channel({
    user: userId(user),
    opening: Promise.resolve(target),
    port: { ...port, flow },
    deps: { log, rates: freeRates, sleep: async () => undefined, ...more },
  })
  await turns()
  const sent = (): string[] => frames.map((frame) => parseWireMessage(frame).kind)
  return { session, flow, sent, closes, socket, conversation, state, history, errors, taken, failures }
}

describe('a session', () => {
  test('[SYNC1] asks at once, and follows only after it has been asked', async () => {
    const { session, sent, conversation } = await createStand()
    expect(sent()).toEqual(['step1'])
    session.relay(update, nothing)
    expect(sent()).toEqual(['step1'])
    session.receive(step1)
    await turns()
    session.relay(update, nothing)
    expect(sent()).toEqual(['step1', 'step2', 'update'])
    expect(conversation.follows).toBe(1)
  })

  test('[SYNC5] asks once more for a gap in an update, one question at a time, and never for a gap in an answer', async () => {
    const { session, sent, taken } = await createStand({ isSlow: true })
    const tell = async (frame: Uint8Array, gap: boolean): Promise<number> => {
      session.receive(frame)
      await turns()
      taken.shift()?.({ kind: 'taken', gap, entries: 1 })
      await turns()
      return sent().filter((kind) => kind === 'step1').length
    }
    // The first question is still open.
    expect(await tell(update, true)).toBe(1)
    expect(await tell(encodeStep2(empty), true)).toBe(1)
    expect(await tell(update, false)).toBe(1)
    expect(await tell(update, true)).toBe(2)
    expect(await tell(update, true)).toBe(2)
    expect(await tell(encodeStep2(empty), false)).toBe(2)
    expect(await tell(update, true)).toBe(3)
  })

  test('[SYNC1] handles frames one after another, in their order', async () => {
    const { session, sent, taken } = await createStand({ isSlow: true })
    for (const frame of [update, step1, update, step1]) session.receive(frame)
    await turns()
    expect([taken.length, sent()]).toEqual([1, ['step1']])
    taken.shift()?.({ kind: 'taken', gap: false, entries: 1 })
    await turns()
    expect([taken.length, sent()]).toEqual([1, ['step1', 'step2']])
    taken.shift()?.({ kind: 'taken', gap: false, entries: 1 })
    await turns()
    expect(sent()).toEqual(['step1', 'step2', 'step2'])
  })

  test.each<readonly [FaultCode, Partial<Stand['failures']>, Uint8Array]>([
    ['malformed', {}, Uint8Array.of(9)],
    ['malformed', {}, encodeStep1(Uint8Array.of(5))],
    [
      'malformed',
      {},
      encodeStep1(
        encodeStateVector(new Map(Array.from({ length: limits.stateVectorEntries + 1 }, (_, client) => [client, 1]))),
      ),
    ],
    ['server-behind', { isBehind: true }, step1],
    ['no-access', { take: new Fault('no-access') }, update],
  ])('[SYNC3] ends with %s when the device is wrong, and says nothing more', async (code, failure, frame) => {
    const { session, closes, failures, sent, conversation, errors } = await createStand()
    Object.assign(failures, failure)
    session.receive(frame)
    session.receive(step1)
    await turns()
    session.relay(update, nothing)
    session.close('restart')
    session.end()
    expect(closes).toEqual([code])
    expect(sent()).toEqual(['step1'])
    expect([conversation.subscriber, conversation.releases, errors]).toEqual([undefined, 1, []])
  })

  test('[SYNC3] a fault that the conversation finds closes with its code', async () => {
    const { session, closes, taken } = await createStand({ isSlow: true })
    session.receive(update)
    await turns()
    taken.shift()?.({ kind: 'fault', code: 'forked', why: 'other bytes' })
    await turns()
    expect(closes).toEqual(['forked'])
  })

  test('[SYNC3][PROC4] what is our own fault is logged, and the device is asked to come back', async () => {
    const { session, closes, failures, errors } = await createStand()
    failures.take = new Error('a bug')
    session.receive(update)
    await turns()
    expect(closes).toEqual(['unavailable'])
    expect(errors).toHaveLength(1)
  })

  test('[SYNC11] holds the conversation until what it has in hand is taken, also when its socket is gone', async () => {
    const { session, conversation, taken } = await createStand({ isSlow: true })
    session.receive(update)
    await turns()
    session.end()
    await turns()
    expect([conversation.subscriber, conversation.releases]).toEqual([undefined, 0])
    taken.shift()?.({ kind: 'taken', gap: false, entries: 1 })
    await turns()
    expect(conversation.releases).toBe(1)
  })

  test('[SYNC3] who may not follow is told so, and the conversation is released once', async () => {
    const released: number[] = []
    const closes: FaultCode[] = []
    const refuse = (why: Error): void => {
      const target = {
        follow: () => {
          throw why
        },
        announce: () => undefined,
        unfollow: () => undefined,
        renewPresence: () => undefined,
        release: () => released.push(1),
      }
      const port = { close: (code: FaultCode) => closes.push(code) }
      const deps = { log: { info: () => undefined, error: () => undefined } }
      const opening = Promise.resolve(target as never)
      new Channel({ user: userId('eve'), opening, port: port as never, deps: deps as never }).beat()
    }
    refuse(new Fault('no-access'))
    refuse(new Error('a bug'))
    await turns()
    expect(closes).toEqual(['no-access', 'unavailable'])
    expect(released).toHaveLength(2)
  })
})

describe('a flood', () => {
  test('[SYNC9] a socket is paused while more than a mebibyte waits, and goes on when it is handled', async () => {
    const { session, flow, socket, taken, closes } = await createStand({ isSlow: true })
    const big = encodeUpdateMessage(new Uint8Array(limits.unhandledBytes / 2))
    session.receive(big)
    expect([socket.isPaused, flow.isBusy]).toEqual([false, true])
    session.receive(big)
    expect(socket.isPaused).toBe(true)
    await turns()
    taken.shift()?.({ kind: 'taken', gap: false, entries: 1 })
    await turns()
    expect([socket.isPaused, flow.isBusy]).toEqual([false, true])
    taken.shift()?.({ kind: 'taken', gap: false, entries: 1 })
    await turns()
    expect([socket.isPaused, flow.isBusy, socket.pauses, closes]).toEqual([false, false, 1, []])
  })

  test('[SYNC9] a flood of tiny frames pauses the socket too: what waits costs more than its bytes', async () => {
    const { session, socket } = await createStand({ isSlow: true })
    session.receive(update)
    let frames = 0
    while (!socket.isPaused && frames < 100_000) {
      session.receive(Uint8Array.of(3))
      frames++
    }
    expect(frames).toBeLessThan(10_000)
    session.end()
  })

  test('[SLOW1] a device that does not read is relayed nothing, and gets all of it when it reads', async () => {
    const { session, socket, sent, closes } = await createStand()
    session.receive(step1)
    await turns()
    socket.bufferedBytes = limits.socketBufferSoftBytes
    session.relay(update, nothing)
    socket.bufferedBytes++
    for (let each = 0; each < 3; each++) session.relay(update, nothing)
    await turns()
    expect([sent(), socket.drained.length, closes]).toEqual([['step1', 'step2', 'update'], 1, []])
    socket.bufferedBytes = 0
    socket.drained.shift()?.()
    await turns()
    session.relay(update, nothing)
    expect(sent()).toEqual(['step1', 'step2', 'update', 'step2', 'update'])
  })

  test('[SLOW1] past the hard limit it is closed as soon as it has to be told anything', async () => {
    const { session, socket, closes, taken } = await createStand({ isSlow: true })
    for (const frame of [encodeStep2(empty), update]) session.receive(frame)
    await turns()
    socket.bufferedBytes = limits.socketBufferHardBytes + 1
    taken.shift()?.({ kind: 'taken', gap: false, entries: 0 })
    await turns()
    expect(closes).toEqual([])
    taken.shift()?.({ kind: 'taken', gap: true, entries: 0 })
    await turns()
    expect(closes).toEqual(['overloaded'])
  })
})

describe('falling behind', () => {
  test('[SLOW1] in whatever moment it begins, just as it has been brought up to date, it ends in another step2', async () => {
    for (let ticks = 0; ticks < 12; ticks++) {
      const { session, socket, sent, conversation } = await createStand()
      const { subscriber } = conversation
      session.receive(step1)
      while (sent().length < 2) await Promise.resolve()
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
      socket.bufferedBytes = limits.socketBufferSoftBytes + 1
      subscriber?.relay(update, nothing)
      socket.bufferedBytes = 0
      await turns()
      for (const job of socket.drained.splice(0)) job()
      await turns()
      session.relay(update, nothing)
      expect([ticks, sent()]).toEqual([ticks, ['step1', 'step2', 'step2', 'update']])
    }
  })

  test('[SLOW1] much comes in parts, each when the one before has gone out; relays only when it has all of them', async () => {
    const { session, socket, sent, state, history } = await createStand()
    state.nextRecord = 4000
    const parts: (StateVector | undefined)[] = []
    history.part = (known) => {
      parts.push(known)
      socket.bufferedBytes = limits.socketBufferSoftBytes + 1
      return { update: empty, known: new Map([[9, (known.get(9) ?? 0) + 1500]]) }
    }
    session.receive(step1)
    await turns()
    for (const expected of [1, 2]) {
      session.relay(update, nothing)
      await turns()
      expect([parts.length, socket.drained.length]).toEqual([expected, 1])
      socket.bufferedBytes = 0
      socket.drained.shift()?.()
      await turns()
    }
    expect(parts).toEqual([new Map(), new Map([[9, 1500]])])
    expect(sent()).toEqual(['step1', 'update', 'update', 'step2'])
    session.relay(update, nothing)
    expect(sent()).toEqual(['step1', 'update', 'update', 'step2', 'update'])
  })

  test('[SLOW1] few entries can be too much for one part: it goes on from the same place', async () => {
    const { session, sent, history } = await createStand()
    const asked: number[] = []
    let isLong = true
    history.rest = () => {
      asked.push(0)
      // Something is relayed while it is encoded: that is not what it has.
      session.relay(update, () => new Map([[9, 700]]))
      return isLong ? undefined : empty
    }
    history.part = (known) => {
      asked.push(known.get(9) ?? -1)
      isLong = false
      return { update: empty, known: new Map([[9, 1]]) }
    }
    session.receive(step1)
    await turns()
    expect(asked).toEqual([0, -1, 0])
    expect(sent()).toEqual(['step1', 'update', 'update', 'update', 'step2'])
  })

  test('[SLOW1][SYNC11] one that leaves while it waits to be read is let go of, and nothing more is encoded for it', async () => {
    const { session, flow, socket, conversation, history } = await createStand()
    let encoded = 0
    history.rest = () => {
      encoded++
      return empty
    }
    socket.bufferedBytes = limits.socketBufferSoftBytes + 1
    session.receive(step1)
    await turns()
    session.end()
    flow.end()
    await turns()
    expect([encoded, conversation.releases]).toEqual([0, 1])
  })
})

describe('a device that asks again and again', () => {
  test('[SLOW1][LIMIT1] is answered once for all that it asked while it did not read, and owes what it was sent', async () => {
    const owed: number[] = []
    const rates = {
      entries: freeRates.entries,
      bytes: {
        take: (_user: string, cost: number) => {
          owed.push(cost)
          return 0
        },
        size: 0,
      },
    }
    const { session, socket, sent, history } = await createStand({ rates })
    let encoded = 0
    history.rest = () => {
      encoded++
      return new Uint8Array(50_000)
    }
    session.receive(step1)
    await turns()
    socket.bufferedBytes = limits.socketBufferSoftBytes + 1
    for (let each = 0; each < 500; each++) session.receive(step1)
    await turns()
    expect([encoded, socket.drained.length]).toEqual([1, 1])
    socket.bufferedBytes = 0
    socket.drained.shift()?.()
    await turns()
    expect([encoded, sent()]).toEqual([2, ['step1', 'step2', 'step2']])
    expect(owed.filter((cost) => cost > 50_000)).toHaveLength(2)
    expect(owed.reduce((sum, cost) => sum + cost)).toBeGreaterThan(2 * 50_000 + 501 * step1.length)
  })
})

describe('who is there', () => {
  test('[AWARE1][SLOW1] is asked for only when it is sent: not before the device follows, nor while it does not read', async () => {
    const { session, socket, sent } = await createStand()
    let asked = 0
    const show = (): number => {
      session.show(() => {
        asked++
        return heartbeat
      })
      return asked
    }
    expect(show()).toBe(0)
    session.receive(step1)
    await turns()
    expect(show()).toBe(1)
    socket.bufferedBytes = limits.socketBufferSoftBytes + 1
    expect(show()).toBe(1)
    socket.bufferedBytes = 0
    expect(show()).toBe(2)
    session.show(() => undefined)
    expect(sent()).toEqual(['step1', 'step2', 'awareness', 'awareness'])
  })

  test('[AWARE1][LIMIT1] costs whoever asks for it as much as it is long, and nothing is sent to who does not read', async () => {
    let owed = 0
    const bytes = { take: (_user: string, cost: number) => ((owed += cost), 0), size: 0 }
    const { session, socket, sent, conversation } = await createStand({ rates: { ...freeRates, bytes } })
    conversation.others = encodeAwarenessMessage(new Uint8Array(60_000))
    session.receive(step1)
    await turns()
    expect(owed).toBeGreaterThan(60_000)
    for (const [bufferedBytes, cost] of [
      [0, 60_000],
      [limits.socketBufferSoftBytes + 1, 1],
    ] as const) {
      owed = 0
      socket.bufferedBytes = bufferedBytes
      session.receive(Uint8Array.of(3))
      await turns()
      expect(Math.floor(owed / cost)).toBe(1)
    }
    expect(sent().filter((kind) => kind === 'awareness')).toHaveLength(2)
  })
})

describe('whoever writes too fast', () => {
  interface SlowStand extends Stand {
    /** How long it had to wait, and what ends each wait. */
    readonly waits: { readonly ms: number; readonly end: () => void }[]
  }

  async function createSlowStand(waitMs: () => number): Promise<SlowStand> {
    const waits: SlowStand['waits'] = []
    const rates = { entries: { take: () => waitMs(), size: 0 }, bytes: { take: () => 0, size: 0 } }
    const sleep = (ms: number): Promise<void> => new Promise((end) => waits.push({ ms, end }))
    return { ...(await createStand({ rates, sleep })), waits }
  }

  test('[LIMIT1] waits before the next message is handled, and what waits makes the socket pause', async () => {
    const { session, flow, socket, sent, waits, closes } = await createSlowStand(() => 700)
    session.receive(step1)
    session.receive(step1)
    session.receive(encodeUpdateMessage(new Uint8Array(limits.unhandledBytes)))
    await turns()
    expect([waits.map(({ ms }) => ms), sent(), socket.isPaused]).toEqual([[700], ['step1', 'step2'], true])
    waits[0]?.end()
    await turns()
    expect([waits.length, sent()]).toEqual([2, ['step1', 'step2', 'step2']])
    waits[1]?.end()
    await turns()
    waits[2]?.end()
    await turns()
    expect([socket.isPaused, flow.isBusy, closes]).toEqual([false, false, []])
  })

  test('[LIMIT1] beyond the longest wait it is told to come back later', async () => {
    const { session, closes, waits, conversation } = await createSlowStand(() => limits.longestSlowDownMs + 1)
    session.receive(step1)
    await turns()
    expect([closes, waits, conversation.releases]).toEqual([['overloaded'], [], 1])
  })

  test('[LIMIT1][SYNC11] whoever leaves meanwhile leaves nothing behind that waits', async () => {
    const { session, flow, waits, conversation } = await createSlowStand(() => 250_000)
    session.receive(step1)
    session.receive(encodeUpdateMessage(new Uint8Array(1000)))
    await turns()
    expect([waits.length, flow.isBusy, conversation.releases]).toEqual([1, true, 0])
    session.end()
    await turns()
    expect([waits.length, flow.isBusy, conversation.releases]).toEqual([1, false, 1])
  })

  test('[LIMIT1] 5,000 entries go at once, then 1,000 a second, over all sockets of a user; another user is not delayed', async () => {
    let nowMs = 0
    const rates = {
      entries: createRates({
        now: () => nowMs,
        perSecond: limits.entriesPerSecondPerUser,
        burst: limits.burstEntriesPerUser,
      }),
      bytes: createRates({
        now: () => nowMs,
        perSecond: limits.bytesPerSecondPerUser,
        burst: limits.burstBytesPerUser,
      }),
    }
    const sleeping: { readonly untilMs: number; readonly wake: () => void }[] = []
    const sleep = (ms: number): Promise<void> => new Promise((wake) => sleeping.push({ untilMs: nowMs + ms, wake }))
    const advance = async (ms: number): Promise<void> => {
      nowMs += ms
      for (const one of sleeping.splice(0)) {
        if (one.untilMs <= nowMs) one.wake()
        else sleeping.push(one)
      }
      await turns()
    }
    const stand = async (user: string) => createStand({ user, rates, sleep, isSlow: true })
    const [phone, laptop, bob] = [await stand('ann'), await stand('ann'), await stand('bob')]
    const write = async ({ session, taken }: Stand, entries: number): Promise<void> => {
      session.receive(update)
      await turns()
      taken.shift()?.({ kind: 'taken', gap: false, entries: entries - 1 })
      await turns()
    }
    await write(phone, 2500)
    await write(laptop, 2500)
    expect(sleeping).toEqual([])
    await write(phone, 1000)
    expect([sleeping.map(({ untilMs }) => untilMs), phone.flow.isBusy, laptop.flow.isBusy]).toEqual([
      [1000],
      true,
      false,
    ])
    // The other socket of the same user pays for it too, with the next that it writes.
    await write(laptop, 500)
    expect(sleeping.map(({ untilMs }) => untilMs)).toEqual([1000, 1500])
    await write(bob, 4000)
    expect([sleeping.length, bob.flow.isBusy]).toEqual([2, false])
    await advance(999)
    expect([phone.flow.isBusy, laptop.flow.isBusy]).toEqual([true, true])
    await advance(1)
    expect([phone.flow.isBusy, laptop.flow.isBusy]).toEqual([false, true])
    await advance(500)
    expect([laptop.flow.isBusy, laptop.closes]).toEqual([false, []])

    // Bytes the same way: what was asked for counts as what was written.
    nowMs += 3_600_000
    phone.history.rest = () => new Uint8Array(64 * 1024 * 1024)
    for (let each = 0; each < 3; each++) {
      phone.session.receive(step1)
      await turns()
    }
    await advance(1000)
    phone.session.receive(Uint8Array.of(3))
    await turns()
    expect(sleeping.map(({ untilMs }) => Math.round((untilMs - nowMs) / 1000))).toEqual([7])
    await advance(9000)
    expect(phone.closes).toEqual([])

    // More than five minutes of it: come back later.
    await write(laptop, 400_000)
    expect([laptop.closes, phone.closes, bob.closes]).toEqual([['overloaded'], [], []])
  })
})
