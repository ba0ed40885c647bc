/** Tells the others what was read here: what was in view while the page was. */

import { useCallback, useEffect, useRef } from 'react'

import { lastSeen } from './in-view.ts'
import type { Reading } from './reading.ts'
import type { ScrollHold } from './use-scroll-hold.ts'

/** Whoever scrolls through a hundred messages tells it once in so long. */
const pauseMs = 1000

/** `isReading`: reading may be told. `rows`: what is rendered. Returns what is to be called when something was scrolled. */
export function useMarkRead(
  reading: Reading,
  { scroller, content }: ScrollHold,
  isReading: boolean,
  rows: unknown,
): () => void {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)

  const mark = useCallback(() => {
    if (!isReading || document.visibilityState !== 'visible') return
    if (scroller.current === null || content.current === null) return
    const through = lastSeen({ scroller: scroller.current, content: content.current })
    if (through !== undefined) reading.mark(through)
  }, [reading, scroller, content, isReading])

  const look = useCallback(() => {
    if (timer.current !== undefined) return
    mark()
    timer.current = setTimeout(() => {
      timer.current = undefined
      mark()
    }, pauseMs)
  }, [mark])

  useEffect(() => {
    mark()
    document.addEventListener('visibilitychange', mark)
    return () => {
      document.removeEventListener('visibilitychange', mark)
      // The pause that is under way belongs to what was rendered before.
      clearTimeout(timer.current)
      timer.current = undefined
    }
  }, [mark, rows])

  return look
}
