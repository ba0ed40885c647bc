/** Those who follow a conversation live, and who of them is there. What they are sent is encoded once, for all of them. */

import { type FaultCode } from '../../shared/fault.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { StateVector } from '../../shared/sync/state-vector.ts'
import { encodeUpdateMessage } from '../../shared/sync/wire.ts'

/** What a commit brought. */
export interface Change {
  readonly update: () => Uint8Array
  /** What a device had that was sent everything before. */
  readonly before: () => StateVector
}

export interface Subscriber {
  readonly user: UserId
  /** `message` is a whole wire message, the same object for everybody; `before` as in Change. */
  readonly relay: (message: Uint8Array, before: () => StateVector) => void
  /** A wire message about who is there: it may be left out. */
  readonly show: (message: Uint8Array) => void
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
  relay({ update, before }: Change): void {
    if (this.#subscribers.size === 0) return
    const message = encodeUpdateMessage(update())
    for (const subscriber of this.#subscribers) subscriber.relay(message, before)
  }

  show(messageFor: (subscriber: Subscriber) => Uint8Array | undefined): void {
    for (const subscriber of this.#subscribers) {
      const message = messageFor(subscriber)
      if (message !== undefined) subscriber.show(message)
    }
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
