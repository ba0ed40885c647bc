/** Fetches what is read again when the window has moved on without it: after a long absence, from a device far behind. */

import { useEffect, useRef } from 'react'

import type { Conversation } from '../api.ts'
import { firstInView } from './in-view.ts'
import { type Part, partAround, stepMessages } from './shown-part.ts'
import { seqOf } from './timeline-rows.ts'
import type { ScrollHold } from './use-scroll-hold.ts'

export interface LostPlaceDeps {
  readonly conversation: Conversation
  /** Somebody reads above the end. */
  readonly isAway: boolean
  /** What is on the screen is not among the messages any more. */
  readonly isLost: boolean
  readonly hold: ScrollHold
  readonly change: (step: (part: Part, all: number) => Part) => void
}

export function useLostPlace({ conversation, isAway, isLost, hold, change }: LostPlaceDeps): void {
  const isBusy = useRef(false)
  const isStillAway = useRef(false)

  async function fetchAgain(seq: number): Promise<void> {
    await conversation.loadAround(seq, stepMessages)
    isBusy.current = false
    // Meanwhile somebody went to the end.
    if (!isStillAway.current) return conversation.showNewest()
    const index = conversation.messages.getSnapshot().findIndex((message) => (seqOf(message) ?? -1) >= seq)
    // Where it cannot be had, what is there is shown.
    change((part, all) => (index === -1 ? part : partAround(index, all)))
  }

  useEffect(() => {
    isStillAway.current = isAway
    const [scroller, content] = [hold.scroller.current, hold.content.current]
    if (!isLost || isBusy.current || scroller === null || content === null) return
    const inView = firstInView({ scroller, content })
    const seq = inView instanceof HTMLElement ? inView.dataset['seq'] : undefined
    isBusy.current = true
    // What waits to be sent stands at the end.
    void fetchAgain(seq === undefined ? Number.MAX_SAFE_INTEGER : Number(seq))
  })
}
