/**
 * WebSockets: the upgrade, which protocol, who is asking on the stock one, signs of life, the end. The only importer of
 * `ws` on the server. Nothing a peer sends is read before its token or ticket has been proved.
 */

import type { IncomingMessage, Server } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { Fault, type FaultCode, faults } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import { parseConversationId } from '../../shared/sync/ids.ts'
import type { Identity, Tickets } from '../identity.ts'
import { isDamage } from '../storage/conversation-store.ts'
import { createFramer } from './binary-frame.ts'
import { type MuxDeps, MuxSession } from './mux-session.ts'
import type { Session, SocketPort } from './session.ts'
import { StockSession } from './stock-session.ts'
import { Strangers } from './strangers.ts'

export interface SocketsDeps extends MuxDeps {
  readonly tickets: Tickets
  /** Whether a page of this origin may connect to this host. */
  readonly allowsOrigin: (origin: string | undefined, host: string | undefined) => boolean
  /** Server time in ms. */
  readonly now: () => number
}

export interface Sockets {
  readonly size: () => number
  /** Closes every socket with 1012 and waits for the peers' answer, at most two seconds. */
  readonly close: () => Promise<void>
}

/** A conversation on the stock protocol, or all of them on the multiplexed one. */
type Route = { readonly kind: 'stock'; readonly room: string } | { readonly kind: 'mux' }

interface Peer {
  readonly ws: WebSocket
  readonly connection: Duplex
  /** Undefined until there is somebody to talk to. */
  session: Session | undefined
  /** Bytes received when it was last pinged: a slow upload is a sign of life too, and no pong gets past it. */
  heardBytes: number | undefined
  /** Bytes that the network had taken then, if more waited: a slow download is one too, and no ping gets past it. */
  takenBytes: number | undefined
  expiry: NodeJS.Timeout | undefined
  /** Carries many conversations. */
  readonly gathers: boolean
  /** What is sent in this turn waits for its end. */
  isGathering: boolean
}

const stockProtocol = 'yjs'
const muxProtocol = 'parley.1'
const bearerPrefix = 'bearer.'
const stockPath = /^\/sync\/([^/?]+)$/
const muxPath = '/sync'
const closingMs = 2000
/** An option of `ws` that its types do not know. */
const farewell = { closeTimeout: limits.farewellMs }
/** The longest delay a timer can hold; sockets older than that ask for their token's end again. */
const longestTimerMs = 0x7fff_ffff

export function attachSockets(server: Server, deps: SocketsDeps): Sockets {
  const peers = new Set<Peer>()
  const strangers = new Strangers(limits.strangersPerAddress)
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: limits.stockFrameBytes,
    perMessageDeflate: false,
    ...farewell,
    // A token is offered as a subprotocol too; it is never echoed.
    handleProtocols: (names) => (names.has(stockProtocol) ? stockProtocol : false),
  })
  // Its frames are limited before they are in memory.
  const muxWss = new WebSocketServer({
    noServer: true,
    maxPayload: limits.frameBytes,
    perMessageDeflate: false,
    ...farewell,
    handleProtocols: () => muxProtocol,
  })

  const frameOf = createFramer()
  let isClosing = false

  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const url = parseTarget(request.url)
    const route = routeOf(url)
    if (url === undefined || route === undefined) return refuseUpgrade(socket, 404, 'Not Found')
    if (isClosing) return refuseUpgrade(socket, 503, 'Service Unavailable')
    if (!deps.allowsOrigin(request.headers.origin, request.headers.host)) return refuseUpgrade(socket, 403, 'Forbidden')
    if (route.kind === 'mux' && !offered(request).includes(muxProtocol))
      return refuseUpgrade(socket, 400, 'Bad Request')
    const admitted = strangers.admit(request.socket.remoteAddress ?? '')
    if (admitted === undefined) return refuseUpgrade(socket, 429, 'Too Many Requests')
    socket.once('close', admitted)
    const upgrader = route.kind === 'mux' ? muxWss : wss
    upgrader.handleUpgrade(request, socket, head, (ws) => {
      const peer = welcome(ws, socket, route.kind === 'mux')
      const known = (): void => {
        admitted()
        clearTimeout(hurry)
      }
      const hurry = setTimeout(() => {
        closeWith(peer, peer.session?.hasToken === false ? 'unauthenticated' : 'unavailable')
      }, limits.helloMs)
      ws.once('close', known)
      if (route.kind === 'mux') {
        return start(peer, new MuxSession({ port: portOf(peer, deps.now, frameOf), deps, onKnown: known }))
      }
      connect(peer, request, url, route.room, known).catch((error: unknown) => {
        if (!(error instanceof Fault || isDamage(error))) deps.log.error({ err: error }, 'a socket could not be opened')
        closeWith(peer, error instanceof Fault ? error.code : 'unavailable')
      })
    })
  })

  function welcome(ws: WebSocket, connection: Duplex, gathers: boolean): Peer {
    const peer: Peer = {
      ws,
      connection,
      session: undefined,
      heardBytes: undefined,
      takenBytes: undefined,
      expiry: undefined,
      gathers,
      isGathering: false,
    }
    peers.add(peer)
    ws.pause()
    // Of a frame that is none, or too long: ws says so to the peer, and reads on until it has heard, or 30 s. Cut off at once,
    // whoever is still sending would not hear it.
    ws.on('error', () => peer.session?.end())
    ws.once('close', () => {
      clearTimeout(peer.expiry)
      peer.session?.end()
      peers.delete(peer)
    })
    return peer
  }

  function start(peer: Peer, session: Session): void {
    peer.session = session
    peer.ws.on('message', (data) => session.receive(asBytes(data)))
    peer.ws.resume()
  }

  async function connect(
    peer: Peer,
    request: IncomingMessage,
    url: URL,
    room: string,
    known: () => void,
  ): Promise<void> {
    const identity = await identify(request, url, deps)
    known()
    const id = parseConversationId(room)
    if (id === undefined) throw new Fault('not-found')
    const target = await deps.acquire(identity.user, id)
    if (peer.ws.readyState !== peer.ws.OPEN) return target.release()
    const port = portOf(peer, deps.now, frameOf)
    port.expireAt(identity.expiresMs)
    start(peer, new StockSession(identity.user, target, port, deps))
  }

  const heartbeats = setInterval(() => {
    for (const peer of peers) {
      const { ws, session } = peer
      if (session === undefined) continue
      const { received, taken } = traffic(peer.connection)
      const isReading = peer.takenBytes !== undefined && taken > peer.takenBytes
      if (peer.heardBytes === received && !isReading && !session.isBusy) {
        ws.terminate()
        continue
      }
      peer.heardBytes = received
      peer.takenBytes = ws.bufferedAmount > 0 ? taken : undefined
      ws.ping()
      session.beat()
    }
  }, limits.heartbeatMs)

  return {
    size: () => peers.size,
    close: async () => {
      isClosing = true
      clearInterval(heartbeats)
      const closed = [...peers].map(({ ws }) => new Promise((resolve) => ws.once('close', resolve)))
      for (const peer of peers) {
        if (peer.session === undefined) closeWith(peer, 'restart')
        else peer.session.close('restart')
      }
      const timer = setTimeout(() => {
        for (const { ws } of peers) ws.terminate()
      }, closingMs)
      await Promise.all(closed)
      clearTimeout(timer)
    },
  }
}

