/** Tells the others what was read here: what arrives while the newest messages are in view of somebody. */

import { useEffect } from 'react'

import { type ChatMessage, type Conversation, Refusal } from '../api.ts'

/** `isReading`: the end of the conversation is shown, and reading may be told. */
export function useMarkRead(conversation: Conversation, messages: readonly ChatMessage[], isReading: boolean): void {
  useEffect(() => {
    if (!isReading || messages.length === 0) return
    const mark = (): void => {
      if (document.visibilityState === 'visible') markRead(conversation)
    }
    mark()
    document.addEventListener('visibilitychange', mark)
    return () => document.removeEventListener('visibilitychange', mark)
  }, [conversation, messages, isReading])
}

function markRead(conversation: Conversation): void {
  try {
    conversation.markRead()
  } catch (error) {
    // Somebody just removed may look but not tell; all that is lost is that the others know.
    if (!(error instanceof Refusal)) throw error
  }
}
