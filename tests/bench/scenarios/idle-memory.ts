// Idle memory: conversations with a history, each open on one device that says nothing. The second half of them against the
// first, so that what a server needs anyway does not count.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { atMost, type Outcome } from '../figure.ts'
import { memoryOf, startProbed } from '../memory.ts'
import { type Signer, startLoad, startParley } from '../processes.ts'
import type { Seat } from '../seat.ts'

const conversations = 800
const messages = 500
const chains = 5
const mostKb = 40

export async function idleMemory(signer: Signer): Promise<Outcome> {
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-bench-'))
  try {
    const writing = await startParley(signer, { dataDir })
    const seats: Seat[] = []
    for (let number = 0; number < conversations; number++) {
      const user = `user-${number}`
      seats.push((await writing.room([user])).seat(user))
    }
    const load = await startLoad('idle', { seats, messages, chains })
    await load.run({ kind: 'fill' })
    await writing.stop()

    // A fresh process: nothing of the writing is left in it.
    const server = await startProbed(signer, dataDir)
    const half = conversations / 2
    await load.run({ kind: 'sit', seats: half, port: server.port })
    const first = await memoryOf(server)
    await load.run({ kind: 'sit', seats: half, port: server.port })
    const second = await memoryOf(server)
    await load.close()
    await server.stop()

    const rss = { Parley: (second.rssKb - first.rssKb) / half }
    const used = { Parley: (second.usedKb - first.usedKb) / half }
    const name = `memory of an open conversation of ${messages} messages with a silent socket`
    return {
      figures: [
        { name, unit: 'KB', values: rss, judged: atMost(rss, 'KB', mostKb) },
        { name: '  of which the JavaScript heap and its buffers', unit: 'KB', values: used },
      ],
      voids: [],
      failures: [],
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}
