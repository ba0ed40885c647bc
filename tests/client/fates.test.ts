// A device back after a year: its own entries were archived before it saw their stamps.
import { expect, test, vi } from 'vitest'

import type { LookUpChain } from '../../client/fates.ts'
import type { RestChain } from '../../shared/rest.ts'
import { keepingMemory, openRig, type OpenRig, stampAll } from '../helpers/open-rig.ts'
import type { StampingServer } from '../helpers/stamping-server.ts'

/** What the real server says of a chain. */
function chainOf(server: StampingServer): LookUpChain {
  return async (client, from): Promise<RestChain | undefined> => {
    const places = server.accepted.map((entry, seq) => ({ ...entry, seq })).filter((entry) => entry.client === client)
    if (places.length === 0) return undefined
    const next = Math.max(...places.map(({ clock }) => clock)) + 1
    const entries = places
      .filter(({ clock }) => clock >= from)
      .map(({ clock, seq, crc, voidReason }) =>
        voidReason === undefined
          ? ({ clock, state: 'accepted', seq, crc } as const)
          : ({ clock, state: 'void', reason: voidReason, crc } as const),
      )
    // In parts, as of a long chain.
    return { client, next_clock: next, entries: entries.slice(0, 2) }
  }
}

/** Four own entries that went out, of which nothing came back; then all was archived. */
async function backAfterAYear(lookUp?: LookUpChain): Promise<OpenRig> {
  const rig: OpenRig = await openRig({
    storage: keepingMemory(),
    lookUpChain: (client, from) => (lookUp ?? chainOf(rig.server))(client, from),
  })
  rig.download()
  rig.conversation.send('first')
  rig.conversation.send('second')
  rig.conversation.setTitle('Tea')
  rig.conversation.send('third')
  rig.upload()
  stampAll(rig.server, { 1: 'too-large' })
  rig.server.archive(3)
  rig.download()
  return rig
}

test('[ARCH2] what was archived meanwhile is asked for: accepted is settled, void is failed with its reason', async () => {
  const rig = await backAfterAYear()
  expect(rig.conversation.unsent).toBe(4)
  rig.connections[0]?.status({ phase: 'live' })
  await vi.waitFor(() => expect(rig.conversation.unsent).toBe(0))
  expect(rig.shown()).toEqual(['second: too-large'])
  expect(rig.conversation.info.getSnapshot().title).toBe('Tea')
})

test('[ARCH2] without an answer nothing is settled and nothing waits, and it is asked again', async () => {
  vi.useFakeTimers()
  let tries = 0
  const rig: OpenRig = await backAfterAYear((client, from) =>
    ++tries < 3 ? Promise.reject(new Error('offline')) : chainOf(rig.server)(client, from),
  )
  rig.connections[0]?.status({ phase: 'live' })
  await vi.advanceTimersByTimeAsync(0)
  expect(rig.conversation.unsent).toBe(4)
  rig.conversation.send('meanwhile')
  expect(rig.shown()).toEqual(['meanwhile: pending'])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(tries).toBeGreaterThan(2)
  expect(rig.shown()).toEqual(['meanwhile: pending', 'second: too-large'])
  vi.useRealTimers()
})

test('[ARCH2] what the server has never had is appended again, once', async () => {
  const rig = await backAfterAYear(async (client) => ({ client, next_clock: 0, entries: [] }))
  rig.connections[0]?.status({ phase: 'live' })
  await vi.waitFor(() => expect(rig.shown()).toEqual(['first: pending', 'second: pending', 'third: pending']))
  expect(rig.conversation.unsent).toBe(4)
  rig.sync()
  expect(rig.shown()).toEqual(['first: sent', 'second: sent', 'third: sent'])
})

test('[ARCH2][FORK1] other bytes at a place mean that this device has forked', async () => {
  const rig = await backAfterAYear(async (client) => ({
    client,
    next_clock: 4,
    entries: [0, 1, 2, 3].map((clock) => ({ clock, state: 'accepted', seq: clock, crc: 77 })),
  }))
  rig.connections[0]?.status({ phase: 'live' })
  // A second document is being built.
  await vi.waitFor(() => expect(rig.connections).toHaveLength(2))
})

test('[ARCH2][FORK1] a document that is built anew does not bring again what was archived', async () => {
  const rig: OpenRig = await openRig({ lookUpChain: (client, from) => chainOf(rig.server)(client, from) })
  rig.download()
  rig.conversation.send('first')
  rig.conversation.setTitle('Tea')
  rig.upload()
  stampAll(rig.server)
  rig.server.archive(1)
  // It hears of a fork before it hears of the stamps.
  rig.connections[0]?.status({ phase: 'refused', code: 'forked', reason: '' })
  await vi.waitFor(() => expect(rig.connections).toHaveLength(2))
  rig.download()
  rig.connections[1]?.status({ phase: 'live' })
  rig.download()
  await vi.waitFor(() => expect(rig.conversation.document.generation).toBe(1))
  expect(rig.conversation.unsent).toBe(0)
  expect(rig.shown()).toEqual([])
  expect(rig.conversation.info.getSnapshot().title).toBe('Tea')
})

test('[ARCH2][FORK1] where the server does not answer during that, rows are kept and asked for later', async () => {
  let isOffline = true
  const rig: OpenRig = await openRig({
    lookUpChain: (client, from) =>
      isOffline ? Promise.reject(new Error('offline')) : chainOf(rig.server)(client, from),
  })
  rig.download()
  rig.conversation.send('first')
  rig.conversation.setTitle('Tea')
  rig.upload()
  stampAll(rig.server, { 0: 'too-large' })
  rig.server.archive(1)
  rig.connections[0]?.status({ phase: 'refused', code: 'forked', reason: '' })
  await vi.waitFor(() => expect(rig.connections).toHaveLength(2))
  rig.download()
  rig.connections[1]?.status({ phase: 'live' })
  rig.download()
  await vi.waitFor(() => expect(rig.conversation.document.generation).toBe(1))
  expect(rig.conversation.unsent).toBe(2)
  isOffline = false
  rig.connections[1]?.status({ phase: 'offline', reason: '' })
  rig.connections[1]?.status({ phase: 'live' })
  await vi.waitFor(() => expect(rig.conversation.unsent).toBe(0))
  expect(rig.shown()).toEqual(['first: too-large'])
  // Nothing was appended a second time.
  rig.upload()
  expect(rig.server.accepted).toHaveLength(2)
})
