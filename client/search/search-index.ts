/**
 * The index of all messages that can be found (SPEC SEARCH1, SEARCH2): plain functions over memory, the same in a worker and
 * in process. Whoever feeds it sees to it that what it is told last is what holds.
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { Span } from '../storage/page-store.ts'
import type { SearchHit } from './search-api.ts'
import { type Indexed, Segment } from './segment.ts'
import { snippetOf } from './snippet.ts'
import { type SoughtWord, soughtWords } from './words.ts'

/** A message as it is found. */
export interface SearchDocument {
  readonly conversation: ConversationId
  readonly id: MessageId
  readonly seq: number | undefined
  readonly user: UserId
  /** Ms; by the server's clock once it is sent. */
  readonly createdAt: number
  readonly text: string
}

export interface ChangedText {
  readonly id: MessageId
  readonly text: string
  /** Only when the message is this user's; undefined: whosever it is. */
  readonly by: UserId | undefined
}

export type IndexChange =
  /** Adds messages, or takes them in place of those with the same ids; those without text leave. */
  | { readonly kind: 'put'; readonly documents: readonly SearchDocument[] }
  /** Other texts for messages that are there; the others stay unknown. */
  | {
      readonly kind: 'change'
      readonly conversation: ConversationId
      readonly texts: readonly ChangedText[]
    }
  | { readonly kind: 'remove'; readonly conversation: ConversationId; readonly ids: readonly MessageId[] }
  /** Leaves only these: of what is sent, those in the spans and all from a seq on; of what is not. Undefined: all stay. */
  | {
      readonly kind: 'retain'
      readonly conversation: ConversationId
      readonly sent: { readonly spans: readonly Span[]; readonly from: number } | undefined
      readonly unsent: readonly MessageId[] | undefined
    }
  | { readonly kind: 'drop'; readonly conversation: ConversationId }

export interface IndexQuery {
  readonly text: string
  readonly conversation: ConversationId | undefined
  readonly user: UserId | undefined
  readonly limit: number
}

interface Kept extends SearchDocument, Indexed {
  readonly segment: Segment
}

/** Segments grow from the newest messages to older ones: a common word is found in the first, a rare one in a few. */
const firstCapacity = 2048
const lastCapacity = 32_768
/** So many hits for each that is asked for, before those of older segments are left out. */
const hitsPerWanted = 10
/** An old message counts half of what a new one does; at this age, in ms, it is on its way there. */
const agingMs = 90 * 24 * 60 * 60 * 1000

export class SearchIndex {
  readonly #byKey = new Map<number, Kept>()
  readonly #byConversation = new Map<ConversationId, Map<MessageId, Kept>>()
  readonly #segments = new Set<Segment>()
  /** Takes what is newer than all before. */
  #head = new Segment(firstCapacity)
  /** Takes all else. */
  #bulk = new Segment(firstCapacity)
  #newest = -Infinity
  #nextKey = 0
  /** Found no more, and not taken out yet: a whole conversation takes a while. */
  #leaving: Kept[] = []

  get size(): number {
    return this.#byKey.size
  }

