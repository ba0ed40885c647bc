/**
 * `parley restore`: tells a store that it is an older copy of itself, after putting that copy in place if asked to. From
 * then on its conversations begin new epochs, and devices bring back what they still have (SPEC EPOCH2).
 */

import { join, resolve } from 'node:path'
import { markRestored, restoreFrom } from '../storage/level/restoring.ts'
import { readDataFlags } from './data-flags.ts'
import { describeError, exitCodes, type Terminal } from './terminal.ts'

const usage = `Usage: parley restore [--data <folder>] [--from <backup>]

To be run after data was put back from a backup, before the server starts: devices know more than such a server, and
bring back what they have. The server must not be running.

  --data <folder>  as for the server (PARLEY_DATA, ./data)
  --from <backup>  copies the store from here first: a data folder, or the store in it, of a server that is not running
                   (there must be no store in --data yet; nothing is overwritten)
  --help           this text

Exit code 0: restored. 2: nothing was changed.
`

export async function restore(argv: readonly string[], terminal: Terminal): Promise<number> {
  const flags = readDataFlags(argv, terminal, usage, { from: { type: 'string' } })
  if (flags.kind === 'over') return flags.exitCode
  const { dataDir, values } = flags
  const from = typeof values['from'] === 'string' ? resolve(values['from']) : undefined
  const location = join(dataDir, 'store')
  try {
    const copied = from === undefined ? '' : ` (copied from ${from})`
    const generation = await (from === undefined
      ? markRestored(location, Date.now())
      : restoreFrom(from, location, Date.now()))
    terminal.out(
      `Restored ${location}${copied}, generation ${generation}. Start the server: each conversation begins a new epoch ` +
        'when it is next used, and devices bring back what they still have.\n',
    )
    return exitCodes.done
  } catch (error) {
    terminal.err(`Cannot restore: ${describeError(error)}\n`)
    return exitCodes.misused
  }
}
