#!/usr/bin/env node
/**
 * The command `parley`: flags and environment → configuration → server → signals. The only reader of `process.env`.
 * stdout carries one line, the address; everything else goes to stderr.
 */

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readConfig } from './config.ts'
import { createLog } from './http/create-log.ts'
import { type RunningServer, startServer } from './server.ts'
import { StoreError } from './storage/conversation-store.ts'

/** Sockets and the commit in flight are given this long; then the process ends anyway. */
const shutdownMs = 10_000

const read = readConfig(process.argv.slice(2), process.env)
if (read.kind === 'help') {
  process.stdout.write(read.text)
} else if (read.kind === 'invalid') {
  process.stderr.write(`Parley cannot start:\n${read.problems.map((problem) => `  - ${problem}\n`).join('')}`)
  process.exitCode = 2
} else {
  const { config } = read
  const log = createLog(config.logLevel, process.stderr)
  const webRoot = fileURLToPath(new URL('../web', import.meta.url))
  try {
    const server = await startServer(config, {
      log,
      now: Date.now,
      webRoot: existsSync(webRoot) ? webRoot : undefined,
      onStoreFailure: (error) => {
        log.fatal({ err: error }, 'a write failed: nothing more is acknowledged')
        endWith(server, 1)
      },
    })
    if (config.auth.kind === 'demo') {
      process.stderr.write(
        'Demo mode: anyone on this machine can sign in under any name. Set PARLEY_JWT_SECRET to end it.\n',
      )
    }
    process.stdout.write(`Parley listening on ${server.url}\n`)
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => endWith(server, 0))
  } catch (error) {
    process.stderr.write(`Parley cannot start: ${describe(error)}\n`)
    process.exitCode = 1
  }
}

function endWith(server: RunningServer, exitCode: number): void {
  process.exitCode = exitCode
  const timer = setTimeout(() => process.exit(exitCode === 0 ? 1 : exitCode), shutdownMs)
  timer.unref()
  server.close().then(
    () => process.exit(),
    () => process.exit(1),
  )
}

function describe(error: unknown): string {
  if (error instanceof StoreError) return `${error.message} (${error.code})`
  return error instanceof Error ? error.message : String(error)
}
