/**
 * The channels of a client's socket: who has which number, what was stated when it was opened, and who waits for the next
 * socket. Numbers are drawn once in the life of a socket. Knows nothing of connecting.
 */

import { type FaultCode, faults } from '../../shared/fault.ts'
import type { ClientControl, Version } from '../../shared/sync/control.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { parseWireMessage } from '../../shared/sync/wire.ts'

/** One end of a channel: it is told what happens. Never called while it joins. */
export interface Member {
  readonly conversation: ConversationId
  /** What the device has; undefined when the server must be asked whatever that is. */
  readonly version: () => Version | undefined
  /** `current`: nothing will be exchanged, for both have the same. */
  readonly opened: (current: boolean) => void
  readonly receive: (message: Uint8Array) => void
  /** The server lives. */
  readonly feed: () => void
  /** It is over; nothing more is told. */
  readonly closed: (code: number, reason: string) => void
}

/** A member's place on the socket. */
export interface Seat {
  /** Sends one wire message; what is sent while it is not open is lost. */
  readonly send: (message: Uint8Array) => void
  readonly leave: () => void
}

/** A socket that has been greeted. */
export interface Line {
  readonly say: (message: ClientControl) => void
  readonly send: (channel: number, message: Uint8Array) => void
}

interface Taken {
  readonly member: Member
  /** Undefined while there is no socket. */
  number: number | undefined
  stated: Version | undefined
  isOpen: boolean
}

export class ChannelTable {
  readonly #onStray: (conversation: ConversationId) => void
  readonly #seats = new Set<Taken>()
  readonly #byNumber = new Map<number, Taken>()
  readonly #left = new Map<number, ConversationId>()
  #next = 1
  #line: Line | undefined

  /** `onStray` is told of changes that the server sent before it knew that their channel was closed. */
  constructor(onStray: (conversation: ConversationId) => void) {
    this.#onStray = onStray
  }

  /** There is a socket: everybody who waits opens a channel on it. */
  connect(line: Line): void {
    this.#line = line
    for (const taken of this.#seats) this.#begin(taken, taken.member.version())
  }

  /** There is none any more. Open channels are closed; those that were not open yet wait for the next one. */
  disconnect(code: number, reason: string): void {
    this.#line = undefined
    this.#byNumber.clear()
    this.#left.clear()
    this.#next = 1
    for (const taken of this.#seats) taken.number = undefined
    this.#vacate(
      [...this.#seats].filter(({ isOpen }) => isOpen),
      code,
      reason,
    )
  }

  /** Nobody need wait for another one. */
  dismiss(code: number, reason: string): void {
    this.#vacate([...this.#seats], code, reason)
  }

  join(member: Member): Seat {
    const taken: Taken = { member, number: undefined, stated: undefined, isOpen: false }
    this.#seats.add(taken)
    this.#begin(taken, member.version())
    return {
      send: (message) => {
        if (taken.isOpen && taken.number !== undefined) this.#line?.send(taken.number, message)
      },
      leave: () => this.#leave(taken),
    }
  }

  opened(number: number, current: boolean): void {
    const taken = this.#byNumber.get(number)
    if (taken === undefined) return
    // Something was written here since the version was stated: it goes the long way.
    if (current && !isSameVersion(taken.member.version(), taken.stated)) {
      this.#byNumber.delete(number)
      this.#line?.say({ type: 'close', channel: number })
      return this.#begin(taken, undefined)
    }
    taken.isOpen = true
    taken.member.opened(current)
  }

  refused(number: number, code: FaultCode): void {
    const taken = this.#byNumber.get(number)
    if (taken !== undefined) this.#vacate([taken], faults[code].closeCode, code)
  }

  receive(number: number, message: Uint8Array): void {
    const taken = this.#byNumber.get(number)
    if (taken !== undefined) return taken.member.receive(message)
    const conversation = this.#left.get(number)
    if (conversation !== undefined && parseWireMessage(message).kind === 'update') this.#onStray(conversation)
  }

  feed(): void {
    for (const { member, isOpen } of this.#seats) if (isOpen) member.feed()
  }

  #begin(taken: Taken, version: Version | undefined): void {
    if (this.#line === undefined) return
    const channel = this.#next++
    this.#byNumber.set(channel, taken)
    taken.number = channel
    taken.stated = version
    this.#line.say({ type: 'open', channel, conversation: taken.member.conversation, version })
  }

  #leave(taken: Taken): void {
    const { number, member } = taken
    this.#seats.delete(taken)
    taken.isOpen = false
    if (number === undefined || !this.#byNumber.delete(number)) return
    this.#left.set(number, member.conversation)
    this.#line?.say({ type: 'close', channel: number })
  }

  #vacate(seats: readonly Taken[], code: number, reason: string): void {
    for (const taken of seats) {
      this.#seats.delete(taken)
      if (taken.number !== undefined) this.#byNumber.delete(taken.number)
      taken.number = undefined
      taken.isOpen = false
    }
    for (const { member } of seats) member.closed(code, reason)
  }
}

export function isSameVersion(a: Version | undefined, b: Version | undefined): boolean {
  return a?.server === b?.server && a?.records === b?.records
}
