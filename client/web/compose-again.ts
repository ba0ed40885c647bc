/** Puts a text back where one writes, from anywhere in a conversation or a thread. */

import { createContext, useCallback, useState } from 'react'

/** A text to go on with, a new object each time. */
export interface Offered {
  readonly text: string
}

export const ComposeAgain = createContext<(text: string) => void>(() => undefined)

/** What was put back last, and what does that. */
export function useOffered(): readonly [Offered | undefined, (text: string) => void] {
  const [offered, setOffered] = useState<Offered>()
  return [offered, useCallback((text: string) => setOffered({ text }), [])]
}
