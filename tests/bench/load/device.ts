// A device at a seat: opens the socket, says what a stock client says at open, answers what it is asked, and then passes on
// what comes. The differences between the servers end here.
import { randomInt } from 'node:crypto'

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

import { emptyUpdate } from '../../../shared/sync/chain-update/encode-update.ts'
import { type ClientControl, encodeClientControl, parseServerControl } from '../../../shared/sync/control.ts'
import { controlChannel, encodeFrame, parseFrame } from '../../../shared/sync/frame.ts'
import { parseConversationId } from '../../../shared/sync/ids.ts'
import { encodeStateVector } from '../../../shared/sync/state-vector.ts'
import { encodeStep1, encodeStep2, encodeUpdateMessage, parseWireMessage } from '../../../shared/sync/wire.ts'
import type { Seat } from '../seat.ts'
import { frameOf, LeanSocket } from './lean-socket.ts'

/** Of a document that has nothing. */
export const emptyStateVector: Uint8Array = encodeStateVector(new Map())

export interface DeviceOptions {
  readonly seat: Seat
  /** What the device has already: a state vector, nothing, or just what the server has. */
  readonly stateVector?: Uint8Array | 'as the server'
  /** Every message that comes, from the first one on; a view that is good until the call returns. */
  readonly onMessage?: (payload: Buffer) => void
  /** What the document gains, from step2 on; costs a look into every message. */
  readonly onUpdate?: (update: Uint8Array) => void
}

/** What a device learnt when it joined; empty on the floor, where nobody knows anything. */
export interface Joined {
  readonly serverStateVector: Uint8Array
  /** What it lacked. */
  readonly update: Uint8Array
}

export class Device {
  readonly seat: Seat
  readonly socket: LeanSocket
  readonly #stateVector: Uint8Array | 'as the server'
  readonly #onUpdate: ((update: Uint8Array) => void) | undefined
  readonly #joined: Promise<Joined>
  #onJoined: (joined: Joined) => void = () => undefined
  #fail: (error: Error) => void = () => undefined
  #isJoining = true
  #serverStateVector: Uint8Array | undefined
  #update: Uint8Array | undefined

