/**
 * The messages of the live window, by seq, as the entries up to now leave them; and what live entries do to messages that
 * are not in it, for whoever has those. Knows no document.
 */

import { ChangeLog, type ChangeMark } from './change-log.ts'
import type { MessageId } from './entry.ts'
import { applyTouch, type StampedMessage, type StampedTouch, touchMessage } from './message.ts'

/** Live entries that change archived messages, by message, each by ascending seq. */
export type ArchiveTouches = ReadonlyMap<MessageId, readonly StampedTouch[]>

/** What the window gave up when it moved on. */
export interface LeftWindow {
  /** As they were then: they take account of live entries too, as their revisions tell. */
  readonly messages: readonly StampedMessage[]
  /** Entries up to where it moved, which change messages that had left before. */
  readonly touches: ArchiveTouches
}

export class MessageWindow {
  #messages: StampedMessage[] = []
  #index = new Map<MessageId, number>()
  /** All live ones: those of messages that are in the window will be wanted when these leave it. */
  #touches = new Map<MessageId, readonly StampedTouch[]>()
  /** What touched messages of the window were when they were added, but for words that were taken away since. */
  #bases = new Map<MessageId, StampedMessage>()
  /** Those of them whose messages are not in it. */
  #outside = new Map<MessageId, readonly StampedTouch[]>()
  readonly #log = new ChangeLog<number>()
  #shown: readonly StampedMessage[] | undefined
  #shownTouches: ArchiveTouches | undefined

  /** By ascending seq; the same array until something changes. */
  messages(): readonly StampedMessage[] {
    return (this.#shown ??= [...this.#messages])
  }

  /** Of messages that are not in the window; the same map until something changes. */
  touches(): ArchiveTouches {
    return (this.#shownTouches ??= new Map(this.#outside))
  }

  /** Where `messages` has changed: indexes. */
  mark(): ChangeMark<number> {
    return this.#log.mark()
  }

  get(id: MessageId): StampedMessage | undefined {
    const index = this.#index.get(id)
    return index === undefined ? undefined : this.#messages[index]
  }

  /** Adds a message; most come at the end, what is left of an erased one anywhere. */
  add(message: StampedMessage): void {
    const { seq } = message
    const touches = this.#touches.get(message.id)
    const stamped = touches === undefined ? message : touches.reduce(applyTouch, message)
    if (touches !== undefined) this.#bases.set(message.id, message)
    if (this.#outside.delete(message.id)) this.#shownTouches = undefined
    this.#shown = undefined
    const last = this.#messages.at(-1)
    if (last === undefined || last.seq < seq) {
      const index = this.#messages.push(stamped) - 1
      this.#index.set(message.id, index)
      this.#log.note(index)
      return
    }
    const at = this.#messages.findIndex((other) => other.seq > seq)
    this.#messages.splice(at, 0, stamped)
    this.#reindex()
  }

  touch(touch: StampedTouch): void {
    const { of } = touch.entry
    const before = this.#touches.get(of) ?? []
    if (before.some(({ seq }) => seq === touch.seq)) return
    // What was edited before does not matter any more, and whoever comes now does not get to read it.
    const kept = touch.entry.kind === 'redact' ? before.filter(({ entry }) => entry.kind !== 'edit') : before
    const touches = inOrder(kept, touch)
    this.#touches.set(of, touches)
    const index = this.#index.get(of)
    const message = index === undefined ? undefined : this.#messages[index]
    if (index === undefined || message === undefined) {
      this.#outside.set(of, touches)
      this.#shownTouches = undefined
      return
    }
    const base = this.#bases.get(of) ?? message
    this.#bases.set(of, touch.entry.kind === 'redact' ? withoutWords(base, touch) : base)
    // What is left of an erased reply is told of behind later ones.
    const isLate = touch.seq <= message.revision
    this.#messages[index] = isLate ? touches.reduce(applyTouch, base) : applyTouch(message, touch)
    this.#shown = undefined
    this.#log.note(index)
  }

  /** Gives up what stands at or before `through`. */
  leave(through: number): LeftWindow {
    const touches = new Map<MessageId, readonly StampedTouch[]>()
    for (const [id, list] of this.#touches) {
      const left = list.filter(({ seq }) => seq <= through)
      if (left.length === 0) continue
      if (!this.#index.has(id)) touches.set(id, left)
      if (left.length === list.length) this.#touches.delete(id)
      else this.#touches.set(id, list.slice(left.length))
    }
    const messages = this.#messages.filter(({ seq }) => seq <= through)
    for (const { id } of messages) this.#bases.delete(id)
    if (messages.length > 0) {
      this.#messages = this.#messages.slice(messages.length)
      this.#reindex()
      this.#shown = undefined
    }
    this.#outside = new Map([...this.#touches].filter(([id]) => !this.#index.has(id)))
    this.#shownTouches = undefined
    return { messages, touches }
  }

  #reindex(): void {
    this.#index = new Map(this.#messages.map(({ id }, index) => [id, index]))
    this.#log.restart()
  }
}

/** By ascending seq; nearly all come behind the others. */
function inOrder(touches: readonly StampedTouch[], touch: StampedTouch): readonly StampedTouch[] {
  const at = touches.findLastIndex(({ seq }) => seq < touch.seq) + 1
  return [...touches.slice(0, at), touch, ...touches.slice(at)]
}

/** Its place and its revision stay: later touches are applied to it once more. */
function withoutWords(base: StampedMessage, redaction: StampedTouch): StampedMessage {
  const { redactedAt: _at, redactedBy: _by, ...rest } = touchMessage(base, redaction)
  return rest
}
