/**
 * Brings to the index what this device has, and keeps it so (SPEC SEARCH1–SEARCH3): windows first and pages behind them,
 * each newest activity first, one small job after the other. What is open tells itself of changes, what is not is read from
 * the device. All jobs are in one order, so that what was read earlier never replaces what was heard later.
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import { limits } from '../../shared/limits.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { ClientStorage } from '../storage/client-storage.ts'
import type { PageStore, Span } from '../storage/page-store.ts'
import { createTurns } from '../storage/turns.ts'
import type { IndexChange, SearchDocument } from './search-index.ts'
import {
  hasLostTouch,
  type LiveTouches,
  pageDocuments,
  type SearchedView,
  touchedTexts,
  windowDocuments,
} from './searched-documents.ts'
import { commonSpans, newestMissing, withSpan } from './span-sets.ts'

export interface SearchFeedDeps {
  readonly user: UserId
  /** Those that are listed, newest activity first. */
  readonly listed: () => readonly ConversationId[]
  /** Rejects when the device keeps nothing. */
  readonly storage: Promise<ClientStorage>
  /** What an open conversation has; undefined when it is not open. */
  readonly openView: (id: ConversationId) => SearchedView | undefined
  /** What the device keeps of one that is not open. */
  readonly readView: (storage: ClientStorage, id: ConversationId) => Promise<SearchedView>
  /** How many messages can be found then; undefined when that was in vain. */
  readonly apply: (change: IndexChange) => Promise<number | undefined>
  readonly onProgress: (progress: FeedProgress) => void
  readonly onFailure: (error: unknown) => void
}

export interface FeedProgress {
  /** Conversations of which something was never looked at. */
  readonly left: number
  readonly indexed: number
  /** Pages are left out, for there are too many. */
  readonly isFull: boolean
}

interface Place {
  readonly id: ConversationId
  isWindowDue: boolean
  arePagesDue: boolean
  /** All of it was in the index once. */
  isComplete: boolean
  /** What was put of the window while it was open; undefined before. */
  put: ReadonlyMap<MessageId, SearchDocument> | undefined
  /** Of its pages, those that are in the index. */
  spans: readonly Span[]
  through: number
  epoch: number | undefined
  touches: LiveTouches
  /** Counts changes of pages: what was read before one is read again. */
  changes: number
}

/** Pause in which changes of what is open are gathered. */
const gatheringMs = 100
const noTouches: LiveTouches = { touches: new Map(), pendingTouches: new Map() }