  /** Takes out some more of what is found no more. False when all of it is out. */
  tidy(count: number): boolean {
    for (const kept of this.#leaving.splice(0, count)) this.#takeOut(kept)
    return this.#leaving.length > 0
  }

  apply(change: IndexChange): void {
    switch (change.kind) {
      case 'put':
        for (const document of change.documents) this.#put(document)
        return
      case 'change':
        for (const { id, text, by } of change.texts) {
          const kept = this.#byConversation.get(change.conversation)?.get(id)
          if (kept !== undefined && (by ?? kept.user) === kept.user) this.#put({ ...documentOf(kept), text })
        }
        return
      case 'remove':
        for (const id of change.ids) this.#remove(this.#byConversation.get(change.conversation)?.get(id))
        return
      case 'retain': {
        const unsent = change.unsent && new Set(change.unsent)
        for (const kept of this.#byConversation.get(change.conversation)?.values() ?? [])
          if (!isRetained(kept, change, unsent)) this.#leave(kept)
        return
      }
      case 'drop':
        for (const kept of this.#byConversation.get(change.conversation)?.values() ?? []) this.#leave(kept)
    }
  }

  /** The most telling and newest first. */
  query({ text, conversation, user, limit }: IndexQuery): readonly SearchHit[] {
    const sought = soughtWords(text)
    if (sought.length === 0) return []
    const isWanted = (key: number): boolean => {
      const kept = this.#byKey.get(key)
      if (kept === undefined) return false
      return (conversation ?? kept.conversation) === kept.conversation && (user ?? kept.user) === kept.user
    }
    const createdAt = (key: number): number => this.#byKey.get(key)?.createdAt ?? 0
    const found: { readonly kept: Kept; readonly score: number }[] = []
    for (const segment of [...this.#segments].toSorted((a, b) => b.newest - a.newest)) {
      if (conversation !== undefined && !segment.has(conversation)) continue
      for (const [key, relevance] of segment.search(sought, isWanted, createdAt)) {
        const kept = this.#byKey.get(key)
        if (kept !== undefined) found.push({ kept, score: relevance * this.#freshness(kept) })
      }
      if (found.length >= limit * hitsPerWanted) break
    }
    const best = found.toSorted(
      (a, b) => b.score - a.score || b.kept.createdAt - a.kept.createdAt || bySeq(a.kept, b.kept),
    )
    return best.slice(0, limit).map(({ kept, score }) => hitOf(kept, sought, score))
  }

  #freshness({ createdAt }: Kept): number {
    const age = Math.max(0, this.#newest - createdAt)
    return 0.5 + (0.5 * agingMs) / (agingMs + age)
  }

  #put(document: SearchDocument): void {
    const { conversation, id, text } = document
    const before = this.#byConversation.get(conversation)?.get(id)
    // A copy of it that was appended again, before it was known to be sent.
    if (before?.seq !== undefined && document.seq === undefined) return
    if (before !== undefined && isSame(before, document)) return
    this.#remove(before)
    if (text.trim() === '') return
    const segment = this.#segmentFor(document, before?.segment)
    const kept: Kept = { ...document, key: this.#nextKey++, segment }
    segment.add(kept)
    this.#segments.add(segment)
    this.#byKey.set(kept.key, kept)
    const ids = this.#byConversation.get(conversation) ?? new Map<MessageId, Kept>()
    this.#byConversation.set(conversation, ids.set(id, kept))
    this.#newest = Math.max(this.#newest, document.createdAt)
  }

  #remove(kept: Kept | undefined): void {
    if (kept === undefined) return
    this.#forget(kept)
    this.#takeOut(kept)
  }

  #leave(kept: Kept): void {
    this.#forget(kept)
    this.#leaving.push(kept)
  }

  #forget({ key, conversation, id }: Kept): void {
    this.#byKey.delete(key)
    const ids = this.#byConversation.get(conversation)
    ids?.delete(id)
    if (ids?.size === 0) this.#byConversation.delete(conversation)
  }

  #takeOut(kept: Kept): void {
    kept.segment.remove(kept)
    if (kept.segment.size === 0) this.#segments.delete(kept.segment)
  }

  /** Changed messages stay among those of their time. */
  #segmentFor({ createdAt }: SearchDocument, before: Segment | undefined): Segment {
    if (before !== undefined && this.#segments.has(before)) return before
    if (createdAt >= this.#newest && this.#newest > -Infinity) {
      if (this.#head.size >= this.#head.capacity) this.#head = new Segment(firstCapacity)
      return this.#head
    }
    const { size, capacity } = this.#bulk
    if (size >= capacity) this.#bulk = new Segment(Math.min(2 * capacity, lastCapacity))
    return this.#bulk
  }
}

/** The later one first: those of one commit have one time. */
function bySeq(a: Kept, b: Kept): number {
  return (b.seq ?? Number.MAX_SAFE_INTEGER) - (a.seq ?? Number.MAX_SAFE_INTEGER)
}

function documentOf({ conversation, id, seq, user, createdAt, text }: Kept): SearchDocument {
  return { conversation, id, seq, user, createdAt, text }
}

function hitOf(
  { conversation, id, seq, user, createdAt, text }: Kept,
  sought: readonly SoughtWord[],
  score: number,
): SearchHit {
  return { conversation, id, seq, user, createdAt, ...snippetOf(text, sought), score }
}

function isSame(a: SearchDocument, b: SearchDocument): boolean {
  return a.text === b.text && a.seq === b.seq && a.createdAt === b.createdAt && a.user === b.user
}

function isRetained(
  { id, seq }: Kept,
  { sent }: Extract<IndexChange, { kind: 'retain' }>,
  unsent: ReadonlySet<MessageId> | undefined,
): boolean {
  if (seq === undefined) return unsent?.has(id) ?? true
  return sent === undefined || seq >= sent.from || sent.spans.some(({ from, to }) => from <= seq && seq < to)
}
