/**
 * What waits on one socket, bounded in both directions: what came and is not handled yet makes it read no further, so
 * that a flood costs its sender time and not the server memory; and history goes out in turns, each when the one before
 * has been taken by the network, however many channels have some to send.
 */

import { limits } from '../../shared/limits.ts'
import { createSerial } from './serial.ts'
import type { SocketPort } from './session.ts'

export class Flow {
  readonly #port: Pick<SocketPort, 'pause' | 'resume' | 'bufferedBytes' | 'onDrained'>
  readonly #serially = createSerial()
  #unhandledBytes = 0
  #holds = 0
  #isPaused = false
  #isEnded = false
  #endWait: () => void = () => undefined

  constructor(port: Pick<SocketPort, 'pause' | 'resume' | 'bufferedBytes' | 'onDrained'>) {
    this.#port = port
  }

  /** Something waits to be handled: the socket may be paused, and a pong not be heard. */
  get isBusy(): boolean {
    return this.#unhandledBytes > 0 || this.#holds > 0
  }

  get bufferedBytes(): number {
    return this.#port.bufferedBytes()
  }

  /** So many bytes more wait to be handled, or, when negative, fewer. */
  waiting(bytes: number): void {
    this.#unhandledBytes += bytes
    this.#regulate()
  }

  /** Reads no further until `job` is done, whatever becomes of it. */
  async hold(job: () => Promise<void>): Promise<void> {
    this.#holds++
    this.#regulate()
    try {
      await job()
    } finally {
      this.#holds--
      this.#regulate()
    }
  }

  /** Runs jobs that send much, one after another, when not too much waits to go out. Those whose turn comes after the end are left out. */
  inTurn(job: () => Promise<void>): Promise<void> {
    return this.#serially(async () => {
      while (!this.#isEnded && this.bufferedBytes > limits.socketBufferSoftBytes) await this.#drained()
      if (!this.#isEnded) await job()
    })
  }

  /** Nobody is at the other end any more. Idempotent. */
  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    if (this.#isPaused) this.#port.resume()
    this.#endWait()
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#endWait = resolve
      this.#port.onDrained(resolve)
    })
  }

  #regulate(): void {
    const isFull = this.#holds > 0 || this.#unhandledBytes > limits.unhandledBytes
    if (isFull === this.#isPaused || this.#isEnded) return
    this.#isPaused = isFull
    if (isFull) this.#port.pause()
    else this.#port.resume()
  }
}
