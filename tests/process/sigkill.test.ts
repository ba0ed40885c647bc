import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'

import { announcedRandom } from '../helpers/seeded-random.ts'
import { damages, type Seen } from './crash-check.ts'
import { CrashRounds, type Round } from './crash-rounds.ts'

/** Kills; `PARLEY_ROUNDS=1000` for a long run. */
const rounds = Number(process.env['PARLEY_ROUNDS'] ?? 50)
const roundsPerConversation = 10
const roundMs = 20_000

describe('SIGKILL', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-crash-'))
  })
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  test(
    '[CRASH1][STORE1][SYNC2] SIGKILL at any moment loses, doubles and changes nothing that was shown as sent',
    { timeout: rounds * roundMs },
    async () => {
      const random = announcedRandom('sigkill')
      const crash = await CrashRounds.start(join(folder, 'witness'), random)
      onTestFinished(() => crash.close())
      const played: Round[] = []
      while (played.length < rounds) {
        await crash.begin()
        const batch = Math.min(roundsPerConversation, rounds - played.length)
        for (let left = batch; left > 0 && crash.damages.length === 0; left--) played.push(await crash.round())
        expect(crash.damages).toEqual([])
        await crash.settle()
      }
      expect((await crash.server.stop()).code).toBe(0)
      await crash.server.start()
      const settled = await crash.recheck()

      const inFlight = share(played, (round) => round.inFlight)
      const waiting = share(played, (round) => round.unanswered > 0)
      const unannounced = share(played, (round) => round.unannounced > 0)
      console.log(
        `sigkill: ${rounds} rounds, ${settled} messages; killed with a commit in flight in ${percent(inFlight)}, with ` +
          `entries sent and not stamped in ${percent(waiting)}; ${percent(unannounced)} left durable what nobody had been told`,
      )
      expect(crash.damages).toEqual([])
      expect(settled).toBeGreaterThan(rounds * 5)
      expect(waiting).toBeGreaterThanOrEqual(0.8)
      expect(inFlight).toBeGreaterThanOrEqual(0.8)
    },
  )

  test('[CRASH1] a disk that forgets what it acknowledged is caught', { timeout: 2 * roundMs }, async () => {
    const crash = await CrashRounds.start(join(folder, 'witness'), announcedRandom('sigkill, forgetful disk'))
    onTestFinished(() => crash.close())
    await crash.begin()
    await crash.server.stop()
    const restore = await crash.server.backup()
    await crash.server.start()
    const { acknowledged } = await crash.round({ tamper: restore })
    const lost = new Set(crash.damages.filter((line) => line.startsWith('lost: ')))
    expect(lost.size).toBe(acknowledged)
    expect(acknowledged).toBeGreaterThan(0)
  })

  test('[CRASH1] the comparison sees whatever can go wrong', () => {
    const one: Seen = { id: '1', user: 'ann', content: 'one', seq: 3, createdAt: 1000 }
    const two: Seen = { id: '2', user: 'bob', content: 'two', seq: 5, createdAt: 1001 }
    const said = new Set(['one', 'two'])
    expect(damages([one, two], [one, two], said)).toEqual([])
    expect(damages([one], [one, two], said)).toEqual([])
    expect(damages([one, two], [one], said)).toEqual(['lost: two (5)'])
    expect(damages([one], [{ ...one, content: 'two' }], said)).toEqual(['changed: one (3 → 3)'])
    expect(damages([one], [{ ...one, seq: 4 }], said)).toEqual(['changed: one (3 → 4)'])
    expect(damages([one], [{ ...one, createdAt: 1 }], said)).toEqual(['changed: one (3 → 3)'])
    expect(damages([], [one, { ...one, seq: 4 }], said)).toEqual(['twice: message 1', 'twice: one'])
    expect(damages([], [two, one], said)).toEqual(['out of order: 3 behind 5'])
    expect(damages([], [one], new Set())).toEqual(['nobody said: one'])
  })
})

function share(played: readonly Round[], is: (round: Round) => boolean): number {
  return played.filter(is).length / played.length
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`
}
