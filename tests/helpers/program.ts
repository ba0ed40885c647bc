// A Node program as a child process: what it wrote, how it ended. Programs that a test forgets die with this process.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'

import { childEnv } from './coverage-env.ts'
import { root } from './root.ts'

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Program {
  readonly child: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  /** The first whole line of stdout; rejects with what it said on stderr when the program ends without one. */
  readonly firstLine: Promise<string>
  /** When it has ended and all it wrote has been read. */
  readonly ended: Promise<Ending>
  /** SIGKILL, and waits. Does nothing when it has ended already. */
  readonly kill: () => Promise<Ending>
}

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Arguments of `node` for the built server, on a free port. */
export function serverArgs(...flags: readonly string[]): string[] {
  return [join(root, 'dist/server/main.js'), '--port', '0', ...flags]
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>
  /** A channel of messages, for programs that are driven by the test. */
  readonly ipc?: boolean
  /** No file may grow beyond so many blocks of 512 bytes: to the program the disk is full then. */
  readonly maxFileBlocks?: number
}

/** Runs `node <args>` in the folder of the repository. */
export function runProgram(
  args: readonly string[],
  { env = {}, ipc = false, maxFileBlocks }: ProgramOptions = {},
): Program {
  const command = [process.execPath, ...args]
  // Its coverage would not fit either, and half a file of it stops the report.
  const limited = `ulimit -f ${maxFileBlocks} && unset NODE_V8_COVERAGE && exec "$0" "$@"`
  const [path, ...rest] = maxFileBlocks === undefined ? command : ['/bin/sh', '-c', limited, ...command]
  const child = spawn(path ?? process.execPath, rest, {
    cwd: root,
    env: childEnv(env),
    stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
    // Structured clones, so that bytes come through as bytes.
    serialization: 'advanced',
  })
  running.add(child)
  let stdout = ''
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const firstLine = new Promise<string>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      const end = stdout.indexOf('\n')
      if (end >= 0) resolve(stdout.slice(0, end))
    })
    child.once('close', (code, signal) => {
      reject(new Error(`it ended (${code ?? signal}) without a word: ${stderr}`))
    })
  })
  // Whoever waits for it hears of it.
  firstLine.catch(() => undefined)
  const ended = new Promise<Ending>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve({ code, signal })
    })
  })
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    firstLine,
    ended,
    kill: () => {
      child.kill('SIGKILL')
      return ended
    },
  }
}
