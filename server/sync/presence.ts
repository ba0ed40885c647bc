/**
 * Who of a conversation is there, and who is typing. Built anew from what connections say of themselves: the server draws
 * the number under which a connection is shown and writes its user, so nobody can speak for somebody else, and what is
 * relayed is bounded by the connections there are. Nothing of it is stored.
 */

import { limits } from '../../shared/limits.ts'
import {
  type AwarenessState,
  encodeAwarenessState,
  firstDrawnClient,
  joinAwareness,
} from '../../shared/sync/awareness.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { encodeAwarenessMessage } from '../../shared/sync/wire.ts'

/** What a connection says of itself. */
export interface Announcement {
  readonly typing: boolean
  /** The name that it wants to be shown under; whoever says one is shown also while nothing is typed. */
  readonly device?: string | undefined
}

export interface PresenceDeps<Connection> {
  /** Server time in ms. */
  readonly now: () => number
  readonly drawUint32: () => number
  /** Runs a job once, after a pause in which more can change. */
  readonly later: (job: () => void) => void
  /** Runs a job once, after so many ms, unless what it returns is called before. */
  readonly after: (ms: number, job: () => void) => () => void
  /** Sends everybody who follows the wire message that is for them, if there is one; asks for those that are sent alone. */
  readonly show: (messageFor: (connection: Connection) => Uint8Array | undefined) => void
}

interface Shown {
  readonly client: number
  readonly user: UserId
  clock: number
  device: string | undefined
  /** What it said last, however long ago. */
  isTyping: boolean
  /** It has asked to be shown also while nothing is typed. */
  stays: boolean
  /** When typing ends unless it is said again; undefined when it is not typing. */
  typingUntilMs: number | undefined
  /** As others are told; `gone` while there is nothing to show. */
  json: string
  /** All of that as it is sent. */
  state: Uint8Array
  heardMs: number
}

/** Typing that goes on is told again when it lasts this much longer than others know. */
const worthTellingMs = 1000
const gone = 'null'
const nothing = new Uint8Array(0)

/** `Connection` is whatever stands for one: only its identity counts. */
export class Presence<Connection> {
  readonly #deps: PresenceDeps<Connection>
  readonly #shown = new Map<Connection, Shown>()
  /** Numbers of those that are shown. */
  readonly #drawn = new Set<number>()
  /** To be told; those that left are nowhere else. */
  #changed = new Set<Shown>()
  #renewedMs = 0
  /** It will be looked whose typing has ended, unless this is called. */
  #stopWatching: (() => void) | undefined

  constructor(deps: PresenceDeps<Connection>) {
    this.#deps = deps
  }

  /**
   * Takes what a connection says; undefined: it is no longer to be shown. `device`: the name it said hello with, shown of
   * those who are shown also while nothing is typed.
   */
  announce(connection: Connection, user: UserId, said: Announcement | undefined, device?: string): void {
    if (said === undefined) return this.leave(connection)
    const now = this.#deps.now()
    const shown = this.#shown.get(connection) ?? this.#begin(connection, user)
    // Stock clients say all again every 15 s, whether or not anybody is at the keys.
    const isRenewed = said.typing && (!shown.isTyping || now - shown.heardMs < 2 * limits.typingMs)
    shown.isTyping = said.typing
    shown.stays ||= !said.typing || said.device !== undefined
    shown.device = said.device ?? device
    shown.heardMs = now
    if (!said.typing) shown.typingUntilMs = undefined
    const isLonger = isRenewed && now + limits.typingMs - (shown.typingUntilMs ?? 0) >= worthTellingMs
    if (isLonger) {
      shown.typingUntilMs = now + limits.typingMs
      this.#watch(limits.typingMs)
    }
    // Others take somebody for typing no longer than that, so they are told whenever it goes on.
    this.#update(shown, isLonger)
  }

  leave(connection: Connection): void {
    const known = this.#shown.get(connection)
    if (known === undefined) return
    this.#shown.delete(connection)
    this.#drawn.delete(known.client)
    // A timer would keep a conversation in memory that nobody has open any more.
    if (this.#shown.size === 0) {
      this.#stopWatching?.()
      this.#stopWatching = undefined
    }
    if (known.json === gone) return
    known.json = gone
    this.#tell(known)
  }

