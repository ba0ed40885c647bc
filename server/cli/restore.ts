/**
 * `parley restore`: tells a store that it is an older copy of itself, after putting that copy in place if asked to. From
 * then on its conversations begin new epochs, and devices bring back what they still have (SPEC EPOCH2).
 */

import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { StoreError } from '../storage/conversation-store.ts'
import { markRestored, restoreFrom } from '../storage/level/restoring.ts'
import { exitCodes, type Terminal } from './terminal.ts'

const usage = `Usage: parley restore [--data <folder>] [--from <backup>]

To be run after data was put back from a backup, before the server starts: devices know more than such a server, and
bring back what they have. The server must not be running.

  --data <folder>  as for the server (PARLEY_DATA, ./data)
  --from <backup>  copies the store from here first: a data folder, or the store in it, of a server that is not running
                   (there must be no store in --data yet; nothing is overwritten)
  --help           this text

Exit code 0: restored. 2: nothing was changed.
`

export async function restore(argv: readonly string[], { env, out, err }: Terminal): Promise<number> {
  const flags = readFlags(argv, env)
  if (flags.kind === 'help') {
    out(usage)
    return exitCodes.done
  }
  if (flags.kind === 'wrong') {
    err(`${flags.why}\n\n${usage}`)
    return exitCodes.misused
  }
  const { dataDir, from } = flags
  const location = join(dataDir, 'store')
  try {
    const copied = from === undefined ? '' : ` (copied from ${from})`
    const generation = await (from === undefined
      ? markRestored(location, Date.now())
      : restoreFrom(from, location, Date.now()))
    out(
      `Restored ${location}${copied}, generation ${generation}. Start the server: each conversation begins a new epoch ` +
        'when it is next used, and devices bring back what they still have.\n',
    )
    return exitCodes.done
  } catch (error) {
    err(`Cannot restore: ${describe(error)}\n`)
    return exitCodes.misused
  }
}

type Flags =
  | { readonly kind: 'flags'; readonly dataDir: string; readonly from: string | undefined }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly why: string }

function readFlags(argv: readonly string[], env: Terminal['env']): Flags {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { data: { type: 'string' }, from: { type: 'string' }, help: { type: 'boolean' } },
    })
    if (values.help === true) return { kind: 'help' }
    if (values.from === '') return { kind: 'wrong', why: '--from: its value is missing.' }
    const from = values.from === undefined ? undefined : resolve(values.from)
    return { kind: 'flags', dataDir: resolve(values.data ?? (env['PARLEY_DATA'] || './data')), from }
  } catch (error) {
    return { kind: 'wrong', why: error instanceof Error ? error.message : String(error) }
  }
}

function describe(error: unknown): string {
  if (error instanceof StoreError) return `${error.message} (${error.code})`
  return error instanceof Error ? error.message : String(error)
}
