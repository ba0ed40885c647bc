// The processes of a bench: the server and the floor, on ports and folders of their own, and the generators that put load
// on them.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createDemo } from '../../server/http/auth.ts'
import { parseUserId } from '../../shared/sync/ids.ts'
import { type Program, runProgram } from '../helpers/program.ts'
import { root } from '../helpers/root.ts'
import type { GeneratorAnswer, GeneratorTask } from './load/generator.ts'
import type { Load, LoadKind, LoadTypes } from './load/loads.ts'
import type { Seat } from './seat.ts'
import type { Measured } from './usage.ts'

/** A room of a server. */
export interface Room {
  readonly id: string
  /** For one of the users it was made for. */
  readonly seat: (user: string) => Seat
}

/** A server under load. */
export interface Target extends Measured {
  readonly name: string
  readonly port: number
  /** Whether it gives messages their order, so that a device can show them. */
  readonly isOrdered: boolean
  /** Makes a room for these users. */
  readonly room: (users: readonly string[]) => Promise<Room>
  readonly stop: () => Promise<void>
}

/** Where the compiled bench lies, whatever runs this. */
export const compiled = join(root, 'dist/tests/bench')
/** A pause in which a server that stores at once has shown that it has nothing left to do. */
export const restMs = 180

/** Signs tokens as the server and the floor check them. */
export interface Signer {
  readonly secret: string
  readonly token: (user: string) => Promise<string>
}

export function createSigner(): Signer {
  const secret = randomBytes(32).toString('hex')
  const demo = createDemo(new TextEncoder().encode(secret), Date.now)
  return {
    secret,
    token: async (name) => {
      const user = parseUserId(name)
      if (user === undefined) throw new Error(`no user: ${name}`)
      return (await demo.sign(user)).token
    },
  }
}

export async function startFloor(signer: Signer): Promise<Target> {
  const program = runProgram([join(compiled, 'floor/relay.js'), signer.secret])
  const port = Number(/port (\d+)$/.exec(await program.firstLine)?.[1])
  let rooms = 0
  return {
    name: 'floor',
    pid: pidOf(program),
    restMs,
    port,
    isOrdered: false,
    room: async (users) => {
      const id = `room-${++rooms}`
      const token = await tokens(signer, users)
      return {
        id,
        seat: (user) => ({ dialect: 'relay', port, path: `/${id}`, protocols: bearer(token(user)), room: id, user }),
      }
    },
    stop: async () => {
      await program.kill()
    },
  }
}

export interface Parley extends Target {
  readonly url: string
  /** With a channel of messages, for what `nodeArgs` load. */
  readonly program: Program
}

export interface ParleyOptions {
  /** Arguments of node itself. */
  readonly nodeArgs?: readonly string[]
  /** Kept when the server stops; one of its own that is not, when undefined. */
  readonly dataDir?: string
  /** What its devices speak. */
  readonly dialect?: 'stock' | 'mux'
}

export async function startParley(
  signer: Signer,
  { nodeArgs = [], dataDir, dialect = 'stock' }: ParleyOptions = {},
): Promise<Parley> {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'parley-bench-')))
  const args = [join(root, 'dist/server/main.js'), '--port', '0', '--data', folder, '--log-level', 'warn']
  const program = runProgram([...nodeArgs, ...args], { env: { PARLEY_JWT_SECRET: signer.secret }, ipc: true })
  const url = /(http:\S+)$/.exec(await program.firstLine)?.[1] ?? ''
  const port = Number(new URL(url).port)
  return {
    name: 'Parley',
    pid: pidOf(program),
    restMs,
    port,
    isOrdered: true,
    url,
    program,
    room: async (users) => {
      const [owner = '', ...others] = users
      const token = await tokens(signer, users)
      const id = await createConversation(url, token(owner), others)
      return { id, seat: (user) => parleySeat(dialect, { port, room: id, user, token: token(user) }) }
    },
    stop: async () => {
      program.child.kill('SIGTERM')
      await program.ended
      if (dataDir === undefined) await rm(folder, { recursive: true, force: true })
      if (program.stderr() !== '') console.error(`The server said:\n${program.stderr()}`)
    },
  }
}

/** Starts servers one after another, lets `work` use them, and ends them whatever happens. */
export async function withTargets<T>(
  starts: readonly (() => Promise<Target>)[],
  work: (targets: readonly Target[]) => Promise<T>,
): Promise<T> {
  const targets: Target[] = []
  try {
    for (const start of starts) targets.push(await start())
    return await work(targets)
  } finally {
    for (const target of targets) await target.stop()
  }
}

/** Starts a generator process with one load, ready to run. */
export async function startLoad<Kind extends LoadKind>(
  load: Kind,
  options: LoadTypes[Kind]['options'],
): Promise<Load<Kind>> {
  const program = runProgram([join(compiled, 'load/generator.js')], { ipc: true })

  async function ask(task: GeneratorTask): Promise<LoadTypes[Kind]['result']> {
    const asked = new AbortController()
    program.child.send(task)
    const said = once(program.child, 'message', { signal: asked.signal })
    const gone = once(program.child, 'exit', { signal: asked.signal })
    const [answer] = (await Promise.race([
      said,
      gone.then(() => [{ kind: 'failed', why: `it ended: ${program.stderr()}` }]),
    ])) as [GeneratorAnswer]
    asked.abort()
    await Promise.allSettled([said, gone])
    if (answer.kind === 'failed') throw new Error(`the generator of ${load} failed: ${answer.why}`)
    return answer.result
  }

  await ask({ kind: 'start', load, options })
  return {
    run: (step) => ask({ kind: 'run', step }),
    close: async () => {
      await ask({ kind: 'end' })
      await program.ended
    },
  }
}

/** A seat on a server of Parley's, whoever started it. */
export function parleySeat(
  dialect: 'stock' | 'mux',
  { token, ...seat }: Pick<Seat, 'port' | 'room' | 'user'> & { readonly token: string },
): Seat {
  return dialect === 'mux'
    ? { ...seat, dialect, path: '/sync', protocols: ['parley.1'], token }
    : { ...seat, dialect, path: `/sync/${seat.room}`, protocols: bearer(token) }
}

/** The tokens of these users, signed once. */
async function tokens(signer: Signer, users: readonly string[]): Promise<(user: string) => string> {
  const signed = new Map<string, string>()
  for (const user of users) signed.set(user, await signer.token(user))
  return (user) => signed.get(user) ?? ''
}

/** The subprotocols that somebody with this token offers. */
function bearer(token: string): readonly string[] {
  return ['yjs', `bearer.${token}`]
}

async function createConversation(url: string, token: string, writers: readonly string[]): Promise<string> {
  const answer = await fetch(`${url}/api/conversations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ members: writers.map((user) => ({ user, access: 'writer' })) }),
  })
  if (answer.status !== 201) throw new Error(`no conversation was created: ${answer.status}`)
  return ((await answer.json()) as { readonly id: string }).id
}

export function pidOf({ child }: Program): number {
  if (child.pid === undefined) throw new Error('a program without a process')
  return child.pid
}
