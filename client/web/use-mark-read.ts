/** Tells the others what was read here: what arrives while the newest messages are in view of somebody. */

import { useEffect } from 'react'

import type { ChatMessage, Conversation } from '../api.ts'

/** `isReading`: the end of the conversation is shown, and reading may be told. */
export function useMarkRead(conversation: Conversation, messages: readonly ChatMessage[], isReading: boolean): void {
  useEffect(() => {
    if (!isReading || messages.length === 0) return
    const mark = (): void => {
      if (document.visibilityState === 'visible') conversation.markRead()
    }
    mark()
    document.addEventListener('visibilitychange', mark)
    return () => document.removeEventListener('visibilitychange', mark)
  }, [conversation, messages, isReading])
}
