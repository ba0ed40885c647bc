// `npm test`: Vitest with coverage, then the merged report with its thresholds. With arguments (`npm test -- storage`)
// Vitest gets them and only the tests they select run, without coverage. `--long` selects those that can go on for longer
// than anybody waits for `npm test`, and lets them.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { reportCoverage } from './coverage/report.ts'
import { measuringEnv } from './helpers/coverage-env.ts'
import { root } from './helpers/root.ts'

const longTests = ['sigkill', 'full-disk', 'level-recovery', 'verify-store', 'convergence/archiving']

const isLong = process.argv[2] === '--long'
const selection = isLong ? [...longTests, ...process.argv.slice(3)] : process.argv.slice(2)
const folder = join(root, 'coverage')

function runVitest(args: readonly string[], env: NodeJS.ProcessEnv): number {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const all = [vitest, 'run', '--config', 'tests/vitest.config.ts', ...args]
  return spawnSync(process.execPath, all, { cwd: root, stdio: 'inherit', env }).status ?? 1
}

function runEverything(): number {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const status = runVitest(['--coverage'], measuringEnv(folder))
  if (status !== 0) return status
  const failures = reportCoverage(root, folder, (line) => console.log(line))
  for (const failure of failures) console.error(`FAILED ${failure}`)
  return failures.length === 0 ? 0 : 1
}

function runSelection(): number {
  const status = runVitest(selection, isLong ? { ...process.env, PARLEY_LONG: '1' } : process.env)
  console.log('A selection of the tests ran: coverage was not measured and its thresholds were not enforced.')
  return status
}

process.exitCode = selection.length === 0 ? runEverything() : runSelection()
