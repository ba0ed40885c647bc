/** Who wants to hear of which message. Keeps nothing of what nobody watches. */

import type { MessageId } from '../shared/chat/entry.ts'

export class Watchers {
  readonly #listeners = new Map<MessageId, Set<() => void>>()

  /** Returns what ends it. */
  add(id: MessageId, listener: () => void): () => void {
    const listeners = this.#listeners.get(id) ?? new Set()
    // The same function may be given twice, and each is ended by itself.
    const own = (): void => listener()
    this.#listeners.set(id, listeners.add(own))
    return () => {
      listeners.delete(own)
      if (listeners.size === 0 && this.#listeners.get(id) === listeners) this.#listeners.delete(id)
    }
  }

  has(id: MessageId): boolean {
    return this.#listeners.has(id)
  }

  ids(): Iterable<MessageId> {
    return this.#listeners.keys()
  }

  tell(id: MessageId): void {
    for (const listener of [...(this.#listeners.get(id) ?? [])]) listener()
  }
}
