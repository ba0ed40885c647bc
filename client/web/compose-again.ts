/** Puts a text back where one writes, from anywhere in a conversation. */

import { createContext } from 'react'

export const ComposeAgain = createContext<(text: string) => void>(() => undefined)
