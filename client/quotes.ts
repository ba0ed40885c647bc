/**
 * What replies refer to (SPEC QUOTE1): the message with an id as it stands, from whatever is here of it: what is shown, what
 * is kept, what was quoted before. What is not here is asked of the server while somebody watches it and there is a
 * connection. Knows no document.
 */

import type { MessageId } from '../shared/chat/entry.ts'
import type { Archived, Folded } from '../shared/chat/fold.ts'
import { applyTouch, type Message, type StampedMessage, touchMessage } from '../shared/chat/message.ts'
import type { ChatMessage, Quote, ReadableStore } from './api.ts'
import { whileWindowStays } from './history/while-window-stays.ts'
import { previewOf } from './quote-preview.ts'
import { Watchers } from './watchers.ts'

export interface QuotesDeps {
  /** A message that is shown, or in the window. */
  readonly find: (id: MessageId) => ChatMessage | undefined
  readonly folded: () => Folded
  /** Of what is kept on the device, shown or not. */
  readonly findKept: (id: MessageId) => Promise<StampedMessage | undefined>
  /** Of the server; undefined: it has none with this id. Rejects when it cannot be asked. */
  readonly fetch: (id: MessageId) => Promise<StampedMessage | undefined>
  readonly isConnected: () => boolean
}

/** Messages that are remembered because somebody quoted them: as many as anybody scrolls past. */
const remembered = 500

export class Quotes {
  readonly #deps: QuotesDeps
  readonly #watchers = new Watchers()
  /** What was told last of those that are watched. */
  readonly #told = new Map<MessageId, Quote>()
  /** Those of them that are not shown. */
  readonly #away = new Set<MessageId>()
  /** Archived ones that are not shown, as they were when they were last looked up; `none`: the server has none. */
  readonly #known = new Map<MessageId, StampedMessage | 'none'>()
  /** Since the connection came or went. */
  #asked = new Set<MessageId>()
  #touches: Folded['touches'] | undefined
  #pendingTouches: Folded['pendingTouches'] | undefined
  #wasConnected = false
  #isClosed = false

  constructor(deps: QuotesDeps) {
    this.#deps = deps
  }

