/**
 * A part of the index: messages that came one after the other. Small ones cost a query little, large ones little memory.
 * The only importer of MiniSearch, whose cost of a query grows with the hits, not with what is asked for: so it is told to
 * pass over what nobody would be shown.
 */

import MiniSearch, { type SearchOptions } from 'minisearch'
import type { ConversationId } from '../../shared/sync/ids.ts'
import type { SoughtWord } from './words.ts'
import { wordsOf } from './words.ts'

/** What a segment needs to know of a message. */
export interface Indexed {
  /** Its number in the index. */
  readonly key: number
  readonly conversation: ConversationId
  readonly createdAt: number
  readonly text: string
}

/** Hits of a segment that are ranked, the newest: a ranked hit costs a hundred times one that is passed over. */
const mostRanked = 1000
/** What a longer word counts that only begins with what was sought. */
const prefixWeight = 0.5

export class Segment {
  readonly capacity: number
  readonly #words = new MiniSearch<Indexed>({
    idField: 'key',
    fields: ['text'],
    tokenize: termsOf,
    processTerm: (term) => term,
    // What is taken away is taken out at once.
    autoVacuum: false,
    // It would name words of the message.
    logger: (_level, _message, code) => {
      throw new Error(`the index disagrees with a message: ${code ?? 'no code'}`)
    },
    searchOptions: { weights: { fuzzy: 0, prefix: prefixWeight } },
  })
  readonly #counts = new Map<ConversationId, number>()
  #newest = -Infinity

  /** So many messages before another one is begun. */
  constructor(capacity: number) {
    this.capacity = capacity
  }

  get size(): number {
    return this.#words.documentCount
  }

  /** When its newest message was written, in ms; it may have been taken out since. */
  get newest(): number {
    return this.#newest
  }

  has(conversation: ConversationId): boolean {
    return this.#counts.has(conversation)
  }

  add(message: Indexed): void {
    this.#words.add(message)
    this.#counts.set(message.conversation, (this.#counts.get(message.conversation) ?? 0) + 1)
    this.#newest = Math.max(this.#newest, message.createdAt)
  }

  /** Takes out a message with the text that it was added with. */
  remove(message: Indexed): void {
    this.#words.remove(message)
    const left = (this.#counts.get(message.conversation) ?? 0) - 1
    if (left > 0) this.#counts.set(message.conversation, left)
    else this.#counts.delete(message.conversation)
  }

  /** Scores of messages that have all of the words, by number: of the newest, where that are many. */
  search(
    sought: readonly SoughtWord[],
    isWanted: (key: number) => boolean,
    createdAt: (key: number) => number,
  ): ReadonlyMap<number, number> {
    const scores = new Map<number, number>()
    let found: ReadonlySet<number> | undefined
    // The longest word first: it is likely to be the rarest, and there is less to remember.
    for (const word of sought.toSorted((a, b) => b.term.length - a.term.length)) {
      found = this.#find(word, found === undefined ? isWanted : isIn(found))
      if (found.size === 0) return scores
    }
    const ranked = newestOf(found ?? new Set(), createdAt)
    for (const word of sought) {
      for (const { id, score } of this.#words.search(word.term, optionsFor(word, isIn(ranked)))) {
        const key: unknown = id
        if (typeof key === 'number') scores.set(key, score + (scores.get(key) ?? 0))
      }
    }
    return scores
  }

  #find(word: SoughtWord, isWanted: (key: number) => boolean): ReadonlySet<number> {
    const found = new Set<number>()
    // Whatever is passed over costs next to nothing, so all are, and remembered.
    const pass = (key: number): boolean => {
      if (isWanted(key)) found.add(key)
      return false
    }
    this.#words.search(word.term, optionsFor(word, pass))
    return found
  }
}

function optionsFor({ isPrefix }: SoughtWord, accept: (key: number) => boolean): SearchOptions {
  return {
    tokenize: (term) => [term],
    prefix: isPrefix,
    boostDocument: (key: number) => (accept(key) ? 1 : 0),
  }
}

function isIn(keys: ReadonlySet<number>): (key: number) => boolean {
  return (key) => keys.has(key)
}

function termsOf(text: string): string[] {
  const terms: string[] = []
  for (const { term } of wordsOf(text)) terms.push(term)
  return terms
}

function newestOf(keys: ReadonlySet<number>, createdAt: (key: number) => number): ReadonlySet<number> {
  if (keys.size <= mostRanked) return keys
  const times = Float64Array.from(keys, createdAt).toSorted()
  const from = times[times.length - mostRanked] ?? -Infinity
  return new Set([...keys].filter((key) => createdAt(key) >= from).slice(0, mostRanked))
}
