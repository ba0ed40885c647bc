/** Which messages that are here are in which thread: kept up message by message, so that nobody looks for them in all others. */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { ChatMessage } from '../api.ts'

/** By message: the threads that it was or is in. */
export type ChangedMembers = ReadonlyMap<MessageId, readonly MessageId[]>

const nobody: ReadonlySet<MessageId> = new Set()

export class ThreadMembers {
  readonly #threadOf = new Map<MessageId, MessageId>()
  readonly #members = new Map<MessageId, Set<MessageId>>()

  of(root: MessageId): ReadonlySet<MessageId> {
    return this.#members.get(root) ?? nobody
  }

  /** These are otherwise than they were, or not here any more. */
  note(changed: Iterable<MessageId>, find: (id: MessageId) => ChatMessage | undefined): ChangedMembers {
    return new Map(Array.from(changed, (id) => [id, this.#note(id, find(id))]))
  }

  clear(): void {
    this.#threadOf.clear()
    this.#members.clear()
  }

  #note(id: MessageId, message: ChatMessage | undefined): readonly MessageId[] {
    const [before, now] = [this.#threadOf.get(id), message?.thread]
    if (before !== now) {
      if (before !== undefined) this.#leave(id, before)
      if (now !== undefined) this.#join(id, now)
    }
    return before === now ? listed(now) : [...listed(before), ...listed(now)]
  }

  #join(id: MessageId, root: MessageId): void {
    this.#threadOf.set(id, root)
    this.#members.set(root, (this.#members.get(root) ?? new Set()).add(id))
  }

  #leave(id: MessageId, root: MessageId): void {
    this.#threadOf.delete(id)
    const members = this.#members.get(root)
    members?.delete(id)
    if (members?.size === 0) this.#members.delete(root)
  }
}

function listed(root: MessageId | undefined): readonly MessageId[] {
  return root === undefined ? [] : [root]
}
