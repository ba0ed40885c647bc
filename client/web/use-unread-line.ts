/** Where the new messages begin: found once, when the conversation is opened, and gone to when that is not in view. */

import { useState } from 'react'

import type { ConnectionStatus } from '../api.ts'
import type { Reading } from './reading.ts'

export interface UnreadLine {
  /** Seq at which they begin; undefined when nothing is new. */
  readonly from: number | undefined
  /** Nobody knows yet: what is in view meanwhile is not what it opens at, and does not count as read. */
  readonly isPending: boolean
  /** It is still to be gone to. */
  readonly isSought: boolean
  readonly found: () => void
}

/**
 * `isKnown`: this device has the conversation. `isAway`: somebody reads above the end. What this device has when it is
 * opened is not all: whoever is still at the end when that has come is taken to where it begins. What comes while it is
 * looked at is not what it opens at. `isDropped`: something was sent, and the end is what is wanted.
 */
export function useUnreadLine(
  reading: Reading,
  { phase }: ConnectionStatus,
  isKnown: boolean,
  isAway: boolean,
  isDropped: boolean,
): UnreadLine {
  const [from, setFrom] = useState(() => (isKnown ? reading.firstUnread() : undefined))
  const [isSettled, setSettled] = useState(false)
  const [isSought, setSought] = useState(from !== undefined)
  if (!isSettled && phase === 'live' && isKnown) {
    const first = from ?? reading.firstUnread()
    if (first !== undefined || reading.isAllRead()) setSettled(true)
    if (first !== from) setFrom(first)
    if (first !== undefined && !isAway && !isDropped) setSought(true)
  }
  if (isDropped && isSought) setSought(false)
  const isPending = !isSettled && phase === 'live' && !isAway && !isDropped
  return { from, isPending, isSought, found: () => setSought(false) }
}
