/** Keeps what is read where it is on the screen, whatever is put above or below it: the end, or the topmost message in view. */

import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef } from 'react'

import { firstInView, topWithin } from './in-view.ts'

export interface ScrollHold {
  readonly scroller: RefObject<HTMLDivElement | null>
  readonly content: RefObject<HTMLOListElement | null>
  /** Takes the place that is scrolled to now for the one to keep; whether its end is in view. */
  readonly note: () => boolean
}

/** Closer to the end than this, in CSS pixels, counts as at the end: about two lines. */
const nearEndPx = 48

/** `staysAtEnd`: the end is kept in view. `rows`: what is rendered; whenever it is another, places are looked after. */
export function useScrollHold(staysAtEnd: boolean, rows: unknown): ScrollHold {
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLOListElement>(null)
  /** As of the last scrolling: known a little earlier than `staysAtEnd`. */
  const isNearEnd = useRef(true)
  /** As of the last scrolling that was noticed, in CSS pixels. */
  const lastTop = useRef(0)
  const held = useRef<{ readonly element: Element; readonly top: number }>(undefined)

  const note = useCallback((): boolean => {
    const { current: outer } = scroller
    if (outer === null || content.current === null) return isNearEnd.current
    const element = firstInView({ scroller: outer, content: content.current })
    held.current = element && { element, top: topWithin(outer, element) }
    lastTop.current = outer.scrollTop
    isNearEnd.current = isNear(outer)
    return isNearEnd.current
  }, [])

  const restore = useCallback(() => {
    const { current: outer } = scroller
    if (outer === null) return
    const scrolled = scrolledSince(outer, lastTop.current)
    if (staysAtEnd) {
      // Somebody has just scrolled up, and the event is on its way.
      if (scrolled < -1 && !isNear(outer)) return
      outer.scrollTop = outer.scrollHeight
      lastTop.current = outer.scrollTop
    } else if (held.current?.element.isConnected === true)
      outer.scrollTop += topWithin(outer, held.current.element) - held.current.top + scrolled
    if (!staysAtEnd) note()
  }, [staysAtEnd, note])

  // Before painting, so that neither the end nor what is read ever jumps.
  useLayoutEffect(restore, [rows, restore])
  // What stands above the messages changes too.
  useLayoutEffect(() => {
    if (!staysAtEnd) restore()
  })

  // The composer grows, keyboards open, windows change: but not against who is just leaving the end.
  useEffect(() => {
    if (scroller.current === null || content.current === null) return
    const observer = new ResizeObserver(() => {
      if (!staysAtEnd || isNearEnd.current) restore()
    })
    observer.observe(scroller.current)
    observer.observe(content.current)
    return () => observer.disconnect()
  }, [staysAtEnd, restore])

  return { scroller, content, note }
}

/** Which scrolling the page was not told of yet, in CSS pixels; being cut short by less content is none. */
function scrolledSince({ scrollHeight, scrollTop, clientHeight }: Element, lastTop: number): number {
  return lastTop > scrollHeight - clientHeight ? 0 : scrollTop - lastTop
}

function isNear({ scrollHeight, scrollTop, clientHeight }: Element): boolean {
  return scrollHeight - scrollTop - clientHeight < nearEndPx
}
