/** What a command of `parley` is given, and what it answers: nothing of it is read from the process. */

import { StoreError } from '../storage/conversation-store.ts'

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  /** For what was asked for. */
  readonly out: (text: string) => void
  /** For everything else. */
  readonly err: (text: string) => void
}

/** Exit codes. `failed`: it could not be done, or damage was found; `misused`: it was asked for wrongly, or cannot begin. */
export const exitCodes = { done: 0, failed: 1, misused: 2 } as const

/** An error in one line. */
export function describeError(error: unknown): string {
  if (error instanceof StoreError) return `${error.message} (${error.code})`
  return error instanceof Error ? error.message : String(error)
}
