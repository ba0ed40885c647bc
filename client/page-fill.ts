/**
 * Brings all of the archive to the device, when there is nothing better to do (SPEC PAGE4): newest activity first, and in
 * each conversation what is newest first. What is there already tells where it goes on. Nothing makes way for it.
 */

import { limits } from '../shared/limits.ts'
import type { ConversationId } from '../shared/sync/ids.ts'
import { cutRun } from './history/archive-run.ts'
import { RestFailure } from './rest-client.ts'
import type { MessagesAnswer } from './rest-answers.ts'
import type { PageStore, Span } from './storage/page-store.ts'

/** A conversation of which all is to be kept. */
export interface FillRow {
  readonly id: ConversationId
  /** Seq of the last archived entry. */
  readonly through: number
  /** Seq of the first that the user is told of; absent: all. */
  readonly from?: number
  /** Ms of the last activity. */
  readonly updatedAt: number
}

export interface PageFillDeps {
  readonly rows: () => Iterable<FillRow>
  /** Rejects when there is none. */
  readonly store: () => Promise<PageStore>
  readonly fetch: (
    id: ConversationId,
    where: { readonly before: number; readonly limit: number },
  ) => Promise<MessagesAnswer>
  /** Connected, not paused, and nothing else waits. */
  readonly hasTime: () => boolean
  readonly onKept: (id: ConversationId) => void
  readonly onFull: () => void
  readonly onFailure: (error: unknown) => void
}

/** Requests at a time: one is under way while the answer of the other is written. */
const atOnce = 2
/** After the device has refused a page: it may have room again by then. */
const quotaRetryMs = 300_000
const networkRetryMs = 30_000

export class PageFill {
  readonly #deps: PageFillDeps
  /** Up to which seq all was there when it was last looked at. */
  readonly #filled = new Map<ConversationId, number>()
  readonly #busy = new Set<ConversationId>()
  /** Of which the server last gave nothing: they come behind the others. */
  readonly #failed = new Set<ConversationId>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #isFull = false
  #isClosed = false

  constructor(deps: PageFillDeps) {
    this.#deps = deps
  }

  /** There may be something to fetch, or time for it. */
  proceed(): void {
    while (this.#busy.size < atOnce && this.#mayGoOn()) {
      const row = this.#next()
      if (row === undefined) return
      this.#busy.add(row.id)
      void this.#fill(row).finally(() => {
        this.#busy.delete(row.id)
        this.proceed()
      })
    }
  }

  /** What is to be kept has changed, or how much may be. */
  again(): void {
    this.#isFull = false
    this.#filled.clear()
    this.proceed()
  }

  /** What is there of it is looked at once more: nothing is kept of it any more, or it can be read again. */
  forget(id: ConversationId): void {
    this.#filled.delete(id)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #mayGoOn(): boolean {
    return !this.#isClosed && !this.#isFull && this.#timer === undefined && this.#deps.hasTime()
  }

  #next(): FillRow | undefined {
    let best: FillRow | undefined
    for (const row of this.#deps.rows()) {
      const isOpen =
        row.through >= (row.from ?? 0) && !this.#busy.has(row.id) && (this.#filled.get(row.id) ?? -1) < row.through
      if (isOpen && (best === undefined || this.#isBefore(row, best))) best = row
    }
    return best
  }

  #isBefore(a: FillRow, b: FillRow): boolean {
    const hasFailed = this.#failed.has(a.id)
    return hasFailed === this.#failed.has(b.id) ? a.updatedAt > b.updatedAt : !hasFailed
  }

  /** Until all is there, or there is no time for it any more; rejects nothing. */
  async #fill({ id, through, from = 0 }: FillRow): Promise<void> {
    const { fetch, onFailure } = this.#deps
    const store = await this.#deps.store().catch(() => undefined)
    if (store === undefined) return this.#pause(quotaRetryMs)
    while (this.#mayGoOn() && this.#isWanted(id)) {
      const gap = await store.facts(id).then(({ spans }) => newestGap(spans, through + 1, from), failed)
      if (gap === undefined) return void this.#filled.set(id, through)
      if (gap === 'failed') return this.#pause(quotaRetryMs)
      const limit = limits.archivePageMessages
      const answer = await fetch(id, { before: gap.to, limit }).catch((error: unknown) => {
        // Who may not read it any more will not be told more later.
        if (error instanceof RestFailure && error.isPermanent) this.#filled.set(id, through)
        else {
          this.#failed.add(id)
          this.#pause(networkRetryMs)
        }
      })
      if (answer !== undefined) this.#failed.delete(id)
      if (answer === undefined || this.#isClosed || !this.#isWanted(id)) return
      await this.#keep(store, id, gap, answer).catch((error: unknown) => {
        onFailure(error)
        this.#pause(quotaRetryMs)
      })
    }

    function failed(error: unknown): 'failed' {
      onFailure(error)
      return 'failed'
    }
  }

  /** It may have been turned off, or lost, meanwhile. */
  #isWanted(id: ConversationId): boolean {
    for (const row of this.#deps.rows()) if (row.id === id) return true
    return false
  }

  async #keep(store: PageStore, id: ConversationId, gap: Span, { messages, asOf }: MessagesAnswer): Promise<void> {
    const first = messages.length < limits.archivePageMessages ? 0 : (messages[0]?.seq ?? 0)
    const from = Math.max(gap.from, first)
    const run = cutRun({ from, to: gap.to, messages: messages.filter(({ seq }) => seq >= from) }, gap.to)
    const outcome = await store.put(id, run, { asOf, mayEvict: false })
    if (outcome === 'kept') return this.#deps.onKept(id)
    this.#isFull = true
    this.#deps.onFull()
  }

  #pause(ms: number): void {
    if (this.#isClosed) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.proceed()
    }, ms)
  }
}

/** The last run from `begin` to `end` that is in none of the spans, which ascend; undefined when there is none. */
export function newestGap(spans: readonly Span[], end: number, begin = 0): Span | undefined {
  let to = end
  for (const span of spans.toReversed()) {
    if (span.from >= to) continue
    if (span.to < to) return begin < to ? { from: Math.max(begin, span.to), to } : undefined
    to = span.from
  }
  return to > begin ? { from: begin, to } : undefined
}
