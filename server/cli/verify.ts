/** `parley verify`: looks through the data of a server that is not running, and says what is damaged (SPEC STORE8). */

import { join } from 'node:path'
import { StoreError } from '../storage/conversation-store.ts'
import type { Finding } from '../verify/finding.ts'
import { type Verified, verifyStore } from '../verify/verify-store.ts'
import { readDataFlags } from './data-flags.ts'
import { describeError, exitCodes, type Terminal } from './terminal.ts'

const usage = `Usage: parley verify [--data <folder>] [--json]

Looks through everything that is stored, and changes nothing. The server must not be running.

  --data <folder>  as for the server (PARLEY_DATA, ./data)
  --json           one JSON object a line: findings, then a summary
  --help           this text

Exit code 0: no damage. 1: damage. 2: it could not be looked at.
`

export async function verify(argv: readonly string[], terminal: Terminal): Promise<number> {
  const flags = readDataFlags(argv, terminal, usage, { json: { type: 'boolean' } })
  if (flags.kind === 'over') return flags.exitCode
  const { dataDir, values } = flags
  const isJson = values['json'] === true
  const write = (line: object, text: string): void => terminal.out(`${isJson ? JSON.stringify(line) : text}\n`)
  try {
    const verified = await verifyStore(join(dataDir, 'store'), (finding) => write(finding, describeFinding(finding)))
    write({ kind: 'summary', ...verified }, describeSummary(verified))
    return verified.problems === 0 ? exitCodes.done : exitCodes.failed
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    terminal.err(`Cannot verify: ${describeError(error)}\n`)
    return exitCodes.misused
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
