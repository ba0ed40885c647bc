/**
 * Who else is there in an open conversation, and what others are told of this device (SPEC TYPING1). Lives as long as the
 * connection: nothing of it is kept. Knows no protocol: a connection lends it a voice and an ear.
 */

import { limits } from '../../shared/limits.ts'
import { firstDrawnClient } from '../../shared/sync/awareness.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ConversationPresence, PresenceMode, PresentPerson, ReadableStore } from '../api.ts'
import { createStore } from '../store.ts'
import { parseTold, peopleOf, type Told } from './people.ts'

/** What a device says of itself; null: nothing. */
export type OwnState = { readonly typing: boolean; readonly device?: string } | null

/** A connection's side. */
export interface PresenceLine {
  /** Sent now, also when it is the same, and again whenever the connection comes back. */
  readonly say: (state: OwnState) => void
}

/** What a connection tells. */
export interface PresenceListener {
  /** All states there are, by client; `news`: of whom something was told just now. */
  readonly hear: (states: ReadonlyMap<number, unknown>, news: readonly number[]) => void
  /** It is over. */
  readonly end: () => void
}

export interface OpenPresenceDeps {
  readonly user: UserId
  /** Name of this device. */
  readonly device: string | undefined
  readonly mode: ReadableStore<PresenceMode>
  /** In ms, of a clock that nobody sets. */
  readonly uptime: () => number
}

interface Heard extends Told {
  /** By then it is no longer believed to be typing; Infinity when it is not. */
  readonly typingUntilMs: number
}

export class OpenPresence implements ConversationPresence {
  readonly #deps: OpenPresenceDeps
  readonly #people = createStore<readonly PresentPerson[]>([])
  readonly #unsubscribe: () => void
  #line: PresenceLine | undefined
  #heard: ReadonlyMap<number, Heard> = new Map()
  #forgetTimer: ReturnType<typeof setTimeout> | undefined
  /** Somebody looks at the conversation: it is not open for this device's sake alone. */
  #isHere = false
  #isTyping = false
  /** Seq of the newest message that was seen here. */
  #newest = -1
  #saidMs = -Infinity
  #stopTimer: ReturnType<typeof setTimeout> | undefined

  constructor(deps: OpenPresenceDeps) {
    this.#deps = deps
    this.#unsubscribe = deps.mode.subscribe(() => {
      if (deps.mode.getSnapshot() === 'off') this.typing(false)
      this.#say()
    })
  }

  get people(): ReadableStore<readonly PresentPerson[]> {
    return this.#people
  }

  typing(isTyping = true): void {
    clearTimeout(this.#stopTimer)
    if (!isTyping) {
      if (!this.#isTyping) return
      this.#isTyping = false
      return this.#say()
    }
    if (this.#deps.mode.getSnapshot() === 'off') return
    this.#stopTimer = setTimeout(() => this.typing(false), limits.typingMs)
    if (this.#isTyping && this.#deps.uptime() - this.#saidMs < limits.typingRepeatMs) return
    this.#isTyping = true
    this.#say()
  }

  /** The application has the conversation open. */
  appear(): void {
    if (this.#isHere) return
    this.#isHere = true
    if (this.#deps.mode.getSnapshot() === 'online') this.#say()
  }

  /** The newest message that is here: who has written it is done, and that may be told a moment later than the message. */
  wrote(message: { readonly user: UserId; readonly seq: number } | undefined): void {
    if (message === undefined || message.seq <= this.#newest) return
    this.#newest = message.seq
    const typists = [...this.#heard].filter(([, { user, typing }]) => typing && user === message.user)
    if (typists.length === 0) return
    const done = typists.map(([client, heard]) => [client, { ...heard, typingUntilMs: -Infinity }] as const)
    this.#heard = new Map([...this.#heard, ...done])
    this.#show()
  }

  /** Speaks over this connection from now on, and hears it, until the next one. */
  connect(line: PresenceLine): PresenceListener {
    this.#line = line
    this.#forget()
    if (this.#state() !== null) this.#say()
    return {
      hear: (states, news) => {
        if (this.#line === line) this.#hear(states, news)
      },
      end: () => {
        if (this.#line !== line) return
        this.#line = undefined
        this.#forget()
      },
    }
  }

  close(): void {
    clearTimeout(this.#stopTimer)
    this.#unsubscribe()
    this.#line = undefined
    this.#forget()
  }

  #state(): OwnState {
    const { mode, device = '' } = this.#deps
    const typing = this.#isTyping
    // With a device it is shown also while nothing is typed; without one as long as it types.
    if (mode.getSnapshot() === 'online' && this.#isHere) return { typing, device }
    return typing ? { typing } : null
  }

  #say(): void {
    this.#saidMs = this.#deps.uptime()
    this.#line?.say(this.#state())
  }

  #hear(states: ReadonlyMap<number, unknown>, news: readonly number[]): void {
    const untilMs = this.#deps.uptime() + limits.typingMs
    const fresh = new Set(news)
    const heard = new Map<number, Heard>()
    for (const [client, state] of states) {
      const told = client < firstDrawnClient ? undefined : parseTold(state)
      if (told === undefined || told.user === this.#deps.user) continue
      const before = fresh.has(client) ? undefined : this.#heard.get(client)
      heard.set(client, before ?? { ...told, typingUntilMs: told.typing ? untilMs : Infinity })
    }
    this.#heard = heard
    this.#show()
  }

  #forget(): void {
    this.#heard = new Map()
    this.#show()
  }

  /** The server tells when somebody ends; when it does not, this device does not wait for it. */
  #show(): void {
    clearTimeout(this.#forgetTimer)
    const now = this.#deps.uptime()
    const told: Told[] = []
    let nextMs = Infinity
    for (const one of this.#heard.values()) {
      const isOver = one.typingUntilMs <= now
      if (!isOver) nextMs = Math.min(nextMs, one.typingUntilMs)
      // Who has no device was shown for typing alone.
      if (!isOver || one.device !== undefined) told.push({ ...one, typing: one.typing && !isOver })
    }
    if (nextMs < Infinity) this.#forgetTimer = setTimeout(() => this.#show(), Math.ceil(nextMs - now))
    this.#people.set(peopleOf(told, this.#people.getSnapshot()))
  }
}
