// Crash: the server is killed again and again under writers; everything that was shown as sent is looked for afterwards.
// A few rounds of what tests/process/sigkill.test.ts does at length.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createRandom } from '../../helpers/seeded-random.ts'
import { CrashRounds, type Round } from '../../process/crash-rounds.ts'
import type { Outcome } from '../figure.ts'

const rounds = 10

export async function crash(): Promise<Outcome> {
  const seed = Date.now() % 0x7fff_ffff
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-'))
  // Every stock provider hangs a listener on this process.
  process.setMaxListeners(0)
  const server = await CrashRounds.start(join(folder, 'witness'), createRandom(seed))
  try {
    const played: Round[] = []
    await server.begin()
    for (let round = 0; round < rounds; round++) played.push(await server.round())
    await server.settle()
    const values = { Parley: server.damages.length }
    return {
      figures: [
        {
          name: `SIGKILL, ${rounds} rounds: acknowledged entries lost, torn or doubled`,
          unit: '',
          values,
          judged: { value: server.damages.length, unit: '', most: 0 },
          note: `${played.at(-1)?.acknowledged ?? 0} acknowledged, seed ${seed}`,
        },
        {
          name: '  rounds with a commit in flight',
          unit: '',
          values: { Parley: played.filter(({ inFlight }) => inFlight).length },
        },
      ],
      voids: [],
      failures: server.damages.map((damage) => `SIGKILL, seed ${seed}: ${damage}`),
    }
  } finally {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}
