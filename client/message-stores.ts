/** Single messages as stores: whoever watches one hears of that one alone (SPEC VIEW2). */

import type { MessageId } from '../shared/chat/entry.ts'
import type { ChatMessage, ReadableStore } from './api.ts'
import { Watchers } from './watchers.ts'

export class MessageStores {
  readonly #find: (id: MessageId) => ChatMessage | undefined
  readonly #watchers = new Watchers()
  /** What was told last of those that are watched. */
  readonly #told = new Map<MessageId, ChatMessage | undefined>()

  constructor(find: (id: MessageId) => ChatMessage | undefined) {
    this.#find = find
  }

  of(id: MessageId): ReadableStore<ChatMessage | undefined> {
    return {
      getSnapshot: () => this.#find(id),
      subscribe: (listener) => {
        if (!this.#watchers.has(id)) this.#told.set(id, this.#find(id))
        const end = this.#watchers.add(id, listener)
        return () => {
          end()
          if (!this.#watchers.has(id)) this.#told.delete(id)
        }
      },
    }
  }

  /** These may be others now; all may be where it is not known which. */
  note(changed: Iterable<MessageId> = this.#watchers.ids()): void {
    for (const id of changed) {
      if (!this.#watchers.has(id)) continue
      const now = this.#find(id)
      if (now === this.#told.get(id)) continue
      this.#told.set(id, now)
      this.#watchers.tell(id)
    }
  }
}
