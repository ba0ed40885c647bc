/**
 * The text where one writes, and when it follows what was typed on another device: not while it is in somebody's hands (SPEC
 * DRAFT1). It is as long as it has the focus, and from the first key on until all devices have the same, or it was sent or
 * emptied. What was typed on two at once stays in both until then, and whoever types on writes it again.
 */

import { type RefObject, useCallback, useEffect, useRef, useState } from 'react'

import type { MessageId } from '../../shared/chat/entry.ts'
import type { PlaceDraft } from './drafts.ts'

export interface TypedText {
  readonly text: string
  readonly change: (text: string) => void
  /** Shows a text without saying that it was typed; `change` is to follow. */
  readonly show: (text: string) => void
  /** The focus has left it. */
  readonly leave: () => void
}

/** `onReply`: another device has chosen what it replies to. */
export function useDraft(
  draft: PlaceDraft,
  box: RefObject<HTMLTextAreaElement | null>,
  onReply: ((replyTo: MessageId | undefined) => void) | undefined,
): TypedText {
  const [text, setText] = useState(() => draft.get())
  const isTyped = useRef(false)

  const follow = useCallback(() => {
    if (isTyped.current) return
    const known = draft.known.getSnapshot()
    setText(known?.content ?? '')
    onReply?.(known?.replyTo)
  }, [draft, onReply])

  useEffect(() => {
    // What this device knew is shown as soon as it can be read, wherever the focus is.
    let isFirst = true
    const look = (): void => {
      if (isFirst || !isFocused(box.current)) follow()
      if (draft.isLoaded()) isFirst = false
    }
    draft.takeLeft()
    look()
    const ends = [draft.known.subscribe(look), draft.onLoaded(look)]
    return () => ends.forEach((end) => end())
  }, [draft, box, follow])

  const change = useCallback(
    (next: string) => {
      isTyped.current = next !== ''
      setText(next)
      draft.set(next)
    },
    [draft],
  )

  const leave = useCallback(() => {
    if ((draft.known.getSnapshot()?.content ?? '') === text) isTyped.current = false
    follow()
  }, [draft, text, follow])

  return { text, change, show: setText, leave }
}

/** By somebody who looks at this page. */
function isFocused(box: HTMLTextAreaElement | null): boolean {
  return box !== null && document.activeElement === box && document.hasFocus()
}
