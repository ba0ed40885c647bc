/** Those who follow a conversation live, and who of them is there. What they are sent is encoded once, for all of them. */

import { Fault, type FaultCode } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
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
  /** Asks for a wire message about who is there, and sends it; both may be left out. */
  readonly show: (message: () => Uint8Array | undefined) => void
  readonly close: (code: FaultCode) => void
}

export class Broadcast {
  readonly #subscribers = new Set<Subscriber>()
  /** How many there are of each user. */
  readonly #counts = new Map<UserId, number>()

  get size(): number {
    return this.#subscribers.size
  }

  /** Throws Fault `overloaded` when there are too many of its user: each hears what the others say (SPEC AWARE1). */
  add(subscriber: Subscriber): void {
    const count = this.#counts.get(subscriber.user) ?? 0
    if (count >= limits.followersPerUser) throw new Fault('overloaded')
    this.#subscribers.add(subscriber)
    this.#counts.set(subscriber.user, count + 1)
  }

  remove(subscriber: Subscriber): void {
    if (!this.#subscribers.delete(subscriber)) return
    const count = (this.#counts.get(subscriber.user) ?? 1) - 1
    if (count === 0) this.#counts.delete(subscriber.user)
    else this.#counts.set(subscriber.user, count)
  }

  /** `update` is asked for only when there is anybody to hear it. */
  relay({ update, before }: Change): void {
    if (this.#subscribers.size === 0) return
    const message = encodeUpdateMessage(update())
    for (const subscriber of this.#subscribers) subscriber.relay(message, before)
  }

  show(messageFor: (subscriber: Subscriber) => Uint8Array | undefined): void {
    for (const subscriber of this.#subscribers) subscriber.show(() => messageFor(subscriber))
  }

  /** Closes everybody, or those of one user. */
  close(code: FaultCode, user?: UserId): void {
    for (const subscriber of [...this.#subscribers]) {
      if (user === undefined || subscriber.user === user) {
        this.remove(subscriber)
        subscriber.close(code)
      }
    }
  }
}
