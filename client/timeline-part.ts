/**
 * One part of a timeline, as it is shown: messages with what is pending on top. A message that comes behind the others, or
 * changes, costs what it costs alone. Knows neither where messages come from nor what stands beside them.
 */

import type { MessageId } from '../shared/chat/entry.ts'
import type { PendingTouch } from '../shared/chat/pending.ts'
import type { ChatMessage } from './api.ts'

export interface TimelinePartDeps {
  /** What is pending on top of a message, as far as it is shown. */
  readonly touchesOf: (base: ChatMessage) => readonly PendingTouch[]
  readonly touched: (base: ChatMessage, touches: readonly PendingTouch[]) => ChatMessage
  /** Another message is shown with this id than before, or none any more. */
  readonly onChange: (id: MessageId) => void
}

interface TouchedView {
  readonly touches: readonly PendingTouch[]
  readonly base: ChatMessage
  readonly view: ChatMessage
}

export class TimelinePart {
  readonly #deps: TimelinePartDeps
  #bases: ChatMessage[] = []
  #shown: ChatMessage[] = []
  #index = new Map<MessageId, number>()
  #touched = new Map<MessageId, TouchedView>()
  #isChanged = false

  constructor(deps: TimelinePartDeps) {
    this.#deps = deps
  }

  /** In order. Not a snapshot: it changes. */
  get shown(): readonly ChatMessage[] {
    return this.#shown
  }

  /** Whether anything of it has changed since this was last asked. */
  takeChange(): boolean {
    const isChanged = this.#isChanged
    this.#isChanged = false
    return isChanged
  }

  find(id: MessageId): ChatMessage | undefined {
    const index = this.#index.get(id)
    return index === undefined ? undefined : this.#shown[index]
  }

  /** Those of them that it has, in its order. */
  inOrder(ids: Iterable<MessageId>): readonly ChatMessage[] {
    const places: number[] = []
    for (const id of ids) {
      const index = this.#index.get(id)
      if (index !== undefined) places.push(index)
    }
    return places.toSorted((a, b) => a - b).flatMap((index) => this.#shown[index] ?? [])
  }

  /** Puts a message in the place of another, or behind them all. */
  put(index: number, base: ChatMessage): void {
    const before = this.#bases[index]
    if (before !== undefined && before.id !== base.id && this.#index.get(before.id) === index) {
      this.#index.delete(before.id)
      this.#touched.delete(before.id)
      this.#deps.onChange(before.id)
    }
    this.#bases[index] = base
    this.#index.set(base.id, index)
    this.#show(index, this.#view(base))
  }

  /** What is pending on top of a message has changed. */
  touch(id: MessageId): void {
    const index = this.#index.get(id)
    const base = index === undefined ? undefined : this.#bases[index]
    if (index !== undefined && base !== undefined) this.#show(index, this.#view(base))
  }

  /** Shows others instead, which are looked at one by one. */
  replace(bases: readonly ChatMessage[]): void {
    const before = this.#shown
    const indexBefore = this.#index
    this.#bases = [...bases]
    this.#shown = bases.map((base) => this.#view(base))
    this.#index = new Map(bases.map(({ id }, index) => [id, index]))
    if (before.length !== bases.length || before.some((view, index) => view !== this.#shown[index]))
      this.#isChanged = true
    for (const view of this.#shown) if (before[indexBefore.get(view.id) ?? -1] !== view) this.#deps.onChange(view.id)
    for (const { id } of before) {
      if (this.#index.has(id)) continue
      this.#touched.delete(id)
      this.#deps.onChange(id)
    }
  }

  #show(index: number, view: ChatMessage): void {
    if (this.#shown[index] === view) return
    this.#shown[index] = view
    this.#isChanged = true
    this.#deps.onChange(view.id)
  }

  #view(base: ChatMessage): ChatMessage {
    const touches = this.#deps.touchesOf(base)
    if (touches.length === 0) {
      this.#touched.delete(base.id)
      return base
    }
    const known = this.#touched.get(base.id)
    if (known?.base === base && sameTouches(known.touches, touches)) return known.view
    const view = this.#deps.touched(base, touches)
    this.#touched.set(base.id, { touches, base, view })
    return view
  }
}

/** Whether they are the same entries. */
export function sameTouches(a: readonly PendingTouch[], b: readonly PendingTouch[]): boolean {
  return a.length === b.length && a.every(({ client, clock }, at) => client === b[at]?.client && clock === b[at].clock)
}
