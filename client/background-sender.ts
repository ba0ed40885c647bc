/**
 * Sends what was left unsent in conversations that nobody has opened yet: after a start, what has rows in the outbox or
 * is not registered is opened without being shown, and closed again when the server has everything.
 */

import type { ConversationId } from '../shared/sync/ids.ts'
import type { OpenConversation } from './open-conversation.ts'

export interface BackgroundSender {
  /** Opens `ids` one after another; resolves when all are open. */
  readonly send: (ids: Iterable<ConversationId>) => Promise<void>
  /** The application wants it: it stays open. */
  readonly hold: (id: ConversationId) => void
  /** Something changed: closes it when it was only open to send, and has. */
  readonly check: (conversation: OpenConversation) => void
}

export function createBackgroundSender(
  open: (id: ConversationId) => Promise<OpenConversation>,
  isOpen: (id: ConversationId) => boolean,
): BackgroundSender {
  const sending = new Set<ConversationId>()

  function check(conversation: OpenConversation): void {
    if (!sending.has(conversation.id)) return
    const { phase } = conversation.status.getSnapshot().connection
    const isDone = phase === 'refused' || (phase === 'live' && conversation.unsent === 0)
    if (!isDone) return
    sending.delete(conversation.id)
    // Whoever opens it again waits for this.
    void conversation.close()
  }

  return {
    send: async (ids) => {
      for (const id of ids) {
        if (isOpen(id)) continue
        sending.add(id)
        const conversation = await open(id)
        conversation.status.subscribe(() => check(conversation))
        check(conversation)
      }
    },
    hold: (id) => void sending.delete(id),
    check,
  }
}
