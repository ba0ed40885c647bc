/**
 * Archived messages of one conversation, from what the device keeps or else from the server, whose answers are then kept
 * (SPEC PAGE1, PAGE3). A device that refuses to keep them is no reason not to show them.
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { limits } from '../../shared/limits.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import type { ChangesAnswer, MessagesAnswer } from '../rest-answers.ts'
import type { MessagesQuery } from '../rest-client.ts'
import type { PageFacts, PageRun, PageStore, Span, UpdatedSpan } from '../storage/page-store.ts'
import { type ArchiveRun, cutRun, emptyRun, joinRuns, newestOf, oldestOf } from './archive-run.ts'
import { findKept } from './find-kept.ts'

/** What the server has of one conversation. Rejects when it cannot be asked. */
export interface ArchiveSource {
  readonly messages: (where: MessagesQuery) => Promise<MessagesAnswer>
  readonly changes: (after: number) => Promise<ChangesAnswer>
}

export interface PageCacheDeps {
  readonly id: ConversationId
  readonly store: PageStore
  readonly source: ArchiveSource
  /** Seq of the last archived entry. */
  readonly through: () => number
  /** The device has kept some. */
  readonly onKept: () => void
  /** The device does not read or keep pages. */
  readonly onFailure: (error: unknown) => void
}

/** A run, and up to which seq it takes account of all entries. */
export interface KnownRun {
  readonly run: ArchiveRun
  readonly asOf: number
}

const nothingKept: PageFacts = { spans: [], messages: 0, bytes: 0, asOf: undefined }

export class PageCache {
  readonly #deps: PageCacheDeps

  constructor(deps: PageCacheDeps) {
    this.#deps = deps
  }

  facts(): Promise<PageFacts> {
    return this.#safely((store, id) => store.facts(id), nothingKept)
  }

  /** A kept message, as far as it can be found by its id. */
  find(message: MessageId): Promise<StampedMessage | undefined> {
    return this.#safely((store, id) => findKept(store, id, message), undefined)
  }

  /** About `count` messages right before the seq `to`. Rejects when neither the device has them nor the server answers. */
  async before(to: number, count: number): Promise<KnownRun> {
    const kept = await this.keptBefore(to, count)
    if (kept !== undefined && (kept.run.messages.length > 0 || kept.run.from === 0)) return kept
    // What is kept there has no messages: it is read over.
    const edge = kept?.run.from ?? to
    const limit = limitOf(count)
    const { messages, asOf } = await this.#deps.source.messages({ before: edge, limit })
    const from = messages.length < limit ? 0 : (messages[0]?.seq ?? 0)
    const fetched = await this.#keep({ from, to: edge, messages }, asOf)
    return kept === undefined ? fetched : join(fetched, kept)
  }

  /** About `count` messages from the seq `from` on, as far as the archive goes. */
  async after(from: number, count: number): Promise<KnownRun> {
    const kept = await this.#keptAfter(from, count)
    const end = this.#deps.through() + 1
    if (kept !== undefined && (kept.run.messages.length > 0 || kept.run.to === end)) return kept
    const edge = kept?.run.to ?? from
    const limit = limitOf(count)
    const { messages, asOf } = await this.#deps.source.messages({ after: edge - 1, limit })
    const last = (messages.at(-1)?.seq ?? edge - 1) + 1
    const to = messages.length < limit ? Math.max(end, last) : last
    const fetched = await this.#keep(cutRun({ from: edge, to, messages }, end), asOf)
    return kept === undefined ? fetched : join(kept, fetched)
  }

  /** About `count` messages around a seq of the archive, that one among them. */
  async around(seq: number, count: number): Promise<KnownRun> {
    const half = Math.ceil(count / 2)
    const older = await this.before(seq + 1, half)
    return seq >= this.#deps.through() ? older : join(older, await this.after(seq + 1, half))
  }

  /** Keeps what is known without asking anybody. */
  async put(run: PageRun, asOf: number): Promise<void> {
    if (run.from < run.to) await this.#keep(run, asOf)
  }

  /**
   * Fetches what changed behind `asOf`, for what is kept and for what is shown. Rejects when the server does not answer.
   */
  async fetchChanges(asOf: number): Promise<{ readonly messages: readonly StampedMessage[]; readonly asOf: number }> {
    const changed: StampedMessage[] = []
    for (let after = asOf; ;) {
      const from = after
      const answer = await this.#deps.source.changes(after)
      // A server that goes on with the same is asked no more.
      const isWhole = !answer.hasMore || answer.asOf <= after
      after = answer.asOf
      changed.push(...answer.messages)
      await this.update(answer.messages, { after: from, asOf: after })
      if (isWhole) return { messages: changed, asOf: after }
    }
  }

  /** Takes over all that `entries` have changed. */
  update(messages: readonly StampedMessage[], entries: UpdatedSpan): Promise<void> {
    return this.#safely((store, id) => store.update(id, messages, entries), undefined)
  }

  drop(): Promise<void> {
    return this.#safely((store, id) => store.drop(id), undefined)
  }

  /** About `count` messages right before the seq `to`, as far as they are kept; undefined when none is. */
  async keptBefore(to: number, count: number): Promise<KnownRun | undefined> {
    const { spans, asOf } = await this.facts()
    const span = spans.find((one) => one.from < to && to <= one.to)
    if (span === undefined || asOf === undefined) return undefined
    let run = emptyRun(to)
    for (let step = 2 * count; run.from > span.from && run.messages.length < count; step *= 2) {
      const part = await this.#read({ from: Math.max(span.from, run.from - step), to: run.from })
      if (part === undefined) break
      run = joinRuns(part, run)
    }
    return run.from === to ? undefined : { run: newestOf(run, count), asOf }
  }

  async #keptAfter(from: number, count: number): Promise<KnownRun | undefined> {
    const { spans, asOf } = await this.facts()
    const span = spans.find((one) => one.from <= from && from < one.to)
    if (span === undefined || asOf === undefined) return undefined
    const end = Math.min(span.to, this.#deps.through() + 1)
    let run = emptyRun(from)
    for (let step = 2 * count; run.to < end && run.messages.length < count; step *= 2) {
      const part = await this.#read({ from: run.to, to: Math.min(end, run.to + step) })
      if (part === undefined) break
      run = joinRuns(run, part)
    }
    return run.to === from ? undefined : { run: oldestOf(run, count), asOf }
  }

  /** Undefined unless all of the span is kept: what is not read may have been evicted a moment ago. */
  async #read(span: Span): Promise<PageRun | undefined> {
    const [run] = await this.#safely<readonly PageRun[]>((store, id) => store.read(id, span), [])
    return run?.from === span.from && run.to === span.to ? run : undefined
  }

  async #keep(run: PageRun, asOf: number): Promise<KnownRun> {
    const outcome = await this.#safely((store, id) => store.put(id, run, { asOf, mayEvict: true }), 'full')
    if (outcome === 'kept') this.#deps.onKept()
    return { run, asOf }
  }

  async #safely<T>(job: (store: PageStore, id: ConversationId) => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await job(this.#deps.store, this.#deps.id)
    } catch (error) {
      this.#deps.onFailure(error)
      return otherwise
    }
  }
}

function join(older: KnownRun, newer: KnownRun): KnownRun {
  return { run: joinRuns(older.run, newer.run), asOf: Math.min(older.asOf, newer.asOf) }
}

function limitOf(count: number): number {
  return Math.max(1, Math.min(limits.pageMessages, count))
}
