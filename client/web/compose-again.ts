/** Puts what was written back where one writes, from anywhere in a conversation or a thread. */

import { createContext, useCallback, useState } from 'react'

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Draft } from '../api.ts'

/** A text to go on with, a new object each time. */
export interface Offered {
  readonly text: string
}

/** Whom it mentions is read from the text again. */
type Written = Pick<Draft, 'content' | 'replyTo'>

export const ComposeAgain = createContext<(written: Written) => void>(() => undefined)

/** What was put back last, and what does that; `reply` begins the reply that it was. */
export function useOffered(
  reply?: (message: MessageId) => void,
): readonly [Offered | undefined, (written: Written) => void] {
  const [offered, setOffered] = useState<Offered>()
  const offer = useCallback(
    ({ content, replyTo }: Written) => {
      setOffered({ text: content })
      if (replyTo !== undefined) reply?.(replyTo)
    },
    [reply],
  )
  return [offered, offer]
}
