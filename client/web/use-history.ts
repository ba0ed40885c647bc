/** Brings more messages as an end of what is rendered is scrolled to, or asked for: what is loaded first, then older pages. */

import { type RefObject, useEffect, useRef, useState } from 'react'

import type { ConnectionStatus, Conversation, HistoryStatus } from '../api.ts'
import { type Part, stepMessages, withNewer, withOlder } from './shown-part.ts'

export interface HistoryDeps {
  readonly conversation: Conversation
  readonly history: HistoryStatus
  readonly connection: ConnectionStatus
  readonly scroller: RefObject<HTMLElement | null>
  /** What is rendered of `all` messages that are loaded. */
  readonly part: Part
  readonly all: number
  /** Somebody reads above the end. */
  readonly isAway: boolean
  /** Nothing is being sought: what comes into view is looked at. */
  readonly isReady: boolean
  /** What is rendered; whenever it is another, its ends are looked after. */
  readonly rows: unknown
  readonly change: (step: (part: Part, all: number) => Part) => void
}

export interface HistoryEnds {
  /** Elements at the two ends. */
  readonly top: RefObject<HTMLDivElement | null>
  readonly bottom: RefObject<HTMLDivElement | null>
  /** At which end was asked last. */
  readonly asked: 'older' | 'newer'
  readonly older: () => void
  readonly newer: () => void
}

/** An end that comes so close to view is looked after: about a screen. */
const nearPx = 600

export function useHistory(deps: HistoryDeps): HistoryEnds {
  const { conversation, history, connection, scroller, part, all, isAway, isReady, rows, change } = deps
  const [asked, setAsked] = useState<HistoryEnds['asked']>('older')
  const isBusy = useRef(false)
  const top = useRef<HTMLDivElement>(null)
  const bottom = useRef<HTMLDivElement>(null)

  async function load(end: HistoryEnds['asked']): Promise<void> {
    if (isBusy.current) return
    isBusy.current = true
    setAsked(end)
    const isOlder = end === 'older'
    const came = await (isOlder ? conversation.loadOlder(stepMessages) : conversation.loadNewer(stepMessages))
    isBusy.current = false
    // At the end it is the end that stays.
    if (came > 0 && isAway) change(isOlder ? withOlder : withNewer)
  }

  function older(): void {
    if (part.first > 0) change(withOlder)
    else if (history.hasOlder) void load('older')
  }

  function newer(): void {
    if (part.end < all) change(withNewer)
    else if (history.hasNewer) void load('newer')
  }

  useEffect(() => {
    if (!isReady || scroller.current === null || top.current === null || bottom.current === null) return
    const observer = new IntersectionObserver(
      (entries) => {
        // What could not be had is asked for again by hand, or when there is a connection.
        if (conversation.history.getSnapshot().phase === 'unavailable') return
        for (const { isIntersecting, target } of entries) {
          if (!isIntersecting) continue
          if (target === bottom.current) newer()
          else if (isAway || part.first === 0) older()
        }
      },
      { root: scroller.current, rootMargin: `${nearPx}px 0px` },
    )
    observer.observe(top.current)
    observer.observe(bottom.current)
    return () => observer.disconnect()
    // oxlint-disable-next-line react/exhaustive-deps -- the rest follows from what is rendered
  }, [conversation, rows, isAway, isReady])

  const isLive = connection.phase === 'live'
  useEffect(() => {
    if (isLive && conversation.history.getSnapshot().phase === 'unavailable') void load(asked)
    // oxlint-disable-next-line react/exhaustive-deps -- only a connection that has come is a reason
  }, [isLive])

  return { top, bottom, asked, older, newer }
}
