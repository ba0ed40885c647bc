/** Those who follow a conversation live. What they are sent is encoded once, for all of them. */

import { type FaultCode } from '../../shared/fault.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { encodeUpdateMessage } from '../../shared/sync/wire.ts'

export interface Subscriber {
  readonly user: UserId
  /** A whole wire frame, the same object for everybody. */
  readonly relay: (frame: Uint8Array) => void
  readonly close: (code: FaultCode) => void
}

export class Broadcast {
  readonly #subscribers = new Set<Subscriber>()

  get size(): number {
    return this.#subscribers.size
  }

  add(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber)
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber)
  }

  /** `update` is asked for only when there is anybody to hear it. */
  relay(update: () => Uint8Array): void {
    if (this.#subscribers.size === 0) return
    const frame = encodeUpdateMessage(update())
    for (const subscriber of this.#subscribers) subscriber.relay(frame)
  }

  /** Closes everybody, or those of one user. */
  close(code: FaultCode, user?: UserId): void {
    for (const subscriber of [...this.#subscribers]) {
      if (user === undefined || subscriber.user === user) {
        this.#subscribers.delete(subscriber)
        subscriber.close(code)
      }
    }
  }
}
