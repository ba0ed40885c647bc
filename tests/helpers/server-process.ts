// A real server process: dist/server/main.js on a folder of its own and a free port, in demo mode unless `env` says
// otherwise. Ends by signals, comes back on the same folder and port. Knows no test runner.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

import { childEnv } from './coverage-env.ts'
import { root } from './root.ts'

export interface RestAnswer {
  readonly status: number
  /** Undefined when it was empty. */
  readonly body: unknown
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

type Child = ChildProcessByStdio<null, Readable, Readable>

const startMs = 30_000

export class ServerProcess {
  /** Holds the data folder, and copies of it. */
  readonly folder: string
  readonly #env: Readonly<Record<string, string>>
  #child: Child | undefined
  #url = ''
  #stderr = ''
  readonly #tokens = new Map<string, Promise<string>>()

  constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.folder = folder
    this.#env = env
  }

  /** `http://127.0.0.1:<port>`, the same after every restart. */
  get url(): string {
    return this.#url
  }

  /** All that every run of it wrote to stderr. */
  get stderr(): string {
    return this.#stderr
  }

  /** Of the process that runs now. */
  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('the server is not running')
    return this.#child.pid
  }

  get dataDir(): string {
    return join(this.folder, 'data')
  }

  /** Starts it, the first time on a free port, later on the same one; resolves when it listens. */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error('the server is running')
    const port = this.#url === '' ? '0' : new URL(this.#url).port
    const args = [join(root, 'dist/server/main.js'), '--port', port, '--data', this.dataDir, '--log-level', 'warn']
    const child = spawn(process.execPath, args, { env: childEnv(this.#env), stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined
    })
    const [line] = await Promise.race([
      once(createInterface(child.stdout), 'line', { signal: AbortSignal.timeout(startMs) }),
      once(child, 'exit').then(() => Promise.reject(new Error(`the server ended at once: ${this.#stderr}`))),
    ])
    const [, url] = /^Parley listening on (http:\S+)$/.exec(String(line)) ?? []
    if (url === undefined) throw new Error(`the server says "${String(line)}" where its address belongs`)
    this.#url = url
  }

  /** SIGTERM. */
  stop(): Promise<Exit> {
    return this.#signal('SIGTERM')
  }

  /** SIGKILL: nothing is finished. */
  kill(): Promise<Exit> {
    return this.#signal('SIGKILL')
  }

  /** When the process that runs now has ended, by itself or not. */
  exited(): Promise<Exit> {
    const child = this.#child
    if (child === undefined) throw new Error('the server is not running')
    return once(child, 'exit').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as Exit['signal'],
    }))
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** Keeps a copy of the data of a stopped server; the result puts it back. */
  async backup(): Promise<() => Promise<void>> {
    const copy = join(this.folder, 'backup')
    await cp(this.dataDir, copy, { recursive: true })
    return async () => {
      await rm(this.dataDir, { recursive: true })
      await cp(copy, this.dataDir, { recursive: true })
    }
  }

  /** A token of the demo mode. */
  token(user: string): Promise<string> {
    const known = this.#tokens.get(user)
    if (known !== undefined) return known
    const token = this.#fetchToken(user)
    this.#tokens.set(user, token)
    return token
  }

  async rest(user: string, method: string, path: string, body?: unknown): Promise<RestAnswer> {
    return this.#call(method, path, body, { authorization: `Bearer ${await this.token(user)}` })
  }

  /** Creates a conversation of `owner` and `writers`; its id. */
  async createConversation(owner: string, ...writers: readonly string[]): Promise<string> {
    const members = writers.map((user) => ({ user, access: 'writer' }))
    const { status, body } = await this.rest(owner, 'POST', '/api/conversations', { members })
    if (status !== 201) throw new Error(`no conversation was created: ${status}`)
    return (body as { id: string }).id
  }

  async dispose(): Promise<void> {
    if (this.#child !== undefined) await this.stop()
    await rm(this.folder, { recursive: true, force: true })
  }

  async #signal(signal: NodeJS.Signals): Promise<Exit> {
    const child = this.#child
    if (child === undefined) throw new Error('the server is not running')
    const exited = once(child, 'exit')
    child.kill(signal)
    const [code, by] = (await exited) as [number | null, NodeJS.Signals | null]
    return { code, signal: by }
  }

  async #fetchToken(user: string): Promise<string> {
    const { status, body } = await this.#call('POST', '/api/demo/token', { user }, {})
    if (status !== 200) throw new Error(`no token for ${user}: ${status}`)
    return (body as { token: string }).token
  }

  async #call(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
  ): Promise<RestAnswer> {
    const json = body === undefined ? {} : { body: JSON.stringify(body) }
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const answer = await fetch(this.#url + path, { method, headers: { ...headers, ...type }, ...json })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
  }
}

/** Starts a server on a fresh folder. `env` is put over an environment without settings of Parley's. */
export async function startServerProcess(env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-process-'))
  const server = new ServerProcess(folder, env)
  await server.start()
  return server
}