/** Bytes that came, and bytes that have gone out. */
function traffic(connection: Duplex): { readonly received: number; readonly taken: number } {
  if (!(connection instanceof Socket)) return { received: 0, taken: 0 }
  const { bytesRead, bytesWritten, writableLength } = connection
  return { received: bytesRead, taken: bytesWritten - writableLength }
}

/** Undefined for what is no URL: Node passes request targets on as they came. */
function parseTarget(target = ''): URL | undefined {
  const base = 'http://localhost'
  return URL.canParse(target, base) ? new URL(target, base) : undefined
}

function routeOf(url: URL | undefined): Route | undefined {
  if (url?.pathname === muxPath) return { kind: 'mux' }
  const room = stockPath.exec(url?.pathname ?? '')?.[1]
  return room === undefined ? undefined : { kind: 'stock', room }
}

function offered(request: IncomingMessage): string[] {
  return (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
}

async function identify(request: IncomingMessage, url: URL, deps: SocketsDeps): Promise<Identity> {
  const ticket = url.searchParams.get('ticket')
  if (ticket !== null) {
    const identity = deps.tickets.redeem(ticket)
    if (identity === undefined) throw new Fault('unknown-ticket')
    return identity
  }
  const bearer = offered(request).find((name) => name.startsWith(bearerPrefix))
  if (bearer === undefined) throw new Fault('unauthenticated')
  return deps.authenticate(bearer.slice(bearerPrefix.length))
}

function portOf(peer: Peer, now: () => number, frameOf: (payload: Uint8Array) => Uint8Array): SocketPort {
  const { ws, connection } = peer
  const expireAt = (timeMs: number): void => {
    clearTimeout(peer.expiry)
    const leftMs = Math.max(0, timeMs - now())
    const isFar = leftMs > longestTimerMs
    const job = isFar ? () => expireAt(timeMs) : () => peer.session?.close('expired')
    peer.expiry = setTimeout(job, isFar ? longestTimerMs : leftMs)
  }
  return {
    send: (frame) => {
      if (ws.readyState !== ws.OPEN) return
      gather(peer)
      // Past `ws`, whose own frames are whole too: nothing is compressed, so none of them is ever half sent.
      connection.write(frameOf(frame))
    },
    close: (code) => closeWith(peer, code),
    pause: () => ws.pause(),
    resume: () => ws.resume(),
    bufferedBytes: () => ws.bufferedAmount,
    onDrained: (job) => void connection.once('drain', job),
    expireAt,
  }
}

/** One batch can bring changes of many conversations for one socket: what is sent in one turn goes out in one write. */
function gather(peer: Peer): void {
  if (!peer.gathers || peer.isGathering) return
  peer.isGathering = true
  peer.connection.cork()
  process.nextTick(() => {
    peer.isGathering = false
    peer.connection.uncork()
  })
}

function closeWith({ ws, connection, session }: Peer, code: FaultCode): void {
  if (session === undefined) readLittle(ws, connection)
  // A paused socket would not see the peer's answer.
  ws.resume()
  ws.close(faults[code].closeCode, code)
}

/** Whoever did not say who they are has a close frame to send, and perhaps what was under way; not a frame of 64 MiB. */
function readLittle(ws: WebSocket, connection: Duplex): void {
  let bytes = 0
  connection.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length
    if (bytes <= limits.farewellBytes) return
    // It is told why, and hears nothing more; what it still sends stays in the network until its time is over.
    ws.pause()
    connection.end()
  })
}

function asBytes(data: Buffer | ArrayBuffer | Buffer[]): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data
}

function refuseUpgrade(socket: Duplex, status: number, text: string): void {
  // A peer that does not close would keep it for ever: nobody else watches a socket that was not upgraded.
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
