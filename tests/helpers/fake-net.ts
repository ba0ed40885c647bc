// WebSockets without a network: a test sees what is sent and says what comes back. Knows no test runner.
import * as Y from 'yjs'

import { encodeStep1, encodeStep2, encodeUpdateMessage, parseWireMessage } from '../../shared/sync/wire.ts'

interface Closed {
  readonly code: number
  readonly reason: string
}

/** As much of a WebSocket as the stock provider uses. */
export class FakeSocket {
  readonly OPEN = 1
  readonly url: string
  readonly protocols: readonly string[]
  readonly sent: Uint8Array[] = []
  binaryType = 'blob'
  readyState = 0
  onopen: (() => void) | null = null
  onmessage: ((event: { readonly data: Uint8Array }) => void) | null = null
  onclose: ((event: Closed) => void) | null = null
  onerror: ((event: unknown) => void) | null = null
  /** Told of each frame that is sent. */
  onsend: ((frame: Uint8Array) => void) | undefined

  constructor(url: string, protocols: readonly string[] = []) {
    this.url = url
    // The provider may change its list later.
    this.protocols = [...protocols]
  }

  send(frame: Uint8Array): void {
    const copy = Uint8Array.from(frame)
    this.sent.push(copy)
    this.onsend?.(copy)
  }

  close(): void {
    this.readyState = 3
  }

  /** The server takes it. */
  accept(): void {
    this.readyState = this.OPEN
    this.onopen?.()
  }

  /** The server sends a frame. */
  receive(frame: Uint8Array): void {
    this.onmessage?.({ data: frame })
  }

  /** The server, or the network, ends it. */
  end(code: number, reason = ''): void {
    this.readyState = 3
    this.onclose?.({ code, reason })
  }

  get isOpen(): boolean {
    return this.readyState === this.OPEN
  }
}

export interface FakeNet {
  readonly WebSocket: typeof WebSocket
  /** Every socket so far, oldest first. */
  readonly sockets: readonly FakeSocket[]
  /** The newest socket; throws when there is none. */
  readonly last: () => FakeSocket
}

/** `onSocket` is told of each new socket, before its first event. */
export function createFakeNet(onSocket: (socket: FakeSocket) => void = () => undefined): FakeNet {
  const sockets: FakeSocket[] = []
  class Socket extends FakeSocket {
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

/** Takes a socket and syncs it with `doc` as the server does; what it brings is applied with the origin `device`. */
export function serve(socket: FakeSocket, doc: Y.Doc): void {
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== 'device' && socket.isOpen) socket.receive(encodeUpdateMessage(update))
  })
  socket.onsend = (frame) => {
    const message = parseWireMessage(frame)
    if (message.kind === 'step1') socket.receive(encodeStep2(Y.encodeStateAsUpdate(doc, message.stateVector)))
    else if (message.kind === 'step2' || message.kind === 'update') Y.applyUpdate(doc, message.update, 'device')
  }
  socket.accept()
  socket.receive(encodeStep1(Y.encodeStateVector(doc)))
}