  /** Everybody else who is there, as a wire message; undefined when nobody is. */
  others(connection: Connection): Uint8Array | undefined {
    const visible = [...this.#shown.values()].filter(({ json }) => json !== gone)
    return new Telling(visible).without(this.#shown.get(connection))
  }

  /**
   * To be called now and then: tells of everybody again, for devices forget whom they do not hear of in 30 s, and drops
   * those that were not heard of. Does nothing when it was just done.
   */
  renew(): void {
    const now = this.#deps.now()
    if (this.#shown.size === 0 || now - this.#renewedMs < limits.heartbeatMs / 2) return
    this.#renewedMs = now
    for (const [connection, shown] of this.#shown) {
      if (now - shown.heardMs > limits.presenceMs) this.leave(connection)
      else if (shown.json !== gone) this.#tell(shown)
    }
  }

  #begin(connection: Connection, user: UserId): Shown {
    const shown: Shown = {
      client: this.#drawClient(),
      user,
      clock: 0,
      device: undefined,
      isTyping: false,
      stays: false,
      typingUntilMs: undefined,
      json: gone,
      state: nothing,
      heardMs: 0,
    }
    this.#shown.set(connection, shown)
    return shown
  }

  #update(shown: Shown, isLonger: boolean): void {
    const { user, device, stays, typingUntilMs } = shown
    const typing = typingUntilMs !== undefined
    const name = stays && device !== undefined ? { device } : {}
    const json = typing || stays ? JSON.stringify({ user, typing, ...name }) : gone
    if (json === shown.json && !isLonger) return
    shown.json = json
    this.#tell(shown)
  }

  #watch(ms: number): void {
    this.#stopWatching ??= this.#deps.after(ms, () => {
      this.#stopWatching = undefined
      this.#endTyping()
    })
  }

  /** Of those who have not said it again (SPEC TYPING1). */
  #endTyping(): void {
    const now = this.#deps.now()
    let nextMs = Infinity
    for (const shown of this.#shown.values()) {
      if (shown.typingUntilMs === undefined) continue
      if (shown.typingUntilMs > now) nextMs = Math.min(nextMs, shown.typingUntilMs - now)
      else {
        shown.typingUntilMs = undefined
        this.#update(shown, false)
      }
    }
    if (nextMs < Infinity) this.#watch(Math.min(nextMs, limits.typingMs))
  }

  #tell(shown: Shown): void {
    shown.clock++
    shown.state = encodeAwarenessState(shown)
    if (this.#changed.size === 0) this.#deps.later(() => this.#flush())
    this.#changed.add(shown)
  }

  #flush(): void {
    const telling = new Telling([...this.#changed])
    this.#changed = new Set()
    this.#deps.show((connection) => telling.without(this.#shown.get(connection)))
  }

  #drawClient(): number {
    let client = firstDrawnClient + this.#deps.drawUint32()
    while (this.#drawn.has(client)) client = firstDrawnClient + this.#deps.drawUint32()
    this.#drawn.add(client)
    return client
  }
}

/**
 * What is told of some at once. Nobody is told of themselves: under another number than their own they would be somebody
 * else. When all of many are told of, that is another message for each, so their states are put together once and each
 * message is cut out of that.
 */
class Telling {
  readonly #states: Uint8Array
  /** Where each one's state is. */
  readonly #places = new Map<Shown, { readonly from: number; readonly to: number }>()
  #whole: Uint8Array | undefined

  constructor(shown: readonly Shown[]) {
    let end = 0
    for (const one of shown) this.#places.set(one, { from: end, to: (end += one.state.length) })
    this.#states = new Uint8Array(end)
    for (const [{ state }, { from }] of this.#places) this.#states.set(state, from)
  }

  /** As a wire message, the same for all who are not told of; undefined when nobody is left. */
  without(own: Shown | undefined): Uint8Array | undefined {
    const place = own === undefined ? undefined : this.#places.get(own)
    const count = this.#places.size - (place === undefined ? 0 : 1)
    if (count === 0) return undefined
    if (place === undefined) return (this.#whole ??= message(count, [this.#states]))
    return message(count, [this.#states.subarray(0, place.from), this.#states.subarray(place.to)])
  }
}

function message(count: number, parts: readonly Uint8Array[]): Uint8Array {
  return encodeAwarenessMessage(joinAwareness(count, parts))
}

/**
 * What an awareness update says of its sender; null when it says that it left. Clients send on what they heard, of those
 * who left too: only the first state under a number that the server would not draw counts.
 */
export function parseAnnouncement(states: readonly AwarenessState[]): Announcement | null | undefined {
  const own = states.find(({ client }) => client < firstDrawnClient)
  return own === undefined ? undefined : readAnnouncement(own.json)
}

function readAnnouncement(json: string): Announcement | null | undefined {
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value !== 'object' || value === null) return null
    const { typing, device }: { typing?: unknown; device?: unknown } = value
    const isName = typeof device === 'string' && device.length <= limits.deviceNameLength
    // Whoever says neither wants nothing of it to be shown.
    if (typeof typing !== 'boolean' && !isName) return null
    return { typing: typing === true, ...(isName ? { device } : {}) }
  } catch {
    // No JSON: it says nothing.
    return undefined
  }
}
