// A socket that speaks the stock protocol frame by frame: for what no provider would send, and to see what comes back as
// it came. Knows no test runner.
import type { IncomingHttpHeaders } from 'node:http'

import { type ClientOptions, WebSocket } from 'ws'

import { parseWireMessage, type WireMessage } from '../../shared/sync/wire.ts'

export interface RawSocketOptions {
  /** Of the server, `http://…`. */
  readonly url: string
  /** Behind `/sync/`. */
  readonly room: string
  /** Offered as `bearer.<token>`; nothing when undefined. */
  readonly token?: string | undefined
  readonly protocols?: readonly string[]
  readonly client?: ClientOptions
}

export interface RawClose {
  readonly code: number
  readonly reason: string
}

/** One frame: as it came and as it reads. */
export interface RawFrame {
  readonly bytes: Uint8Array
  readonly isBinary: boolean
  readonly message: WireMessage
}

export class RawSocket {
  readonly frames: RawFrame[] = []
  /** Called for each frame as it comes, before it is among `frames`; true: it is not kept. */
  take: (frame: RawFrame) => boolean = () => false
  /** Settles when it is gone, however that came about. */
  readonly closed: Promise<RawClose>
  /** Headers of the answer to the upgrade. */
  readonly upgraded: Promise<IncomingHttpHeaders>
  readonly #ws: WebSocket
  readonly #waiting = new Set<() => void>()
  #read = 0

  constructor({ url, room, token, protocols, client }: RawSocketOptions) {
    const offered = protocols ?? (token === undefined ? ['yjs'] : ['yjs', `bearer.${token}`])
    const ws = new WebSocket(`${url.replace(/^http/, 'ws')}/sync/${room}`, [...offered], client)
    this.#ws = ws
    this.closed = new Promise((resolve) => {
      ws.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() })
        this.#look()
      })
    })
    this.upgraded = new Promise((resolve, reject) => {
      ws.once('upgrade', ({ headers }) => resolve(headers))
      ws.once('error', reject)
    })
    this.upgraded.catch(() => undefined)
    ws.on('error', () => undefined)
    ws.on('message', (data, isBinary) => {
      const bytes = Uint8Array.from(data as Buffer)
      const frame = { bytes, isBinary, message: parseWireMessage(bytes) }
      if (!this.take(frame)) this.frames.push(frame)
      this.#look()
    })
  }

  /** The chosen subprotocol; empty when none was. */
  get protocol(): string {
    return this.#ws.protocol
  }

  get isOpen(): boolean {
    return this.#ws.readyState === this.#ws.OPEN
  }

  /** Resolves when it is open; rejects when the upgrade is refused. */
  async opened(): Promise<this> {
    await this.upgraded
    return this
  }

  send(frame: Uint8Array | string): void {
    this.#ws.send(frame)
  }

  /** The next frame of this kind that was not returned yet; what comes before it is passed over. */
  async next<Kind extends WireMessage['kind']>(kind: Kind): Promise<Extract<WireMessage, { kind: Kind }>> {
    for (;;) {
      const frame = await this.#frame()
      if (frame.message.kind === kind) return frame.message as Extract<WireMessage, { kind: Kind }>
    }
  }

  /** Stops reading: what the server sends stays in its hands. */
  pause(): void {
    this.#ws.pause()
  }

  resume(): void {
    this.#ws.resume()
  }

  /** Ends without a word. */
  terminate(): void {
    this.#ws.terminate()
  }

  close(): Promise<RawClose> {
    this.#ws.close()
    return this.closed
  }

  #frame(): Promise<RawFrame> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const frame = this.frames[this.#read]
        const isGone = this.#ws.readyState === this.#ws.CLOSED
        if (frame === undefined && !isGone) return
        this.#waiting.delete(look)
        if (frame === undefined) return reject(new Error('the socket is closed'))
        this.#read++
        resolve(frame)
      }
      this.#waiting.add(look)
      look()
    })
  }

  #look(): void {
    for (const look of [...this.#waiting]) look()
  }
}

/** The status of a refused upgrade; undefined when it was accepted. */
export function upgradeStatus(options: RawSocketOptions): Promise<number | undefined> {
  const { url, room, token, client } = options
  const protocols = ['yjs', ...(token === undefined ? [] : [`bearer.${token}`])]
  const ws = new WebSocket(`${url.replace(/^http/, 'ws')}/sync/${room}`, protocols, client)
  return new Promise((resolve, reject) => {
    ws.once('unexpected-response', (_request, response) => {
      resolve(response.statusCode)
      ws.terminate()
    })
    ws.once('open', () => {
      resolve(undefined)
      ws.terminate()
    })
    ws.on('error', reject)
  })
}
