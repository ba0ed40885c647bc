/** `parley serve`, and `parley` alone: configuration → server → signals. stdout carries one line, the address. */

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readConfig } from '../config.ts'
import { createLog } from '../http/create-log.ts'
import { type RunningServer, startServer } from '../server.ts'
import { describeError, exitCodes, type Terminal } from './terminal.ts'

/** Sockets and the commit in flight are given this long; then the process ends anyway. */
const shutdownMs = 10_000

/** The exit code when it cannot start; undefined while it runs: then signals end the process. */
export async function serve(argv: readonly string[], { env, out, err }: Terminal): Promise<number | undefined> {
  const read = readConfig(argv, env)
  if (read.kind === 'help') {
    out(read.text)
    return exitCodes.done
  }
  if (read.kind === 'invalid') {
    err(`Parley cannot start:\n${read.problems.map((problem) => `  - ${problem}\n`).join('')}`)
    return exitCodes.misused
  }
  const { config } = read
  const log = createLog(config.logLevel, { write: err })
  const webRoot = fileURLToPath(new URL('../../web', import.meta.url))
  try {
    const server = await startServer(config, {
      log,
      now: Date.now,
      webRoot: existsSync(webRoot) ? webRoot : undefined,
      onStoreFailure: (error) => {
        log.fatal({ err: error }, 'the store has failed: nothing more is acknowledged')
        err(`Parley ends: ${describeError(error)}${causeOf(error)}\n`)
        endWith(server, exitCodes.failed)
      },
    })
    if (config.auth.kind === 'demo') {
      err('Demo mode: anyone on this machine can sign in under any name. Set PARLEY_JWT_SECRET to end it.\n')
    }
    // Before anybody knows the address: who reads it may send a signal at once.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => endWith(server, exitCodes.done))
    out(`Parley listening on ${server.url}\n`)
    return undefined
  } catch (error) {
    err(`Parley cannot start: ${describeError(error)}\n`)
    return exitCodes.failed
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

/** What the disk or the library said first, where that is known. */
function causeOf(error: unknown): string {
  let first = error
  while (first instanceof Error && first.cause instanceof Error) first = first.cause
  return first !== error && first instanceof Error ? `: ${first.message}` : ''
}
