// What a server holds in memory when it has nothing to do.
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import type { MemoryUse } from './memory-probe.ts'
import { compiled, type Parley, type Signer, startParley } from './processes.ts'
import { quiet, rssKb } from './usage.ts'

/** A fresh process on a data folder that can be asked by `memoryOf`. */
export function startProbed(signer: Signer, dataDir: string, flags: readonly string[] = []): Promise<Parley> {
  const probe = pathToFileURL(join(compiled, 'memory-probe.js')).href
  return startParley(signer, { dataDir, nodeArgs: ['--expose-gc', ...flags, `--import=${probe}`] })
}

/** After a garbage collection; resident memory as the system tells it. */
export async function memoryOf(server: Parley): Promise<MemoryUse> {
  await quiet(server)
  const answered = once(server.program.child, 'message')
  server.program.child.send('tell')
  const [{ usedKb }] = (await answered) as [MemoryUse]
  return { rssKb: await rssKb(server.pid), usedKb }
}
