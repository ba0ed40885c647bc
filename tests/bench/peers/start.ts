// The peers as servers under load, each with a data folder of its own. Neither checks a token.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { runProgram } from '../../helpers/program.ts'
import { pidOf, restMs, type Target } from '../processes.ts'
import type { Dialect } from '../seat.ts'

/** It stores a document 2 s after the last change; only then has it done its work. */
const hocuspocusRestMs = 2500

/** `@y/websocket-server` with y-leveldb, as its own command starts it. */
export async function startYWebsocketServer(peers: string): Promise<Target> {
  const port = await freePort()
  const args = [join(peers, 'node_modules/@y/websocket-server/src/server.js')]
  const env = (folder: string) => ({ HOST: '127.0.0.1', PORT: String(port), YPERSISTENCE: join(folder, 'level') })
  return startPeer({ name: 'y-websocket-server', dialect: 'stock', restMs, args: () => args, env, port: () => port })
}

export function startHocuspocus(peers: string): Promise<Target> {
  return startPeer({
    name: 'Hocuspocus',
    dialect: 'hocuspocus',
    restMs: hocuspocusRestMs,
    args: (folder) => [join(peers, 'hocuspocus.mjs'), join(folder, 'sqlite')],
    env: () => ({}),
    port: (line) => Number(/port (\d+)$/.exec(line)?.[1]),
  })
}

interface Peer {
  readonly name: string
  readonly dialect: Dialect
  readonly restMs: number
  readonly args: (folder: string) => readonly string[]
  readonly env: (folder: string) => Readonly<Record<string, string>>
  /** From the first line it writes. */
  readonly port: (line: string) => number
}

async function startPeer(peer: Peer): Promise<Target> {
  const { name, dialect } = peer
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-peer-'))
  const program = runProgram(peer.args(folder), { env: peer.env(folder) })
  const port = peer.port(await program.firstLine)
  let rooms = 0
  return {
    name,
    pid: pidOf(program),
    restMs: peer.restMs,
    port,
    isOrdered: false,
    room: async () => {
      const room = `room-${++rooms}`
      return { id: room, seat: (user) => ({ dialect, port, path: `/${room}`, protocols: [], room, user }) }
    },
    stop: async () => {
      await program.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A port that was free a moment ago; for a server that does not say which one it took. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
