import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'

import { verifyStore } from '../../server/verify/verify-store.ts'
import { rounds } from '../helpers/long-run.ts'
import { announcedRandom, createRandom, type Random } from '../helpers/seeded-random.ts'
import { damages, type Seen } from './crash-check.ts'
import { CrashRounds, type Round } from './crash-rounds.ts'

/** Kills. */
const kills = rounds(20, 200)
const roundsPerConversation = 10
const roundMs = 20_000

// Every stock provider hangs a listener on this process.
process.setMaxListeners(0)

describe('SIGKILL', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-crash-'))
  })
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  /** Kills one server `count` times, then looks through everything once more; how many messages there are. */
  async function lane(name: string, count: number, random: Random, played: Round[]): Promise<number> {
    const crash = await CrashRounds.start(join(folder, name), random)
    onTestFinished(() => crash.close())
    for (let left = count; left > 0; left -= roundsPerConversation) {
      await crash.begin()
      for (let round = Math.min(left, roundsPerConversation); round > 0; round--) {
        played.push(await crash.round())
        expect(crash.damages).toEqual([])
      }
      await crash.settle()
    }
    await crash.server.kill()
    expect(await problemsOf(crash.server.dataDir)).toEqual([])
    await crash.server.start()
    expect((await crash.server.stop()).code).toBe(0)
    await crash.server.start()
    const messages = await crash.recheck()
    expect(crash.damages).toEqual([])
    return messages
  }

  test(
    '[CRASH1][STORE1][SYNC2] SIGKILL at any moment loses, doubles and changes nothing that was shown as sent',
    { timeout: kills * roundMs },
    async () => {
      const { seed } = announcedRandom('sigkill')
      const played: Round[] = []
      // Two servers: while one starts, the other works.
      const lanes = [Math.ceil(kills / 2), Math.floor(kills / 2)].map((count, at) =>
        lane(`witness-${at}`, count, createRandom(seed + at), played),
      )
      const messages = (await Promise.all(lanes)).reduce((sum, settled) => sum + settled, 0)

      const inFlight = share(played, (round) => round.inFlight)
      const waiting = share(played, (round) => round.unanswered > 0)
      const unannounced = share(played, (round) => round.unannounced > 0)
      console.log(
        `sigkill: ${played.length} rounds, ${messages} messages; killed with a commit in flight in ${percent(inFlight)}, ` +
          `with entries sent and not stamped in ${percent(waiting)}; ` +
          `${percent(unannounced)} left durable what nobody had been told`,
      )
      expect(played).toHaveLength(kills)
      expect(messages).toBeGreaterThan(kills * 5)
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

/** What `parley verify` finds. */
async function problemsOf(dataDir: string): Promise<string[]> {
  const problems: string[] = []
  await verifyStore(join(dataDir, 'store'), ({ kind, text }) => void (kind === 'problem' && problems.push(text)))
  return problems
}

function share(played: readonly Round[], is: (round: Round) => boolean): number {
  return played.filter(is).length / played.length
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`
}
