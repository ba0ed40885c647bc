// Makes what runs outside Vitest count: child processes and Chromium write raw V8 coverage, tests/coverage merges it.
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { V8Script } from '../coverage/v8.ts'

/** Set by tests/run.ts to the absolute path of the coverage folder when coverage is measured, else absent. */
const coverageVariable = 'PARLEY_COVERAGE'

/** Folders of raw coverage inside the coverage folder. */
export const rawFolders = { node: 'raw/node', chromium: 'raw/chromium' } as const

/**
 * The environment for a Node process that a test starts: this one's, without what Vitest put there and without
 * `PARLEY_…` settings of the developer's shell, plus `settings`. The process adds to coverage if it ends by itself;
 * one that is killed by SIGKILL writes nothing.
 */
export function childEnv(settings: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !/^(PARLEY_|VITEST|NODE_V8_COVERAGE$|NODE_ENV$|NODE_OPTIONS$|TEST$|DEV$|PROD$|MODE$|SSR$|BASE_URL$)/.test(name),
  )
  const folder = process.env[coverageVariable]
  const coverage = folder === undefined ? {} : { NODE_V8_COVERAGE: join(folder, rawFolders.node) }
  return { ...Object.fromEntries(inherited), ...coverage, ...settings }
}

/** The environment of the test run itself, with coverage measured into `folder`. */
export function measuringEnv(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, [coverageVariable]: folder }
}

/** Keeps the result of Playwright's `page.coverage.stopJSCoverage()`; does nothing when coverage is not measured. */
export function saveChromiumCoverage(entries: readonly V8Script[]): void {
  const folder = process.env[coverageVariable]
  if (folder === undefined) return
  mkdirSync(join(folder, rawFolders.chromium), { recursive: true })
  const result = entries.map(({ url, functions }) => ({ url, functions }))
  writeFileSync(join(folder, rawFolders.chromium, `${randomUUID()}.json`), JSON.stringify({ result }))
}
