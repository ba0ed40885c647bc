// A stock client in a process of its own. Knows no test runner.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

import type { Report, Task } from '../wire/stock-worker.ts'
import { childEnv } from './coverage-env.ts'
import { root } from './root.ts'

export interface RemoteClient {
  /** Does a task and tells how things stand afterwards. */
  readonly run: (task: Exclude<Task, { kind: 'start' | 'end' }>) => Promise<Report>
  /** Ends the process; resolves when it has ended by itself. */
  readonly end: () => Promise<void>
}

/** Starts one and waits until it is synced. */
export async function startRemoteClient(options: Extract<Task, { kind: 'start' }>['options']): Promise<RemoteClient> {
  const child = fork(join(root, 'dist/tests/wire/stock-worker.js'), { env: childEnv(), execArgv: [] })
  await ask(child, { kind: 'start', options })
  return {
    run: (task) => ask(child, task),
    end: async () => {
      const exited = once(child, 'exit')
      child.send({ kind: 'end' } satisfies Task)
      await exited
    },
  }
}

async function ask(child: ChildProcess, task: Task): Promise<Report> {
  const answered = once(child, 'message')
  child.send(task)
  const [answer] = (await Promise.race([
    answered,
    once(child, 'exit').then(([code]) => [{ failure: `it ended with ${String(code)}` }]),
  ])) as [{ report: Report } | { failure: string }]
  if ('failure' in answer) throw new Error(`a remote client failed: ${answer.failure}`)
  return answer.report
}
