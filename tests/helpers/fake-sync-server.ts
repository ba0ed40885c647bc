// The multiplexed protocol without a network: sockets whose other end a test plays, and a small server that plays it with
// a stamping server for each conversation. Knows no test runner.
import * as Y from 'yjs'

import { type FaultCode, faults } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import {
  type ClientControl,
  encodeServerControl,
  type Gone,
  parseClientControl,
  type ServerControl,
  type Version,
} from '../../shared/sync/control.ts'
import { controlChannel, encodeFrame, parseFrame } from '../../shared/sync/frame.ts'
import { type ConversationId, parseConversationId } from '../../shared/sync/ids.ts'
import { encodeStep1, encodeStep2, encodeUpdateMessage, parseWireMessage } from '../../shared/sync/wire.ts'
import { stampAll } from './open-rig.ts'
import { createStampingServer, type StampingServer } from './stamping-server.ts'

type Listener = (event: unknown) => void

/** As much of a WebSocket as the client's socket uses. */
export class FakeMuxSocket {
  readonly url: string
  readonly protocols: readonly string[]
  protocol = ''
  binaryType = 'blob'
  readyState = 0
  /** Every frame that the client sent. */
  readonly sent: Uint8Array[] = []
  /** Told of each frame that is sent. */
  onsend: ((frame: Uint8Array) => void) | undefined
  /** Told when the client closes it. */
  onleft: (() => void) | undefined
  readonly #listeners = new Map<string, Listener[]>()

  constructor(url: string, protocols: readonly string[] = []) {
    this.url = url
    this.protocols = [...protocols]
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener])
  }

  send(frame: Uint8Array): void {
    const copy = Uint8Array.from(frame)
    this.sent.push(copy)
    this.onsend?.(copy)
  }

  close(): void {
    this.readyState = 3
    this.onleft?.()
  }

  accept(protocol = 'parley.1'): void {
    this.protocol = protocol
    this.readyState = 1
    this.#tell('open', {})
  }

  /** The server sends a frame. */
  receive(frame: Uint8Array): void {
    this.#tell('message', { data: frame })
  }

  /** The server says something on channel 0. */
  say(message: ServerControl): void {
    this.receive(encodeServerControl(message))
  }

  /** The server sends a wire message on a channel. */
  deliver(channel: number, message: Uint8Array): void {
    this.receive(encodeFrame(channel, message))
  }

  /** The server, or the network, ends it. */
  end(code: number, reason = ''): void {
    this.readyState = 3
    this.#tell('error', {})
    this.#tell('close', { code, reason })
  }

  /** Accepts, and answers the hello. */
  welcome(user = 'ann', expiresMs = Number.MAX_SAFE_INTEGER): void {
    this.accept()
    this.say({ type: 'hello', user, expiresMs })
  }

  get isOpen(): boolean {
    return this.readyState === 1
  }

  /** What the client said on channel 0, in order. */
  get said(): ClientControl[] {
    return this.sent.flatMap((bytes) => {
      const frame = parseFrame(bytes)
      if (frame.kind === 'malformed') throw new Error(frame.why)
      if (frame.channel !== controlChannel) return []
      const message = parseClientControl(frame.content)
      if (message.type === 'malformed') throw new Error(message.why)
      return [message]
    })
  }

  #tell(type: string, event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event)
  }
}

export interface FakeMuxNet {
  readonly WebSocket: typeof WebSocket
  /** Every socket so far, oldest first. */
  readonly sockets: readonly FakeMuxSocket[]
  /** The newest socket; throws when there is none. */
  readonly last: () => FakeMuxSocket
}

/** `onSocket` is told of each new socket, before its first event. */
export function createMuxNet(onSocket: (socket: FakeMuxSocket) => void = () => undefined): FakeMuxNet {
  const sockets: FakeMuxSocket[] = []
  class Socket extends FakeMuxSocket {
    constructor(url: string, protocols: readonly string[] = []) {
      super(url, protocols)
      sockets.push(this)
      onSocket(this)
    }
  }
  return {
    WebSocket: Socket as unknown as typeof WebSocket,
    sockets,
    last: () => {
      const socket = sockets.at(-1)
      if (socket === undefined) throw new Error('there is no socket')
      return socket
    },
  }
}

export interface FakeSyncServer extends FakeMuxNet {
  /** The server's side of a conversation, made when it is first asked for. */
  readonly conversation: (id: string) => StampingServer
  /** The user is no longer to open it: told to every socket. */
  readonly remove: (id: ConversationId, code?: FaultCode, wipe?: true) => void
  /** The user may open it again: it is news. */
  readonly admit: (id: ConversationId) => void
  /** Cuts every socket. */
  readonly cut: (code?: number, reason?: string) => void
  /** With it sockets are never taken. */
  isOffline: boolean
  /** With it channels are opened, and nothing comes on them. */
  isSilent: boolean
}

export interface FakeSyncServerOptions {
  readonly user?: string
  readonly isOffline?: boolean
  readonly conversations?: Map<string, StampingServer>
}

interface Connected {
  readonly socket: FakeMuxSocket
  readonly channels: Map<number, ConversationId>
  readonly beating: NodeJS.Timeout
}

