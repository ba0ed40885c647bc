// One session on a socket that is a list, and a conversation that does as it is told.
import { describe, expect, test } from 'vitest'

import type { Subscriber } from '../../../server/sync/broadcast.ts'
import type { DurableState } from '../../../server/sync/projection.ts'
import { type SessionLog, StockSession } from '../../../server/sync/stock-session.ts'
import type { SyncTarget, Taken } from '../../../server/sync/sync-target.ts'
import { Fault, type FaultCode } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import { encodeStateVector } from '../../../shared/sync/state-vector.ts'
import {
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

interface Stand {
  readonly session: StockSession
  /** What the device was sent, by kind. */
  readonly sent: () => readonly string[]
  readonly closes: FaultCode[]
  readonly socket: { bufferedBytes: number; isPaused: boolean; pauses: number }
  readonly conversation: { follows: number; releases: number; subscriber: Subscriber | undefined }
  readonly errors: object[]
  /** Resolves what the conversation was asked to do, oldest first. */
  readonly taken: ((taken: Taken) => void)[]
  readonly failures: { take?: Error; follow?: Error; isBehind?: boolean }
}

/** Turns enough for everything that waits for nothing. */
async function turns(): Promise<void> {
  for (let each = 0; each < 3; each++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** `isSlow`: updates are taken when `taken` says so; else at once. */
function createStand({ isSlow = false } = {}): Stand {
  const frames: Uint8Array[] = []
  const closes: FaultCode[] = []
  const socket = { bufferedBytes: 0, isPaused: false, pauses: 0 }
  const conversation: Stand['conversation'] = { follows: 0, releases: 0, subscriber: undefined }
  const failures: Stand['failures'] = {}
  const errors: object[] = []
  const taken: Stand['taken'] = []
  const state: DurableState = {
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
    encodeMissing: async () => empty,
    take: async () => {
      if (failures.take !== undefined) throw failures.take
      if (!isSlow) return { kind: 'taken', gap: false }
      return new Promise((resolve) => taken.push(resolve))
    },
    release: () => {
      conversation.releases++
    },
  }
  const log: SessionLog = { info: () => undefined, error: (fields) => errors.push(fields) }
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
  }
  const session = new StockSession(userId('ann'), target, port, log)
  session.start()
  const sent = (): string[] => frames.map((frame) => (frame === heartbeat ? 'heartbeat' : parseWireMessage(frame).kind))
  return { session, sent, closes, socket, conversation, errors, taken, failures }
}

describe('a session', () => {
  test('[SYNC1] asks at once, and follows only after it has been asked', async () => {
    const { session, sent, conversation } = createStand()
    expect(sent()).toEqual(['step1'])
    session.relay(update)
    session.beat()
    expect(sent()).toEqual(['step1'])
    session.receive(step1)
    await turns()
    session.relay(update)
    session.beat()
    expect(sent()).toEqual(['step1', 'step2', 'update', 'heartbeat'])
    expect(conversation.follows).toBe(1)
  })

  test('[SYNC5] asks once more for a gap in an update, one question at a time, and never for a gap in an answer', async () => {
    const { session, sent, taken } = createStand({ isSlow: true })
    const tell = async (frame: Uint8Array, gap: boolean): Promise<number> => {
      session.receive(frame)
      await turns()
      taken.shift()?.({ kind: 'taken', gap })
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
    const { session, sent, taken } = createStand({ isSlow: true })
    for (const frame of [update, step1, update, step1]) session.receive(frame)
    await turns()
    expect([taken.length, sent()]).toEqual([1, ['step1']])
    taken.shift()?.({ kind: 'taken', gap: false })
    await turns()
    expect([taken.length, sent()]).toEqual([1, ['step1', 'step2']])
    taken.shift()?.({ kind: 'taken', gap: false })
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
    const { session, closes, failures, sent, conversation, errors } = createStand()
    Object.assign(failures, failure)
    session.receive(frame)
    session.receive(step1)
    await turns()
    session.relay(update)
    session.beat()
    session.close('restart')
    session.end()
    expect(closes).toEqual([code])
    expect(sent()).toEqual(['step1'])
    expect([conversation.subscriber, conversation.releases, errors]).toEqual([undefined, 1, []])
  })

  test('[SYNC3] a fault that the conversation finds closes with its code', async () => {
    const { session, closes, taken } = createStand({ isSlow: true })
    session.receive(update)
    await turns()
    taken.shift()?.({ kind: 'fault', code: 'forked', why: 'other bytes' })
    await turns()
    expect(closes).toEqual(['forked'])
  })

  test('[SYNC3][PROC4] what is our own fault is logged, and the device is asked to come back', async () => {
    const { session, closes, failures, errors } = createStand()
    failures.take = new Error('a bug')
    session.receive(update)
    await turns()
    expect(closes).toEqual(['unavailable'])
    expect(errors).toHaveLength(1)
  })

  test('[SYNC11] holds the conversation until what it has in hand is taken, also when its socket is gone', async () => {
    const { session, conversation, taken } = createStand({ isSlow: true })
    session.receive(update)
    await turns()
    session.end()
    await turns()
    expect([conversation.subscriber, conversation.releases]).toEqual([undefined, 0])
    taken.shift()?.({ kind: 'taken', gap: false })
    await turns()
    expect(conversation.releases).toBe(1)
  })

  test('[SYNC3] who may not follow is told so, and the conversation is released once', async () => {
    const released: number[] = []
    const closes: FaultCode[] = []
    const refuse = (error: Error): void => {
      const target = {
        follow: () => {
          throw error
        },
        unfollow: () => undefined,
        release: () => released.push(1),
      }
      const port = { close: (code: FaultCode) => closes.push(code) }
      const log = { info: () => undefined, error: () => undefined }
      new StockSession(userId('eve'), target as never, port as never, log).start()
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
    const { session, socket, taken, closes } = createStand({ isSlow: true })
    const big = encodeUpdateMessage(new Uint8Array(limits.unhandledBytes / 2))
    session.receive(big)
    expect([socket.isPaused, session.isBusy]).toEqual([false, true])
    session.receive(big)
    expect(socket.isPaused).toBe(true)
    await turns()
    taken.shift()?.({ kind: 'taken', gap: false })
    await turns()
    expect([socket.isPaused, session.isBusy]).toEqual([false, true])
    taken.shift()?.({ kind: 'taken', gap: false })
    await turns()
    expect([socket.isPaused, session.isBusy, socket.pauses, closes]).toEqual([false, false, 1, []])
  })

  test('[SYNC9] a flood of tiny frames pauses the socket too: what waits costs more than its bytes', async () => {
    const { session, socket } = createStand({ isSlow: true })
    session.receive(update)
    let frames = 0
    while (!socket.isPaused && frames < 100_000) {
      session.receive(Uint8Array.of(3))
      frames++
    }
    expect(frames).toBeLessThan(10_000)
    session.end()
  })

  test('[SYNC3] relaying to a device that reads nothing closes it', async () => {
    const { session, socket, closes, sent } = createStand()
    session.receive(step1)
    await turns()
    socket.bufferedBytes = limits.socketBufferHardBytes
    session.relay(update)
    expect(closes).toEqual([])
    socket.bufferedBytes++
    session.relay(update)
    expect([closes, sent()]).toEqual([['overloaded'], ['step1', 'step2', 'update']])
  })
})