  constructor({ seat, stateVector = emptyStateVector, onMessage, onUpdate }: DeviceOptions) {
    this.seat = seat
    this.#stateVector = stateVector
    this.#onUpdate = onUpdate
    this.#joined = new Promise((resolve, reject) => {
      this.#onJoined = resolve
      this.#fail = reject
    })
    this.socket = new LeanSocket(seat.port, seat.path, seat.protocols, {
      onMessage: (payload) => {
        if (this.#isJoining || onUpdate !== undefined) this.#read(payload)
        onMessage?.(payload)
      },
      onLost: (why) => {
        const error = new Error(`${seat.user} lost its socket: ${why}`)
        if (!this.#isJoining) throw error
        this.#fail(error)
      },
    })
    this.socket.opened().then(() => this.#greet(), this.#fail)
    if (seat.dialect === 'hocuspocus') this.#stayHeard()
  }

  /** Resolves when it has what it lacked and has told what the server lacks: nothing. */
  joined(): Promise<Joined> {
    return this.#joined
  }

  /** A message for the wire, as this server wants it. */
  frame(message: Uint8Array): Buffer {
    if (this.seat.dialect === 'mux') return frameOf(encodeFrame(ownChannel, message))
    if (this.seat.dialect !== 'hocuspocus') return frameOf(message)
    const encoder = encoding.createEncoder()
    encoding.writeVarString(encoder, this.seat.room)
    encoding.writeUint8Array(encoder, message)
    return frameOf(encoding.toUint8Array(encoder))
  }

  updateFrame(update: Uint8Array): Buffer {
    return this.frame(encodeUpdateMessage(update))
  }

  #greet(): void {
    if (this.seat.dialect === 'relay') return this.#done(new Uint8Array(), new Uint8Array())
    if (this.seat.dialect === 'mux') return this.#openChannel()
    if (this.seat.dialect === 'hocuspocus') this.socket.send(this.frame(authMessage))
    this.#tell()
  }

  /** What is said on a socket, or on its channel, of its own accord. */
  #tell(): void {
    if (this.#stateVector !== 'as the server') this.socket.send(this.frame(encodeStep1(this.#stateVector)))
    this.socket.send(this.frame(awarenessMessage()))
  }

  /** The server says when it is open. */
  #openChannel(): void {
    const conversation = parseConversationId(this.seat.room)
    if (conversation === undefined) throw new Error(`no conversation: ${this.seat.room}`)
    const say = (message: ClientControl): void => this.socket.send(frameOf(encodeClientControl(message)))
    say({ type: 'hello', token: this.seat.token ?? '', device: undefined, versions: new Map() })
    say({ type: 'open', channel: ownChannel, conversation, version: undefined })
  }

  /** Hocuspocus closes whoever says nothing for 60 s; stock clients tell of themselves now and then. */
  #stayHeard(): void {
    const timer = setInterval(() => this.socket.send(this.frame(queryAwareness)), stayHeardMs)
    this.socket.closed().then(
      () => clearInterval(timer),
      () => undefined,
    )
  }

  #read(payload: Buffer): void {
    const message = parseWireMessage(this.#unwrapped(payload))
    if (message.kind === 'malformed') this.#fail(new Error(`${this.seat.user} was sent nonsense: ${message.why}`))
    if (message.kind === 'step2' || message.kind === 'update') this.#onUpdate?.(message.update)
    if (!this.#isJoining) return
    if (message.kind === 'step2') this.#update = Uint8Array.from(message.update)
    if (message.kind === 'step1') {
      this.#serverStateVector = Uint8Array.from(message.stateVector)
      this.socket.send(this.frame(encodeStep2(emptyUpdate)))
      if (this.#stateVector === 'as the server') this.socket.send(this.frame(encodeStep1(this.#serverStateVector)))
    }
    if (this.#serverStateVector !== undefined && this.#update !== undefined)
      this.#done(this.#serverStateVector, this.#update)
  }

  #done(serverStateVector: Uint8Array, update: Uint8Array): void {
    this.#isJoining = false
    this.#onJoined({ serverStateVector, update })
  }

  /** The message as y-websocket would put it; what only Hocuspocus or `parley.1` says becomes an aside. */
  #unwrapped(payload: Buffer): Uint8Array {
    if (this.seat.dialect === 'mux') return this.#unframed(payload)
    if (this.seat.dialect !== 'hocuspocus') return payload
    const decoder = decoding.createDecoder(payload)
    decoding.readVarString(decoder)
    const message = payload.subarray(decoder.pos)
    return (message[0] ?? 0) > messageQueryAwareness ? aside : message
  }

  #unframed(payload: Buffer): Uint8Array {
    const frame = parseFrame(payload)
    if (frame.kind === 'malformed') throw new Error(`${this.seat.user} was sent nonsense: ${frame.why}`)
    if (frame.channel !== controlChannel) return frame.content
    const control = parseServerControl(frame.content)
    if (control.type === 'opened') this.#tell()
    if (control.type === 'refused') this.#fail(new Error(`${this.seat.user} was refused: ${control.code}`))
    return aside
  }
}

/** A device has one conversation open. */
const ownChannel = 1
const messageAwareness = 1
const messageQueryAwareness = 3
const queryAwareness = Uint8Array.of(messageQueryAwareness)
const stayHeardMs = 20_000
/** Of y-protocols/auth: parsed, and nothing to a device. */
const aside = Uint8Array.of(2)

/** Hocuspocus wants a token before anything else, even where nobody looks at it: auth (2), token (0), the token. */
const authMessage = Uint8Array.of(2, 0, 1, 0x78)

/** What a stock provider says of itself at open: one client, with the state `{}`. */
function awarenessMessage(): Uint8Array {
  const state = encoding.createEncoder()
  for (const number of [1, randomInt(2 ** 31), 1]) encoding.writeVarUint(state, number)
  encoding.writeVarString(state, '{}')
  const message = encoding.createEncoder()
  encoding.writeVarUint(message, messageAwareness)
  encoding.writeVarUint8Array(message, encoding.toUint8Array(state))
  return encoding.toUint8Array(message)
}
