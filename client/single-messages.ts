/** Single messages of an open conversation, for whoever watches one, or what a reply refers to: whatever document is shown. */

import type { MessageId } from '../shared/chat/entry.ts'
import type { Archived } from '../shared/chat/fold.ts'
import type { ChatMessage, Quote, ReadableStore } from './api.ts'
import { MessageStores } from './message-stores.ts'
import type { OpenDocument } from './open-document.ts'
import { Quotes, type QuotesDeps } from './quotes.ts'

export interface SingleMessagesDeps extends Pick<QuotesDeps, 'findKept' | 'fetch' | 'isConnected'> {
  /** What is shown, until it is replaced. */
  readonly document: () => OpenDocument
}

/** What is shown otherwise than before. */
export interface ChangedMessages {
  readonly changed: ReadonlySet<MessageId>
  /** All of it is of a document that replaces another. */
  readonly isAnother: boolean
}

export class SingleMessages {
  readonly quotes: Quotes
  readonly #document: () => OpenDocument
  readonly #stores: MessageStores
  #shown: OpenDocument | undefined
  #isForgotten = false

  constructor({ document, findKept, fetch, isConnected }: SingleMessagesDeps) {
    const find = (id: MessageId): ChatMessage | undefined =>
      this.#isForgotten ? undefined : document().timeline.find(id)
    this.#document = document
    this.#stores = new MessageStores(find)
    this.quotes = new Quotes({ find, findKept, fetch, isConnected, folded: () => document().replica.folded })
  }

  message(id: MessageId): ReadableStore<ChatMessage | undefined> {
    return this.#stores.of(id)
  }

  quote(id: MessageId): ReadableStore<Quote> {
    return this.quotes.of(id)
  }

  /** Shows nothing any more. */
  forget(): void {
    this.#isForgotten = true
    this.#stores.note()
    this.quotes.forget()
  }

  /** The timeline has been brought up to date; `archived` is what left the window. Tells what has changed. */
  note(archived: readonly Archived[]): ChangedMessages {
    const document = this.#document()
    const taken = document.timeline.takeChanged()
    // Of a document that replaces another nobody knows what it shows differently.
    const isAnother = document !== this.#shown
    this.#shown = document
    this.#stores.note(isAnother ? undefined : taken)
    this.quotes.note(isAnother ? undefined : taken, archived)
    return { changed: taken, isAnother }
  }
}
