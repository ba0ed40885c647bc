/** Goes to where the new messages begin: they are fetched where they are not here, and rendered where they are. */

import { useLayoutEffect, useRef } from 'react'

import type { Conversation, HistoryStatus } from '../api.ts'
import { topWithin } from './in-view.ts'
import { type Part, partAround, stepMessages } from './shown-part.ts'
import { seqOf } from './timeline-rows.ts'
import type { ScrollHold } from './use-scroll-hold.ts'
import type { UnreadLine } from './use-unread-line.ts'

export interface SeekDeps {
  readonly conversation: Conversation
  readonly history: HistoryStatus
  readonly line: UnreadLine
  /** Index of the first unread message of those that are loaded; -1 when there is none. */
  readonly unread: number
  readonly part: Part
  readonly all: number
  /** The end is not in view. */
  readonly isAway: boolean
  readonly hold: ScrollHold
  readonly change: (step: (part: Part, all: number) => Part) => void
}

/** Where in view the line is put: with some of what was read before above it. */
const lineAt = 1 / 3

export function useSeekUnread({
  conversation,
  history,
  line,
  unread,
  part,
  all,
  isAway,
  hold,
  change,
}: SeekDeps): void {
  const isTried = useRef(false)
  const isStillSought = useRef(false)

  async function fetchAround(seq: number): Promise<void> {
    await conversation.loadAround(seq, stepMessages)
    // Meanwhile somebody went to the end. Else what came, or why nothing did, is rendered.
    if (!isStillSought.current) conversation.showNewest()
  }

  // After each rendering, until it is found; the end has been gone to by then.
  useLayoutEffect(() => {
    const { from, isSought, found } = line
    isStillSought.current = isSought
    const { current: scroller } = hold.scroller
    if (!isSought || from === undefined || scroller === null) return
    const oldest = oldestSeq(conversation)
    if (!isTried.current && history.hasOlder && oldest !== undefined && oldest > from) {
      isTried.current = true
      void fetchAround(from)
      return
    }
    if (isTried.current && history.phase === 'loading') return
    if (unread === -1) {
      if (history.hasNewer) change((shown) => shown)
      return found()
    }
    if (unread < part.first || unread >= part.end) return change(() => partAround(unread, all))
    const element = scroller.querySelector('.unread-line')
    if (element === null) return
    const top = topWithin(scroller, element)
    if (isAway || top < 0 || history.hasNewer) {
      scroller.scrollBy({ top: top - scroller.clientHeight * lineAt, behavior: 'instant' })
      hold.note()
      if (!isAway) change((shown) => shown)
    }
    found()
  })
}

function oldestSeq(conversation: Conversation): number | undefined {
  const [oldest] = conversation.messages.getSnapshot()
  return oldest && seqOf(oldest)
}
