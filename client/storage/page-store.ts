/**
 * The contract of the page cache: archived messages of a user that are kept on a device, to be read offline (SPEC PAGE*).
 * They are copies: what is lost here is fetched again. Kept as many small records, of which the least recently read make
 * way under a budget. Implementations pass `tests/contract/page-store.ts`.
 */

import type { StampedMessage } from '../../shared/chat/message.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'

/** Seqs, `from` inclusive, `to` exclusive; never empty. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** All messages of a span, by ascending seq. */
export interface PageRun extends Span {
  readonly messages: readonly StampedMessage[]
}

/** What is kept of one conversation. */
export interface PageFacts {
  /** Merged, ascending. */
  readonly spans: readonly Span[]
  readonly messages: number
  /** As JSON in UTF-8, about. */
  readonly bytes: number
  /** All that is kept takes account of all entries up to this seq; undefined when nothing was ever kept. */
  readonly asOf: number | undefined
}

/** Entries by seq: those behind `after`, up to `asOf`. */
export interface UpdatedSpan {
  readonly after: number
  readonly asOf: number
}

/** What is kept of all conversations. */
export interface PageTotals {
  readonly bytes: number
  readonly budgetBytes: number
}

export interface PageStore {
  /** At the same cost whatever is kept. */
  readonly facts: (id: ConversationId) => Promise<PageFacts>
  readonly totals: () => Promise<PageTotals>
  /** What is kept within a span, by ascending seq, runs that adjoin as one; its records count as read now. */
  readonly read: (id: ConversationId, span: Span) => Promise<readonly PageRun[]>
  /** The same without counting as read. */
  readonly peek: (id: ConversationId, span: Span) => Promise<readonly PageRun[]>
  /**
   * Keeps a run; of a message that is kept already the higher revision counts. `asOf` as in PageFacts: that of the
   * conversation becomes the lower of the two, unless nothing was kept. `full`: it was not kept, or only the newest part of
   * it, for the budget is spent, and, with `mayEvict` false, nothing else was to make way. It may replace what was kept up
   * to 127 seqs from it without touching it: `facts` tell. Rejects when the device refuses (a quota): nothing that was kept
   * before is lost by that.
   */
  readonly put: (
    id: ConversationId,
    run: PageRun,
    options: { readonly asOf: number; readonly mayEvict: boolean },
  ) => Promise<'kept' | 'full'>
  /**
   * Takes over messages that changed: those that are kept, where the revision is higher. They must be all that entries
   * behind `after` up to `asOf` have changed: where all that is kept takes account of those up to `after`, it does so up to
   * `asOf` from then on, which only grows by this. Else, for another tab may have put older pages meanwhile, it stays.
   */
  readonly update: (id: ConversationId, messages: readonly StampedMessage[], entries: UpdatedSpan) => Promise<void>
  /** Forgets all of a conversation, `asOf` too. */
  readonly drop: (id: ConversationId) => Promise<void>
}
