/** How far an open conversation was read on this page: where reading goes on, and what is told of it. Knows no React. */

import { type Conversation, type ReadableStore, Refusal } from '../api.ts'

export interface Reading {
  /** Seq at which begins what is unread; undefined when nothing is, or when nobody knows yet. */
  readonly firstUnread: () => number | undefined
  /** Nothing is unread, as far as the list knows: what is not here yet may be. */
  readonly isAllRead: () => boolean
  /** How many messages are unread, as far as the list knows; undefined while it does not know the conversation. */
  readonly unread: ReadableStore<number | undefined>
  /** Tells that all up to this seq was seen. */
  readonly mark: (through: number) => void
}

export function createReading(conversation: Conversation, unread: Reading['unread']): Reading {
  /** What the SDK calls unread was so when the conversation was opened, and it stays open when somebody looks away. */
  let marked = -1
  return {
    firstUnread: () => {
      // Read on another device since; the list is a little behind, so of what was just opened it says nothing.
      if (marked >= 0 && unread.getSnapshot() === 0) return undefined
      const first = conversation.firstUnread()
      if (first === undefined || first > marked) return first
      const messages = conversation.messages.getSnapshot()
      const next = messages.find(
        ({ delivery, own, redactedAt }) =>
          'seq' in delivery && delivery.seq > marked && !own && redactedAt === undefined,
      )
      return next && 'seq' in next.delivery ? next.delivery.seq : undefined
    },
    unread,
    isAllRead: () => unread.getSnapshot() === 0,
    mark: (through) => {
      if (through <= marked) return
      try {
        conversation.markRead(through)
        marked = through
      } catch (error) {
        // Somebody just removed may look but not tell; all that is lost is that the others know.
        if (!(error instanceof Refusal)) throw error
      }
    },
  }
}