export class SearchFeed {
  readonly #deps: SearchFeedDeps
  readonly #places = new Map<ConversationId, Place>()
  readonly #inTurn = createTurns()
  #indexed = 0
  #isFull = false
  #isRunning = false
  #isClosed = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(deps: SearchFeedDeps) {
    this.#deps = deps
  }

  /** Those that are listed have changed: what is listed no more leaves the index at once. */
  noteList(): void {
    if (this.#isClosed) return
    const listed = new Set(this.#deps.listed())
    for (const id of this.#places.keys()) {
      if (listed.has(id)) continue
      this.#places.delete(id)
      this.#later({ kind: 'drop', conversation: id })
    }
    for (const id of listed) if (!this.#places.has(id)) this.#places.set(id, newPlace(id))
    this.#run()
  }

  /** Something of an open conversation has changed, or it is closed. */
  noteWindow(id: ConversationId): void {
    const place = this.#places.get(id)
    if (place === undefined || this.#isClosed) return
    place.isWindowDue = true
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#run()
    }, gatheringMs)
  }

  noteClosed(id: ConversationId): void {
    const place = this.#places.get(id)
    if (place !== undefined) place.put = undefined
  }

  /** Pages were put, changed or dropped: those of one conversation, or, where others had to make way, of any. */
  notePages(id: ConversationId | undefined): void {
    for (const place of id === undefined ? this.#places.values() : [this.#places.get(id)]) {
      if (place === undefined) continue
      place.arePagesDue = true
      place.changes++
    }
    if (!this.#isClosed) this.#run()
  }

  /** Messages of pages are others now. */
  noteChanged(id: ConversationId, messages: readonly StampedMessage[]): void {
    const place = this.#places.get(id)
    if (place === undefined || this.#isClosed) return
    place.changes++
    const texts = messages.map((message) => ({ id: message.id, text: message.content, by: undefined }))
    this.#later({ kind: 'change', conversation: id, texts })
  }

  /** Resolves when all that is open can be found as it is now. */
  async flush(): Promise<void> {
    const due = [...this.#places.values()].filter((place) => this.#isOpenAndDue(place))
    await Promise.all(due.map((place) => this.#inTurn(() => this.#feedWindow(place))))
  }

  /** The index is empty: all is brought again. */
  again(): void {
    this.#indexed = 0
    this.#isFull = false
    for (const id of this.#places.keys()) this.#places.set(id, newPlace(id))
    if (!this.#isClosed) this.#run()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #run(): void {
    this.#tell()
    if (this.#isRunning) return
    this.#isRunning = true
    void this.#runAll().finally(() => {
      this.#isRunning = false
    })
  }

  async #runAll(): Promise<void> {
    for (;;) {
      const job = this.#isClosed ? undefined : this.#next()
      if (job === undefined) return
      await this.#inTurn(job).catch(this.#deps.onFailure)
      this.#tell()
      // Whatever else waits for this thread.
      await new Promise((resolve) => setTimeout(resolve))
    }
  }

  #next(): (() => Promise<void>) | undefined {
    let window: Place | undefined
    let pages: Place | undefined
    for (const place of this.#inOrder()) {
      if (this.#isOpenAndDue(place)) return () => this.#feedWindow(place)
      if (place.isWindowDue) window ??= place
      else if (place.arePagesDue) pages ??= place
    }
    if (window !== undefined) return () => this.#feedWindow(window)
    return pages && (() => this.#feedPages(pages))
  }

  *#inOrder(): Generator<Place> {
    for (const id of this.#deps.listed()) {
      const place = this.#places.get(id)
      if (place !== undefined && (place.isWindowDue || place.arePagesDue)) yield place
    }
  }

  #isOpenAndDue({ id, isWindowDue }: Place): boolean {
    return isWindowDue && this.#deps.openView(id) !== undefined
  }

  async #feedWindow(place: Place): Promise<void> {
    const { id } = place
    place.isWindowDue = false
    const view = this.#deps.openView(id) ?? (await this.#read(place))
    if (view === undefined || !this.#isCurrent(place)) return
    const { folded } = view
    const epoch = folded.genesis?.epoch ?? place.epoch
    if (place.epoch !== undefined && epoch !== place.epoch) {
      // In a later epoch a seq can be that of another message.
      await this.#apply({ kind: 'drop', conversation: id })
      if (!this.#isCurrent(place)) return
      Object.assign(place, { put: undefined, spans: [], touches: noTouches, arePagesDue: true })
    }
    const now: LiveTouches = { touches: folded.touches, pendingTouches: folded.pendingTouches }
    const before = place.touches
    if (folded.through !== place.through) place.arePagesDue = true
    // The newest first, as everywhere: of those of one time the first are taken to be the newest.
    const documents = windowDocuments(id, this.#deps.user, view).toReversed()
    const put = new Map(documents.map((document) => [document.id, document]))
    const earlier = place.put
    const isElsewhere = (message: MessageId): boolean => !put.has(message)
    if (hasLostTouch(before, now, isElsewhere)) Object.assign(place, { spans: [], arePagesDue: true })
    Object.assign(place, { put, epoch, touches: now, through: folded.through })
    const texts = touchedTexts(before, now, isElsewhere)
    // All at once, so that nobody sees half of it.
    const applied = [
      this.#apply({ kind: 'put', documents: documents.filter((document) => isNew(document, earlier)) }),
      this.#apply(texts.length > 0 ? { kind: 'change', conversation: id, texts } : undefined),
      this.#apply(
        earlier === undefined
          ? { kind: 'retain', conversation: id, sent: undefined, unsent: unsentIds(documents) }
          : { kind: 'remove', conversation: id, ids: goneIds(earlier, put, folded.through) },
      ),
    ]
    await Promise.all(applied)
    if (this.#deps.openView(id) === undefined) place.put = undefined
  }

  /** What is kept of one that is not open; it may have been opened meanwhile. */
  async #read({ id }: Place): Promise<SearchedView | undefined> {
    try {
      const view = await this.#deps.readView(await this.#deps.storage, id)
      return this.#deps.openView(id) ?? view
    } catch (error) {
      this.#deps.onFailure(error)
      return undefined
    }
  }

  /** One run of pages that is not in the index, and those out of it that are not kept any more. */
  async #feedPages(place: Place): Promise<void> {
    try {
      const { pages } = await this.#deps.storage
      await this.#feedSomePages(place, pages)
    } catch (error) {
      place.arePagesDue = false
      place.isComplete = true
      this.#deps.onFailure(error)
    }
  }

  async #feedSomePages(place: Place, pages: PageStore): Promise<void> {
    const { id, changes } = place
    const archive = [{ from: 0, to: place.through + 1 }]
    const kept = commonSpans((await pages.facts(id)).spans, archive)
    if (!this.#isCurrent(place)) return
    place.spans = commonSpans(place.spans, kept)
    const span = this.#isFull ? undefined : newestMissing(kept, place.spans, limits.searchReadMessages)
    if (span === undefined) {
      // What left the window is among them, or not on this device any more.
      const sent = { spans: kept, from: place.through + 1 }
      await this.#apply({ kind: 'retain', conversation: id, sent, unsent: undefined })
      place.arePagesDue = place.changes !== changes
      place.isComplete ||= !place.arePagesDue
      return
    }
    const runs = await pages.peek(id, span)
    if (!this.#isCurrent(place) || place.changes !== changes) return
    const documents = pageDocuments(id, runs, this.#deps.openView(id)?.folded ?? place.touches).toReversed()
    place.spans = withSpan(place.spans, span)
    await this.#apply({ kind: 'put', documents })
    if (this.#indexed >= limits.searchedMessages) this.#isFull = true
  }

  #isCurrent(place: Place): boolean {
    return !this.#isClosed && this.#places.get(place.id) === place
  }

  /** Behind whatever is under way. */
  #later(change: IndexChange): void {
    void this.#inTurn(() => this.#apply(change))
  }

  async #apply(change: IndexChange | undefined): Promise<void> {
    if (change === undefined || this.#isClosed || isNothing(change)) return
    try {
      this.#indexed = (await this.#deps.apply(change)) ?? this.#indexed
    } catch (error) {
      this.#deps.onFailure(error)
    }
    this.#tell()
  }

  #tell(): void {
    if (this.#isClosed) return
    let left = 0
    for (const { isComplete } of this.#places.values()) if (!isComplete) left++
    this.#deps.onProgress({ left, indexed: this.#indexed, isFull: this.#isFull })
  }
}

function newPlace(id: ConversationId): Place {
  return {
    id,
    isWindowDue: true,
    arePagesDue: true,
    isComplete: false,
    put: undefined,
    spans: [],
    through: -1,
    epoch: undefined,
    touches: noTouches,
    changes: 0,
  }
}

function isNew(document: SearchDocument, put: Place['put']): boolean {
  const before = put?.get(document.id)
  return before?.text !== document.text || before.seq !== document.seq || before.createdAt !== document.createdAt
}

/** Of what was put those that are there no more; what left the window for the archive is for its pages to tell. */
function goneIds(
  earlier: ReadonlyMap<MessageId, SearchDocument>,
  now: ReadonlyMap<MessageId, SearchDocument>,
  through: number,
): readonly MessageId[] {
  return [...earlier.values()].flatMap(({ id, seq }) => (now.has(id) || (seq ?? Infinity) <= through ? [] : [id]))
}

function unsentIds(documents: readonly SearchDocument[]): readonly MessageId[] {
  return documents.flatMap(({ id, seq }) => (seq === undefined ? [id] : []))
}

function isNothing(change: IndexChange): boolean {
  if (change.kind === 'put') return change.documents.length === 0
  return change.kind === 'remove' && change.ids.length === 0
}
