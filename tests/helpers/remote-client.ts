// A stock client in a process of its own. Knows no test runner.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

import type { Report, Task } from '../wire/stock-worker.ts'
import { childEnv } from './coverage-env.ts'
import { root } from './root.ts'

export interface RemoteClient {
  /** Does a task and tells how things stand afterwards. One at a time. */
  readonly run: (task: Exclude<Task, { kind: 'start' | 'end' }>) => Promise<Report>
  /** Ends the process; resolves when it has ended by itself. */
  readonly end: () => Promise<void>
}

/** Starts one and waits until it is synced. */
export async function startRemoteClient(options: Extract<Task, { kind: 'start' }>['options']): Promise<RemoteClient> {
  const child = fork(join(root, 'dist/tests/wire/stock-worker.js'), { env: childEnv(), execArgv: [] })
  const exited = once(child, 'exit')
  let answered: ((answer: { report: Report } | { failure: string }) => void) | undefined
  child.on('message', (answer: { report: Report }) => answered?.(answer))
  child.once('exit', (code) => answered?.({ failure: `it ended with ${String(code)}` }))

  async function run(task: Task): Promise<Report> {
    const answer = await new Promise<{ report: Report } | { failure: string }>((resolve) => {
      answered = resolve
      child.send(task)
    })
    if ('failure' in answer) throw new Error(`a remote client failed: ${answer.failure}`)
    return answer.report
  }

  await run({ kind: 'start', options })
  return {
    run,
    end: async () => {
      child.send({ kind: 'end' } satisfies Task)
      await exited
    },
  }
}
