/** Goes to a message that is referred to: fetched where it is not here, and rendered where it is. */

import { useCallback, useLayoutEffect, useRef } from 'react'

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Conversation } from '../api.ts'
import { topWithin } from './in-view.ts'
import { type Part, partAround, stepMessages } from './shown-part.ts'
import type { ScrollHold } from './use-scroll-hold.ts'

export interface GoToDeps {
  readonly conversation: Conversation
  readonly hold: ScrollHold
  readonly change: (step: (part: Part, all: number) => Part) => void
}

/** Where in view it is put. */
const placeAt = 1 / 3
/** How long it stands out, in ms. */
const markMs = 1600

/** The same function as long as the conversation is the same. */
export function useGoTo({ conversation, hold, change }: GoToDeps): (id: MessageId) => void {
  const sought = useRef<MessageId>(undefined)
  const latest = useRef({ hold, change })

  /** After each rendering, until it is there. */
  useLayoutEffect(() => {
    latest.current = { hold, change }
    if (sought.current !== undefined && arriveAt(sought.current, latest.current)) sought.current = undefined
  })

  const seek = useCallback(
    async (id: MessageId): Promise<void> => {
      if (arriveAt(id, latest.current)) return
      const indexOf = (): number => conversation.messages.getSnapshot().findIndex((message) => message.id === id)
      if (indexOf() === -1) {
        const quote = conversation.quote(id).getSnapshot()
        if (quote.state !== 'here' || quote.seq === undefined) return
        // It is this that is gone to, not the end.
        latest.current.change((part) => part)
        await conversation.loadAround(quote.seq, stepMessages)
      }
      const index = indexOf()
      if (index === -1) return
      sought.current = id
      latest.current.change((_part, all) => partAround(index, all))
    },
    [conversation],
  )
  return useCallback((id: MessageId) => void seek(id), [seek])
}

/** False when it is not rendered. */
function arriveAt(id: MessageId, { hold, change }: Pick<GoToDeps, 'hold' | 'change'>): boolean {
  const { current: scroller } = hold.scroller
  const element = scroller?.querySelector<HTMLElement>(`[data-id="${id}"]`)
  if (scroller === null || element === null || element === undefined) return false
  scroller.scrollBy({ top: topWithin(scroller, element) - scroller.clientHeight * placeAt, behavior: 'instant' })
  // Else the end would be held.
  if (!hold.note()) change((part) => part)
  // The keyboard goes on from there.
  element.querySelector<HTMLElement>('.message-more')?.focus({ preventScroll: true })
  element.animate([{ backgroundColor: 'var(--accent-soft)' }, { backgroundColor: 'transparent' }], markMs)
  return true
}
