/** `parley verify`: looks through the data of a server that is not running, and says what is damaged (SPEC STORE8). */

import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { StoreError } from '../storage/conversation-store.ts'
import type { Finding } from '../verify/finding.ts'
import { type Verified, verifyStore } from '../verify/verify-store.ts'
import { exitCodes, type Terminal } from './terminal.ts'

const usage = `Usage: parley verify [--data <folder>] [--json]

Looks through everything that is stored, and changes nothing. The server must not be running.

  --data <folder>  as for the server (PARLEY_DATA, ./data)
  --json           one JSON object a line: findings, then a summary
  --help           this text

Exit code 0: no damage. 1: damage. 2: it could not be looked at.
`

export async function verify(argv: readonly string[], { env, out, err }: Terminal): Promise<number> {
  const flags = readFlags(argv, env)
  if (flags.kind === 'help') {
    out(usage)
    return exitCodes.done
  }
  if (flags.kind === 'wrong') {
    err(`${flags.why}\n\n${usage}`)
    return exitCodes.misused
  }
  const { dataDir, json } = flags
  const write = (line: object, text: string): void => out(`${json ? JSON.stringify(line) : text}\n`)
  try {
    const verified = await verifyStore(join(dataDir, 'store'), (finding) => write(finding, describeFinding(finding)))
    write({ kind: 'summary', ...verified }, describeSummary(verified))
    return verified.problems === 0 ? exitCodes.done : exitCodes.failed
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    err(`Cannot verify: ${error.message} (${error.code})\n`)
    return exitCodes.misused
  }
}

type Flags =
  | { readonly kind: 'flags'; readonly dataDir: string; readonly json: boolean }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly why: string }

function readFlags(argv: readonly string[], env: Terminal['env']): Flags {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { data: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
    })
    if (values.help === true) return { kind: 'help' }
    return {
      kind: 'flags',
      dataDir: resolve(values.data ?? (env['PARLEY_DATA'] || './data')),
      json: values.json === true,
    }
  } catch (error) {
    return { kind: 'wrong', why: error instanceof Error ? error.message : String(error) }
  }
}

function describeFinding({ kind, conversation, text }: Finding): string {
  const where = conversation === undefined ? 'store' : `conversation ${conversation}`
  return `${kind === 'note' ? 'note: ' : ''}${where}: ${text}`
}

function describeSummary({ conversations, messages, problems }: Verified): string {
  const damage = problems === 0 ? 'no damage' : `${problems} ${problems === 1 ? 'problem' : 'problems'}`
  return `${conversations} conversations, ${messages} messages, ${damage}`
}