/** A server that takes every socket a moment later, stamps what it is brought a moment after that, and beats. */
export function createFakeSyncServer(options: FakeSyncServerOptions = {}): FakeSyncServer {
  const { user = 'ann', conversations = new Map<string, StampingServer>() } = options
  const watched = new Set<string>()
  const removed = new Map<ConversationId, Omit<Gone, 'conversation'>>()
  const connected = new Set<Connected>()

  function conversation(id: string): StampingServer {
    const stamping = conversations.get(id) ?? createStampingServer()
    conversations.set(id, stamping)
    const known = parseConversationId(id)
    if (watched.has(id) || known === undefined) return stamping
    watched.add(id)
    stamping.doc.on('update', (update: Uint8Array, origin: unknown) => {
      // As a commit does, it comes a moment later.
      if (origin === 'device') queueMicrotask(() => stampAll(stamping))
      else relay(known, stamping, update)
    })
    return stamping
  }

  function relay(id: ConversationId, stamping: StampingServer, update: Uint8Array): void {
    for (const { socket, channels } of connected) {
      const open = [...channels].filter(([, opened]) => opened === id)
      for (const [channel] of open) socket.deliver(channel, encodeUpdateMessage(update))
      if (open.length === 0) socket.say({ type: 'activity', moved: [activityOf(id, stamping)], gone: [] })
    }
  }

  function greet(peer: Connected, versions: ReadonlyMap<ConversationId, Version>): void {
    connected.add(peer)
    const moved = [...conversations.keys()].flatMap((text) => {
      const id = parseConversationId(text)
      if (id === undefined || removed.has(id)) return []
      const activity = activityOf(id, conversation(id))
      return isSame(versions.get(id), activity.version) ? [] : [activity]
    })
    const gone = [...removed].flatMap(([id, why]): Gone[] => (versions.has(id) ? [{ conversation: id, ...why }] : []))
    if (moved.length + gone.length > 0) peer.socket.say({ type: 'activity', moved, gone })
    peer.socket.say({ type: 'hello', user, expiresMs: Number.MAX_SAFE_INTEGER })
  }

  function openChannel(peer: Connected, message: Extract<ClientControl, { type: 'open' }>): void {
    const { channel, conversation: id, version } = message
    const code = removed.get(id)?.code
    if (code !== undefined) return peer.socket.say({ type: 'refused', channel, code, reason: faults[code].text })
    const stamping = conversation(id)
    const current = isSame(version, versionOf(stamping))
    peer.channels.set(channel, id)
    peer.socket.say({ type: 'opened', channel, current })
    if (!current && !server.isSilent) peer.socket.deliver(channel, encodeStep1(Y.encodeStateVector(stamping.doc)))
  }

  function control(peer: Connected, message: ReturnType<typeof parseClientControl>): void {
    switch (message.type) {
      case 'hello':
        return greet(peer, message.versions)
      case 'open':
        return openChannel(peer, message)
      case 'close':
        return void peer.channels.delete(message.channel)
      case 'token':
        return peer.socket.say({ type: 'token', expiresMs: Number.MAX_SAFE_INTEGER })
      case 'malformed':
        throw new Error(message.why)
    }
  }

  function take(peer: Connected, bytes: Uint8Array): void {
    const frame = parseFrame(bytes)
    if (frame.kind === 'malformed') throw new Error(frame.why)
    if (frame.channel === controlChannel) return control(peer, parseClientControl(frame.content))
    const id = peer.channels.get(frame.channel)
    if (id === undefined || server.isSilent) return
    const { doc } = conversation(id)
    const message = parseWireMessage(frame.content)
    if (message.kind === 'step1') {
      peer.socket.deliver(frame.channel, encodeStep2(Y.encodeStateAsUpdate(doc, message.stateVector)))
    } else if (message.kind === 'step2' || message.kind === 'update') Y.applyUpdate(doc, message.update, 'device')
  }

  const net = createMuxNet((socket) => {
    queueMicrotask(() => {
      if (server.isOffline) return socket.end(1006)
      const beating = setInterval(() => socket.say({ type: 'beat' }), limits.heartbeatMs)
      const peer: Connected = { socket, channels: new Map(), beating }
      // Answers come a moment later, and in order.
      let answered: Promise<void> = Promise.resolve()
      socket.onsend = (frame) => {
        answered = answered.then(() => {
          if (socket.isOpen) take(peer, frame)
        })
      }
      socket.onleft = () => {
        clearInterval(beating)
        connected.delete(peer)
      }
      socket.accept()
    })
  })
  const server: FakeSyncServer = {
    ...net,
    conversation,
    remove: (id, code = 'no-access', wipe) => {
      const why = { code, ...(wipe === undefined ? {} : { wipe }) }
      removed.set(id, why)
      for (const { socket, channels } of connected) {
        const open = [...channels].filter(([, opened]) => opened === id)
        for (const [channel] of open) {
          channels.delete(channel)
          socket.say({ type: 'refused', channel, code, reason: faults[code].text })
        }
        socket.say({ type: 'activity', moved: [], gone: [{ conversation: id, ...why }] })
      }
    },
    admit: (id) => {
      removed.delete(id)
      for (const { socket } of connected)
        socket.say({ type: 'activity', moved: [activityOf(id, conversation(id))], gone: [] })
    },
    cut: (code = 1006, reason = '') => {
      for (const { socket, beating } of [...connected]) {
        clearInterval(beating)
        socket.end(code, reason)
      }
      connected.clear()
    },
    isOffline: options.isOffline ?? false,
    isSilent: false,
  }
  return server
}

function activityOf(
  id: ConversationId,
  stamping: StampingServer,
): { conversation: ConversationId; seq: number; version: Version } {
  return { conversation: id, seq: 0, version: versionOf(stamping) }
}

function versionOf({ doc }: StampingServer): Version {
  return { server: doc.clientID, records: Y.getState(doc.store, doc.clientID) }
}

function isSame(a: Version | undefined, b: Version): boolean {
  return a?.server === b.server && a.records === b.records
}