  of(id: MessageId): ReadableStore<Quote> {
    let last: Quote | undefined
    return {
      getSnapshot: () => (last = sameOr(last, this.#told.get(id) ?? this.#quote(id))),
      subscribe: (listener) => {
        const end = this.#watchers.add(id, listener)
        this.#look(id)
        return () => {
          end()
          if (this.#watchers.has(id)) return
          this.#told.delete(id)
          this.#away.delete(id)
        }
      },
    }
  }

  /** The document has changed, these messages with it; all may have where it is not known which. */
  note(changed: Iterable<MessageId> = this.#watchers.ids(), archived: readonly Archived[] = []): void {
    for (const one of archived) this.#take(one)
    for (const id of changed) this.#tell(id)
    const { touches, pendingTouches } = this.#deps.folded()
    if (touches === this.#touches && pendingTouches === this.#pendingTouches && archived.length === 0) return
    this.#touches = touches
    this.#pendingTouches = pendingTouches
    for (const id of this.#away) this.#tell(id)
  }

  /** So these stand now, as the server says. */
  noteFetched(messages: readonly StampedMessage[]): void {
    for (const message of messages) {
      if (!this.#known.has(message.id)) continue
      this.#remember(message.id, message)
      this.#tell(message.id)
    }
  }

  /** The connection has changed. What was looked up before may have changed since. */
  look(): void {
    const isConnected = this.#deps.isConnected()
    if (isConnected === this.#wasConnected) return
    this.#wasConnected = isConnected
    this.#asked = new Set()
    for (const id of this.#away) this.#ask(id)
  }

  close(): void {
    this.#isClosed = true
  }

  /** Behind `close`: nothing is remembered of what can be found no more. */
  forget(): void {
    this.#known.clear()
    this.note()
  }

  #tell(id: MessageId): void {
    if (!this.#watchers.has(id)) return
    const before = this.#told.get(id)
    const now = this.#look(id)
    if (now !== before) this.#watchers.tell(id)
  }

  /** Of what is watched. */
  #look(id: MessageId): Quote {
    const now = sameOr(this.#told.get(id), this.#quote(id))
    this.#told.set(id, now)
    if (this.#deps.find(id) === undefined) {
      this.#away.add(id)
      this.#ask(id)
    } else this.#away.delete(id)
    return now
  }

  #quote(id: MessageId): Quote {
    const { find, folded } = this.#deps
    const shown = find(id)
    if (shown !== undefined) return quoteOf(shown, 'seq' in shown.delivery ? shown.delivery.seq : undefined)
    const known = this.#known.get(id)
    if (!isMessage(known)) return { id, state: known === 'none' ? 'unknown' : 'elsewhere' }
    const { touches, pendingTouches } = folded()
    let message: Message = (touches.get(id) ?? []).reduce(applyTouch, known)
    for (const touch of pendingTouches.get(id) ?? []) {
      if (touch.entry.kind !== 'edit' || touch.user === message.user) message = touchMessage(message, touch)
    }
    return quoteOf(message, known.seq)
  }

  #ask(id: MessageId): void {
    if (this.#isClosed || this.#asked.has(id)) return
    this.#asked.add(id)
    void this.#lookUp(id)
  }

  async #lookUp(id: MessageId): Promise<void> {
    const { findKept, fetch, isConnected, folded } = this.#deps
    const look = async (): Promise<StampedMessage | 'none' | undefined> => {
      const asked = this.#asked
      // What changes of it is told of what is kept.
      const kept = await findKept(id)
      // With another connection it is looked up anew.
      const isWanted = isConnected() && this.#watchers.has(id) && asked === this.#asked
      return kept ?? (isWanted ? ((await fetch(id)) ?? 'none') : undefined)
    }
    try {
      const message = await whileWindowStays(look, () => folded().through)
      if (message === undefined || this.#isClosed) return
      this.#remember(id, message)
      this.#tell(id)
    } catch {
      // Nothing is shown of it until it is asked for again, with the next connection.
    }
  }

  #take({ messages, touches, through, asOf }: Archived): void {
    for (const message of messages) if (this.#watchers.has(message.id)) this.#remember(message.id, message)
    for (const [id, list] of touches) {
      const known = this.#known.get(id)
      if (isMessage(known)) this.#known.set(id, list.reduce(applyTouch, known))
    }
    // Some of what changed them was never here.
    if (asOf < through) this.#asked = new Set()
  }

  #remember(id: MessageId, message: StampedMessage | 'none'): void {
    const before = this.#known.get(id)
    this.#known.delete(id)
    // An answer may have been on its way while it changed here.
    const isOlder = isMessage(before) && (!isMessage(message) || message.revision < before.revision)
    this.#known.set(id, isOlder ? before : message)
    const [oldest] = this.#known.keys()
    if (this.#known.size > remembered && oldest !== undefined) this.#known.delete(oldest)
  }
}

function isMessage(known: StampedMessage | 'none' | undefined): known is StampedMessage {
  return known !== undefined && known !== 'none'
}

function quoteOf({ id, user, content, redactedAt, editedAt }: Message, seq: number | undefined): Quote {
  return {
    id,
    state: 'here',
    user,
    content: previewOf(content),
    redacted: redactedAt !== undefined,
    edited: editedAt !== undefined,
    ...(seq === undefined ? {} : { seq }),
  }
}

/** The same object where they say the same. */
function sameOr(before: Quote | undefined, now: Quote): Quote {
  if (before === undefined || before.state !== now.state) return now
  if (before.state !== 'here' || now.state !== 'here') return before
  const isSame =
    before.user === now.user &&
    before.content === now.content &&
    before.redacted === now.redacted &&
    before.edited === now.edited &&
    before.seq === now.seq
  return isSame ? before : now
}
