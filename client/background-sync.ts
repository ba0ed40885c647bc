/**
 * Brings conversations up to date that nobody looks at, so that they can be read offline, and sends what was left unsent in
 * them (SPEC BACK1): opens them without showing them, a few at a time, and closes them when they are done and kept. Knows
 * no network.
 */

import type { BackgroundStatus, ReadableStore } from './api.ts'
import type { ConversationId } from '../shared/sync/ids.ts'
import type { OpenConversation } from './open-conversation.ts'
import { createStore } from './store.ts'

export interface BackgroundDeps {
  readonly open: (id: ConversationId) => Promise<OpenConversation>
  /** And not being closed. */
  readonly isOpen: (id: ConversationId) => boolean
  /** Ms of the last activity; the newest comes first. */
  readonly activityMs: (id: ConversationId) => number
  readonly isConnected: () => boolean
  /** Nothing that somebody looks at still waits for what it lacks. */
  readonly hasTime: () => boolean
  /** In ms, of a clock that nobody sets. */
  readonly uptime: () => number
}

interface Waiting {
  readonly dueMs: number
  /** Something of this device waits there for the server. */
  readonly unsent: boolean
  /** Whether this device lacks something of it still. */
  readonly isBehind: (id: ConversationId) => boolean
}

interface Run {
  conversation: OpenConversation | undefined
  end: () => void
  isEnding: boolean
}

/** One waits for the network while the other one is read or written. */
const atOnce = 2
/** A conversation that keeps moving is not fetched again sooner. */
const restMs = 5000
/** One that has not come to an end makes way for others, if there are any. */
const patienceMs = 30_000
const retryMs = 60_000

export class BackgroundSync {
  readonly #deps: BackgroundDeps
  readonly #status = createStore<BackgroundStatus>({ phase: 'offline', left: 0 })
  readonly #waiting = new Map<ConversationId, Waiting>()
  readonly #runs = new Map<ConversationId, Run>()
  readonly #endedMs = new Map<ConversationId, number>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #isPaused = false
  #isClosed = false

  constructor(deps: BackgroundDeps) {
    this.#deps = deps
  }

  get status(): ReadableStore<BackgroundStatus> {
    return this.#status
  }

  /**
   * They moved, or (`unsent`) have something to send: these come first. Of one that moved `isBehind` tells whether that is
   * still so when its turn comes: it may be told of twice, and be brought meanwhile.
   */
  add(ids: Iterable<ConversationId>, unsent = false, isBehind: (id: ConversationId) => boolean = always): void {
    for (const id of ids) {
      // Whoever has it open brings it up to date.
      if (this.#deps.isOpen(id) && !this.#runs.has(id)) continue
      const dueMs = Math.max(this.#deps.uptime(), (this.#endedMs.get(id) ?? -restMs) + restMs)
      const before = this.#waiting.get(id)
      this.#waiting.set(id, {
        dueMs,
        unsent: unsent || before?.unsent === true,
        // What is told later is all that was told before, and more.
        isBehind: before?.isBehind === always ? always : isBehind,
      })
    }
    this.proceed()
  }

  /** They can no longer be opened. */
  drop(ids: Iterable<ConversationId>): void {
    for (const id of ids) this.#waiting.delete(id)
    this.proceed()
  }

  /** The application wants it: it stays open. */
  hold(id: ConversationId): void {
    this.#waiting.delete(id)
    this.#runs.get(id)?.end()
    this.#runs.delete(id)
    this.proceed()
  }

  /** Whether it is open for no other reason. */
  has(id: ConversationId): boolean {
    return this.#runs.has(id)
  }

  /** Something of a conversation has changed: closes it when it was only open for this, and is done. */
  check({ id }: Pick<OpenConversation, 'id'>): void {
    const run = this.#runs.get(id)
    const conversation = run?.conversation
    if (run === undefined || conversation === undefined || run.isEnding) return
    const { phase } = conversation.status.getSnapshot().connection
    // What has arrived is told before it is closed, and closes when that is sent.
    if (phase === 'live') conversation.tellReceipts()
    if (phase === 'refused' || (phase === 'live' && conversation.unsent === 0)) this.#end(id, run, conversation)
  }

  pause(): void {
    this.#isPaused = true
    this.proceed()
  }

  resume(): void {
    this.#isPaused = false
    this.proceed()
  }

  /** What it waited for may have come. */
  proceed(): void {
    if (this.#isClosed) return
    while (!this.#isPaused && this.#runs.size < atOnce && this.#deps.isConnected() && this.#deps.hasTime()) {
      const id = this.#next()
      if (id === undefined) break
      this.#waiting.delete(id)
      if (!this.#deps.isOpen(id)) void this.#run(id)
    }
    this.#show()
  }

  /** Begins nothing more; what is open is closed by whoever closes everything. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    for (const run of this.#runs.values()) run.end()
  }

  /** The next that is due; when none is, it comes back when one will be. */
  #next(): ConversationId | undefined {
    const now = this.#deps.uptime()
    const rank = (id: ConversationId, { unsent }: Waiting): number => (unsent ? Infinity : this.#deps.activityMs(id))
    let best: ConversationId | undefined
    let bestRank = -Infinity
    let nextMs = Infinity
    for (const [id, waiting] of this.#waiting) {
      // It moved on while it is being closed: it is opened again behind that.
      if (this.#runs.has(id)) continue
      if (!waiting.unsent && !waiting.isBehind(id)) {
        this.#waiting.delete(id)
        continue
      }
      if (waiting.dueMs > now) nextMs = Math.min(nextMs, waiting.dueMs)
      else if (best === undefined || rank(id, waiting) > bestRank) [best, bestRank] = [id, rank(id, waiting)]
    }
    clearTimeout(this.#timer)
    if (best === undefined && nextMs < Infinity) this.#timer = setTimeout(() => this.proceed(), nextMs - now)
    return best
  }

  async #run(id: ConversationId): Promise<void> {
    const run: Run = { conversation: undefined, end: () => undefined, isEnding: false }
    this.#runs.set(id, run)
    const conversation = await this.#deps.open(id).catch(() => undefined)
    if (this.#runs.get(id) !== run || this.#isClosed) return
    // What cannot be opened is tried again when it moves, or at the next start.
    if (conversation === undefined) return this.#ended(id, run)
    run.conversation = conversation
    const unsubscribe = conversation.status.subscribe(() => this.check(conversation))
    const timer = setInterval(() => {
      if (this.#waiting.size === 0) return
      const dueMs = this.#deps.uptime() + retryMs
      this.#waiting.set(id, { dueMs, unsent: conversation.unsent > 0, isBehind: always })
      this.#end(id, run, conversation)
    }, patienceMs)
    run.end = () => {
      unsubscribe()
      clearInterval(timer)
    }
    this.check(conversation)
  }

  #end(id: ConversationId, run: Run, conversation: OpenConversation): void {
    run.isEnding = true
    run.end()
    // Whoever opens it again waits for this.
    void conversation.close().finally(() => this.#ended(id, run))
  }

  #ended(id: ConversationId, run: Run): void {
    if (this.#runs.get(id) !== run) return
    this.#runs.delete(id)
    this.#endedMs.set(id, this.#deps.uptime())
    this.proceed()
  }

  #show(): void {
    const left = this.#waiting.size + this.#runs.size
    const phase = this.#isPaused ? 'paused' : !this.#deps.isConnected() ? 'offline' : left > 0 ? 'syncing' : 'current'
    const before = this.#status.getSnapshot()
    if (before.phase !== phase || before.left !== left) this.#status.set({ phase, left })
  }
}

function always(): boolean {
  return true
}
