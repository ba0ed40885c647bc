/** Goes to the message that the address names, fetched where it is not loaded, and marks it for a moment. */

import { useEffect, useLayoutEffect, useRef, useState } from 'react'

import type { Conversation } from '../api.ts'
import { topWithin } from './in-view.ts'
import { type Part, partAround, stepMessages } from './shown-part.ts'
import { conversationHash } from './route.ts'
import { indexOfSeq } from './timeline-rows.ts'
import type { ScrollHold } from './use-scroll-hold.ts'
import type { UnreadLine } from './use-unread-line.ts'

export interface SeekMessageDeps {
  readonly conversation: Conversation
  /** Seq of the message; undefined when none is sought. */
  readonly sought: number | undefined
  readonly line: UnreadLine
  readonly hold: ScrollHold
  readonly change: (step: (part: Part, all: number) => Part) => void
}

/** Where in view the message is put. */
const messageAt = 1 / 3
/** How long it is marked, in ms: as the animation in timeline.css. */
const markMs = 2500

/** True until it is there, or cannot be had: what is on the screen meanwhile is not what is wanted. */
export function useSeekMessage({ conversation, sought, line, hold, change }: SeekMessageDeps): boolean {
  const [isSeeking, setSeeking] = useState(false)
  /** Seq of the message that is loaded, and still to be rendered and gone to. */
  const waiting = useRef<number>(undefined)
  const isWanted = useRef<number>(undefined)

  async function seek(seq: number): Promise<void> {
    if (indexOfSeq(conversation.messages.getSnapshot(), seq) === -1) await conversation.loadAround(seq, stepMessages)
    // Meanwhile another one is sought.
    if (isWanted.current !== seq) return
    isWanted.current = undefined
    const index = indexOfSeq(conversation.messages.getSnapshot(), seq)
    // Where it cannot be had, the edge of what is shown says why.
    if (index === -1) return end()
    waiting.current = seq
    change((_, all) => partAround(index, all))
  }

  function end(): void {
    setSeeking(false)
    leaveAddress(conversation)
  }

  useEffect(() => {
    if (sought === undefined) return
    setSeeking(true)
    // It is this that is gone to, not where the new messages begin, and not the end.
    line.found()
    change((part) => part)
    isWanted.current = sought
    void seek(sought)
    // oxlint-disable-next-line react/exhaustive-deps -- the rest follows from what is rendered
  }, [conversation, sought])

  // After each rendering, until it is there.
  useLayoutEffect(() => {
    const { current: seq } = waiting
    const { current: scroller } = hold.scroller
    const element = seq === undefined ? null : scroller?.querySelector<HTMLElement>(`.message[data-seq="${seq}"]`)
    if (scroller === null || element === null || element === undefined) return
    waiting.current = undefined
    scroller.scrollBy({ top: topWithin(scroller, element) - scroller.clientHeight * messageAt, behavior: 'instant' })
    hold.note()
    mark(element)
    end()
  })

  return isSeeking
}

function mark(element: HTMLElement): void {
  element.dataset['sought'] = 'true'
  element.tabIndex = -1
  element.focus({ preventScroll: true })
  setTimeout(() => {
    delete element.dataset['sought']
  }, markMs)
}

/** So that it can be sought again, and a reload begins where reading goes on. */
function leaveAddress({ id }: Conversation): void {
  window.history.replaceState(null, '', conversationHash(id))
  window.dispatchEvent(new HashChangeEvent('hashchange'))
}
