// Runs scenarios by name, prints the table and keeps the JSON: what `npm run bench` and `npm run bench:peers` share.
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import type { Outcome } from './figure.ts'
import { describeMachine, type Result, table } from './table.ts'

export interface BenchOptions {
  /** Of the long conversation. */
  readonly messages: number
}

export type Scenarios = Readonly<Record<string, (options: BenchOptions) => Promise<Outcome>>>

/** Of the budgets. */
const longMessages = 1_000_000
/** Below this it would not be long. */
const leastMessages = 5000

/**
 * `[scenario…] [--json FILE] [--messages N]`; all scenarios when none is named, and the JSON in the system's folder for temporary files
 * when no file is. The process ends with 1 when something was lost or
 * measured in vain; a budget that is missed is printed, and no failure.
 */
export async function runBench(scenarios: Scenarios): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'string' }, messages: { type: 'string', default: String(longMessages) } },
    allowPositionals: true,
  })
  const unknown = positionals.filter((name) => !Object.hasOwn(scenarios, name))
  if (unknown.length > 0) {
    console.error(`No such scenario: ${unknown.join(', ')}. There are ${Object.keys(scenarios).join(', ')}.`)
    process.exitCode = 2
    return
  }
  const messages = Number(values.messages)
  if (!Number.isSafeInteger(messages) || messages < leastMessages) {
    console.error(`--messages is a number from ${leastMessages} on.`)
    process.exitCode = 2
    return
  }
  // So that what ends with this process ends when it is told to.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  const date = new Date().toISOString()
  const outcomes: Outcome[] = []
  for (const [name, run] of Object.entries(scenarios)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    console.error(`${name} …`)
    outcomes.push(
      await run({ messages }).catch((error: unknown) => {
        const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
        return { figures: [], voids: [], failures: [`${name}: ${why}`] }
      }),
    )
  }
  const result: Result = {
    date,
    machine: describeMachine(),
    figures: outcomes.flatMap(({ figures }) => figures),
    voids: outcomes.flatMap(({ voids }) => voids),
    failures: outcomes.flatMap(({ failures }) => failures),
  }
  console.log(table(result))
  const file = values.json ?? join(tmpdir(), `parley-bench-${date.replaceAll(':', '-')}.json`)
  await writeFile(file, `${JSON.stringify(result, undefined, 2)}\n`)
  console.log(`As JSON: ${file}`)
  // Generators of a scenario that failed half-way may still wait for their next step.
  process.exit(result.voids.length > 0 || result.failures.length > 0 ? 1 : 0)
}
