/**
 * WebSockets of the stock protocol: the upgrade, who is asking, the session, the end. The only importer of `ws` on the
 * server. Nothing a peer sends is read before its token or ticket has been proved.
 */

import type { IncomingMessage, Server } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { Fault, type FaultCode, faults } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import { type ConversationId, parseConversationId } from '../../shared/sync/ids.ts'
import type { Authenticate, Identity, Tickets } from '../identity.ts'
import { type SessionLog, type SocketPort, StockSession } from './stock-session.ts'
import type { SyncTarget } from './sync-target.ts'

export interface SocketsDeps {
  readonly authenticate: Authenticate
  readonly tickets: Tickets
  /** Whether a page of this origin may connect to this host. */
  readonly allowsOrigin: (origin: string | undefined, host: string | undefined) => boolean
  /** Fault `not-found` or `deleted`. */
  readonly acquire: (id: ConversationId) => Promise<SyncTarget>
  /** Server time in ms. */
  readonly now: () => number
  readonly log: SessionLog
}

export interface Sockets {
  readonly size: () => number
  /** Closes every socket with 1012 and waits for the peers' answer, at most two seconds. */
  readonly close: () => Promise<void>
}

interface Peer {
  readonly connection: Duplex
  /** Undefined until its user is known. */
  session: StockSession | undefined
  /** Bytes received when it was last pinged: a slow upload is a sign of life too, and no pong gets past it. */
  heardBytes: number | undefined
}

const subprotocol = 'yjs'
const bearerPrefix = 'bearer.'
const path = /^\/sync\/([^/?]+)$/
const closingMs = 2000
/** The longest delay a timer can hold; sockets older than that ask for their token's end again. */
const longestTimerMs = 0x7fff_ffff

export function attachSockets(server: Server, deps: SocketsDeps): Sockets {
  const peers = new Map<WebSocket, Peer>()
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: limits.stockFrameBytes,
    perMessageDeflate: false,
    // The token is offered as a subprotocol too; it is never echoed.
    handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
  })

  let isClosing = false

  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const url = parseTarget(request.url)
    const room = path.exec(url?.pathname ?? '')?.[1]
    if (url === undefined || room === undefined) return refuseUpgrade(socket, 404, 'Not Found')
    if (isClosing) return refuseUpgrade(socket, 503, 'Service Unavailable')
    if (!deps.allowsOrigin(request.headers.origin, request.headers.host)) return refuseUpgrade(socket, 403, 'Forbidden')
    wss.handleUpgrade(request, socket, head, (ws) => {
      const peer: Peer = { connection: socket, session: undefined, heardBytes: undefined }
      peers.set(ws, peer)
      ws.pause()
      ws.on('error', () => ws.terminate())
      ws.once('close', () => {
        peer.session?.end()
        peers.delete(ws)
      })
      connect(ws, peer, request, url, room).catch((error: unknown) => {
        if (!(error instanceof Fault)) deps.log.error({ err: error }, 'a socket could not be opened')
        closeWith(ws, error instanceof Fault ? error.code : 'unavailable')
      })
    })
  })

  async function connect(ws: WebSocket, peer: Peer, request: IncomingMessage, url: URL, room: string): Promise<void> {
    const identity = await identify(request, url, deps)
    const id = parseConversationId(room)
    if (id === undefined) throw new Fault('not-found')
    const target = await deps.acquire(id)
    if (ws.readyState !== ws.OPEN) return target.release()
    const session = new StockSession(identity.user, target, portOf(ws), deps.log)
    peer.session = session
    ws.on('message', (data) => session.receive(asBytes(data)))
    closeAtExpiry(ws, session, identity, deps.now)
    session.start()
    ws.resume()
  }

  const heartbeats = setInterval(() => {
    for (const [ws, peer] of peers) {
      const { session } = peer
      if (session === undefined) continue
      const bytes = receivedBytes(peer.connection)
      if (peer.heardBytes === bytes && !session.isBusy) {
        ws.terminate()
        continue
      }
      peer.heardBytes = bytes
      ws.ping()
      session.beat()
    }
  }, limits.heartbeatMs)

  return {
    size: () => peers.size,
    close: async () => {
      isClosing = true
      clearInterval(heartbeats)
      const closed = [...peers.keys()].map((ws) => new Promise((resolve) => ws.once('close', resolve)))
      for (const [ws, { session }] of peers) {
        if (session === undefined) closeWith(ws, 'restart')
        else session.close('restart')
      }
      const timer = setTimeout(() => {
        for (const ws of peers.keys()) ws.terminate()
      }, closingMs)
      await Promise.all(closed)
      clearTimeout(timer)
    },
  }
}

function receivedBytes(connection: Duplex): number {
  return connection instanceof Socket ? connection.bytesRead : 0
}

/** Undefined for what is no URL: Node passes request targets on as they came. */
function parseTarget(target = ''): URL | undefined {
  const base = 'http://localhost'
  return URL.canParse(target, base) ? new URL(target, base) : undefined
}

async function identify(request: IncomingMessage, url: URL, deps: SocketsDeps): Promise<Identity> {
  const ticket = url.searchParams.get('ticket')
  if (ticket !== null) {
    const identity = deps.tickets.redeem(ticket)
    if (identity === undefined) throw new Fault('unknown-ticket')
    return identity
  }
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  const bearer = offered.find((name) => name.startsWith(bearerPrefix))
  if (bearer === undefined) throw new Fault('unauthenticated')
  return deps.authenticate(bearer.slice(bearerPrefix.length))
}

function closeAtExpiry(ws: WebSocket, session: StockSession, identity: Identity, now: () => number): void {
  const leftMs = identity.expiresMs - now()
  const timer = setTimeout(
    () => {
      if (leftMs > longestTimerMs) closeAtExpiry(ws, session, identity, now)
      else session.close('expired')
    },
    Math.max(0, Math.min(leftMs, longestTimerMs)),
  )
  ws.once('close', () => clearTimeout(timer))
}

function portOf(ws: WebSocket): SocketPort {
  return {
    send: (frame) => ws.send(frame),
    close: (code) => closeWith(ws, code),
    pause: () => ws.pause(),
    resume: () => ws.resume(),
    bufferedBytes: () => ws.bufferedAmount,
  }
}

function closeWith(ws: WebSocket, code: FaultCode): void {
  // A paused socket would not see the peer's answer.
  ws.resume()
  ws.close(faults[code].closeCode, code)
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
