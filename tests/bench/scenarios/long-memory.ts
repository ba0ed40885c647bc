// Memory of a long conversation and of a short one, each open on one device that says nothing. A single conversation is
// little beside what a process holds anyway: each is measured in processes of its own, which have others open before and do
// not change their code any more; and of several processes the median counts.
import { againstShort, withinBudget } from '../against-short.ts'
import { median, type Outcome } from '../figure.ts'
import { type LongRoom, type LongStore, people, seatIn, shortMessages } from '../long-store.ts'
import { memoryOf, startProbed } from '../memory.ts'
import { type Signer, startLoad } from '../processes.ts'
import type { Seat } from '../seat.ts'

const processes = 5
/**
 * V8 makes code faster when it has run some times, and takes it away when it has not for a while: either is more than a
 * conversation, and comes at some opening or other.
 */
const steadyCode = ['--no-opt', '--no-sparkplug', '--no-lazy-feedback-allocation', '--no-flush-bytecode']
const mostKb = 40

export async function longMemory(signer: Signer, store: LongStore): Promise<Outcome> {
  const short: number[] = []
  const long: number[] = []
  for (let round = 0; round < processes; round++) {
    short.push(await usedKb(signer, store, store.short))
    long.push(await usedKb(signer, store, store.long))
  }
  const size = `${store.long.messages.toLocaleString('en')} messages`
  const pair = { short: median(short), long: median(long) }
  const name = `memory of an open conversation of ${size} by ${people.length} devices, heap and buffers`
  return {
    figures: [
      withinBudget(name, pair, { unit: 'KB', most: mostKb }),
      againstShort(`  against ${shortMessages.toLocaleString('en')}`, 'KB', pair),
      { name: '  most of any process', unit: 'KB', values: { Parley: Math.max(...long) } },
    ],
    voids: [],
    failures: [],
  }
}

async function usedKb(signer: Signer, { dataDir, others }: LongStore, room: LongRoom): Promise<number> {
  const server = await startProbed(signer, dataDir, steadyCode)
  try {
    const seats: Seat[] = []
    for (const id of [...others, room.id]) seats.push(await seatIn(server, signer, { id }))
    const load = await startLoad('idle', { seats, messages: 1, chains: 1 })
    await load.run({ kind: 'sit', seats: others.length, port: server.port })
    // What is there when memory is asked for the first time does not count either.
    await memoryOf(server)
    const without = await memoryOf(server)
    await load.run({ kind: 'sit', seats: 1, port: server.port })
    const open = await memoryOf(server)
    await load.close()
    return open.usedKb - without.usedKb
  } finally {
    await server.stop()
  }
}
