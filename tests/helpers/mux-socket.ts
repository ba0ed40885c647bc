// A socket that speaks `parley.1` frame by frame: for what the SDK would not send, and to see what comes back as it came.
// Knows no test runner.
import { type ClientOptions, WebSocket } from 'ws'

import {
  type ClientControl,
  encodeClientControl,
  parseServerControl,
  type ServerControl,
  type Version,
} from '../../shared/sync/control.ts'
import { controlChannel, encodeFrame, parseFrame } from '../../shared/sync/frame.ts'
import { type ConversationId, parseConversationId } from '../../shared/sync/ids.ts'
import { parseWireMessage, type WireMessage } from '../../shared/sync/wire.ts'
import type { RawClose } from './raw-socket.ts'

export interface MuxSocketOptions {
  /** Of the server, `http://…`. */
  readonly url: string
  readonly protocols?: readonly string[]
  readonly client?: ClientOptions
}

/** What came on one frame. */
export type MuxFrame =
  | { readonly kind: 'control'; readonly control: ServerControl; readonly bytes: number }
  | { readonly kind: 'message'; readonly channel: number; readonly message: WireMessage; readonly bytes: number }

type Control<Type extends ServerControl['type']> = Extract<ServerControl, { type: Type }>
type Message<Kind extends WireMessage['kind']> = Extract<WireMessage, { kind: Kind }>

export class MuxSocket {
  /** All that came and was not taken by a `next`, oldest first. */
  frames: MuxFrame[] = []
  /** Called for each frame as it comes, before it is among `frames`; true: it is not kept. */
  take: (frame: MuxFrame) => boolean = () => false
  /** Settles when it is gone, however that came about. */
  readonly closed: Promise<RawClose>
  readonly #ws: WebSocket
  readonly #opened: Promise<void>
  readonly #waiting = new Set<() => void>()

  constructor({ url, protocols = ['parley.1'], client }: MuxSocketOptions) {
    const ws = new WebSocket(`${url.replace(/^http/, 'ws')}/sync`, [...protocols], client)
    this.#ws = ws
    this.#opened = new Promise((resolve, reject) => {
      ws.once('open', resolve)
      ws.once('error', reject)
    })
    this.#opened.catch(() => undefined)
    this.closed = new Promise((resolve) => {
      ws.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() })
        this.#look()
      })
    })
    ws.on('error', () => undefined)
    ws.on('message', (data) => {
      const frame = read(Uint8Array.from(data as Buffer))
      if (!this.take(frame)) this.frames.push(frame)
      this.#look()
    })
  }

  get isOpen(): boolean {
    return this.#ws.readyState === this.#ws.OPEN
  }

  get protocol(): string {
    return this.#ws.protocol
  }

  async opened(): Promise<this> {
    await this.#opened
    return this
  }

  /** Says hello and waits for the answer, behind the activity that comes with it. */
  async hello(token: string, more: Partial<Extract<ClientControl, { type: 'hello' }>> = {}): Promise<Control<'hello'>> {
    await this.#opened
    this.control({ type: 'hello', token, device: undefined, versions: new Map(), ...more })
    return this.nextControl('hello')
  }

  /** Opens a channel and waits until it is. */
  async open(channel: number, conversation: string, version?: Version): Promise<Control<'opened'>> {
    this.askToOpen(channel, conversation, version)
    return this.nextControl('opened')
  }

  askToOpen(channel: number, conversation: string, version?: Version): void {
    this.control({ type: 'open', channel, conversation: conversationId(conversation), version })
  }

  control(message: ClientControl): void {
    this.#ws.send(encodeClientControl(message))
  }

  send(channel: number, message: Uint8Array): void {
    this.#ws.send(encodeFrame(channel, message))
  }

  sendBytes(bytes: Uint8Array | string): void {
    this.#ws.send(bytes)
  }

  /** Takes the next control message of this type; what is of another stays. Rejects when the socket is gone. */
  async nextControl<Type extends ServerControl['type']>(type: Type): Promise<Control<Type>> {
    const frame = await this.#next((one) => one.kind === 'control' && one.control.type === type)
    return (frame as Extract<MuxFrame, { kind: 'control' }>).control as Control<Type>
  }

  async next<Kind extends WireMessage['kind']>(channel: number, kind: Kind): Promise<Message<Kind>> {
    const frame = await this.#next(
      (one) => one.kind === 'message' && one.channel === channel && one.message.kind === kind,
    )
    return (frame as Extract<MuxFrame, { kind: 'message' }>).message as Message<Kind>
  }

  /** The control messages that came and were not taken. */
  get controls(): readonly ServerControl[] {
    return this.frames.flatMap((frame) => (frame.kind === 'control' ? [frame.control] : []))
  }

  /** Stops reading: what the server sends stays in its hands. */
  pause(): void {
    this.#ws.pause()
  }

  resume(): void {
    this.#ws.resume()
  }

  terminate(): void {
    this.#ws.terminate()
  }

  close(): Promise<RawClose> {
    this.#ws.close()
    return this.closed
  }

  #next(isIt: (frame: MuxFrame) => boolean): Promise<MuxFrame> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const index = this.frames.findIndex(isIt)
        const isGone = this.#ws.readyState === this.#ws.CLOSED
        if (index < 0 && !isGone) return
        this.#waiting.delete(look)
        const [frame] = index < 0 ? [] : this.frames.splice(index, 1)
        if (frame === undefined) reject(new Error('the socket is closed'))
        else resolve(frame)
      }
      this.#waiting.add(look)
      look()
    })
  }

  #look(): void {
    for (const look of [...this.#waiting]) look()
  }
}

export function conversationId(text: string): ConversationId {
  const id = parseConversationId(text)
  if (id === undefined) throw new Error(`not a conversation: ${text}`)
  return id
}

function read(bytes: Uint8Array): MuxFrame {
  const frame = parseFrame(bytes)
  if (frame.kind === 'malformed') throw new Error(`the server sent what is no frame: ${frame.why}`)
  if (frame.channel !== controlChannel) {
    return { kind: 'message', channel: frame.channel, message: parseWireMessage(frame.content), bytes: bytes.length }
  }
  const control = parseServerControl(frame.content)
  if (control.type === 'malformed') throw new Error(`the server sent what is no control message: ${control.why}`)
  return { kind: 'control', control, bytes: bytes.length }
}
