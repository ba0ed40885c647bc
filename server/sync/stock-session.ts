/**
 * One socket of the stock y-websocket protocol, from the moment its user is known. Frames are handled one after another;
 * what cannot be handled yet makes the socket pause, so that a flood costs its sender time and not the server memory.
 */

import { Fault, type FaultCode } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { encodeStateVector, parseStateVector } from '../../shared/sync/state-vector.ts'
import { encodeStep1, encodeStep2, heartbeat, parseWireMessage } from '../../shared/sync/wire.ts'
import type { Subscriber } from './broadcast.ts'
import { durableStateVector } from './projection.ts'
import type { SyncTarget } from './sync-target.ts'

/** A socket as the session sees it. */
export interface SocketPort {
  readonly send: (frame: Uint8Array) => void
  readonly close: (code: FaultCode) => void
  readonly pause: () => void
  readonly resume: () => void
  /** Bytes sent and not yet taken by the network. */
  readonly bufferedBytes: () => number
}

export interface SessionLog {
  readonly info: (fields: object, text: string) => void
  readonly error: (fields: object, text: string) => void
}

export class StockSession implements Subscriber {
  readonly user: UserId
  readonly #target: SyncTarget
  readonly #port: SocketPort
  readonly #log: SessionLog
  #phase: 'joining' | 'following' | 'closed' = 'joining'
  /** A SyncStep1 of ours has not been answered. */
  #asked = false
  #unhandledBytes = 0
  #isPaused = false
  #handled: Promise<void> = Promise.resolve()

  constructor(user: UserId, target: SyncTarget, port: SocketPort, log: SessionLog) {
    this.user = user
    this.#target = target
    this.#port = port
    this.#log = log
  }

  /** Joins and asks the device for what the server lacks. */
  start(): void {
    try {
      this.#target.follow(this)
    } catch (error) {
      this.#refuse(error instanceof Fault ? error.code : 'unavailable')
      return
    }
    this.#ask()
  }

  receive(frame: Uint8Array): void {
    if (this.#phase === 'closed') return
    const costBytes = frame.length + limits.frameOverheadBytes
    this.#unhandledBytes += costBytes
    this.#regulate()
    this.#handled = this.#handled.then(async () => {
      await this.#handleSafely(frame)
      this.#unhandledBytes -= costBytes
      this.#regulate()
    })
  }

  /** Frames wait to be handled: the socket may be paused, and a pong not be heard. */
  get isBusy(): boolean {
    return this.#unhandledBytes > 0
  }

  relay(frame: Uint8Array): void {
    // Before it has our step2, a device could only keep what is relayed as pending.
    if (this.#phase === 'following') this.#send(frame)
  }

  beat(): void {
    if (this.#phase === 'following') this.#send(heartbeat)
  }

  /** Ends the session from this side; the socket is told why. */
  close(code: FaultCode): void {
    if (this.#phase === 'closed') return
    this.end()
    this.#port.close(code)
  }

  /** The socket is gone. Idempotent. */
  end(): void {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    this.#target.unfollow(this)
    // A backlog may still be on its way into the conversation.
    void this.#handled.then(() => this.#target.release())
  }

  #regulate(): void {
    const isFull = this.#unhandledBytes > limits.unhandledBytes
    if (isFull === this.#isPaused || this.#phase === 'closed') return
    this.#isPaused = isFull
    if (isFull) this.#port.pause()
    else this.#port.resume()
  }

  #send(frame: Uint8Array): void {
    if (this.#port.bufferedBytes() > limits.socketBufferHardBytes) this.#refuse('overloaded')
    else this.#port.send(frame)
  }

  #ask(): void {
    this.#asked = true
    this.#send(encodeStep1(encodeStateVector(durableStateVector(this.#target.durable()))))
  }

  async #handleSafely(frame: Uint8Array): Promise<void> {
    if (this.#phase === 'closed') return
    try {
      await this.#handle(frame)
    } catch (error) {
      if (!(error instanceof Fault)) this.#log.error({ err: error, user: this.user }, 'a socket session failed')
      this.#refuse(error instanceof Fault ? error.code : 'unavailable')
    }
  }

  async #handle(frame: Uint8Array): Promise<void> {
    const message = parseWireMessage(frame)
    switch (message.kind) {
      case 'step1':
        return this.#answer(message.stateVector)
      case 'step2':
        this.#asked = false
        return this.#take(message.update, false)
      case 'update':
        return this.#take(message.update, true)
      case 'aside':
        return
      case 'malformed':
        return this.#refuse('malformed', message.why)
    }
  }

  async #answer(stateVector: Uint8Array): Promise<void> {
    const known = parseStateVector(stateVector)
    if (known.kind === 'malformed') return this.#refuse('malformed', known.why)
    const state = this.#target.durable()
    if (this.#target.isBehind(state, known.clocks)) return this.#refuse('server-behind')
    if (this.#phase === 'joining') this.#phase = 'following'
    this.#send(encodeStep2(await this.#target.encodeMissing(state, known.clocks)))
  }

  async #take(update: Uint8Array, mayAsk: boolean): Promise<void> {
    const taken = await this.#target.take(this.user, update)
    if (taken.kind === 'fault') return this.#refuse(taken.code, taken.why)
    // A device that types before it has our step1 sends what we cannot join; the answer to a step1 closes the gap.
    if (taken.gap && mayAsk && !this.#asked && this.#phase !== 'closed') this.#ask()
  }

  #refuse(code: FaultCode, why?: string): void {
    if (this.#phase === 'closed') return
    this.#log.info({ user: this.user, code, why }, 'socket refused')
    this.close(code)
  }
}
