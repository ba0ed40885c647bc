/**
 * The text where one writes, and when it follows what was typed on another device: not while it is in somebody's hands (SPEC
 * DRAFT1). It is as long as it has the focus, and from the first key on until all devices have the same, or it was sent or
 * emptied. What was typed on two at once stays in both until then, and whoever types on writes it again.
 */

import { type RefObject, useCallback, useEffect, useRef, useState } from 'react'

import type { MessageId } from '../../shared/chat/entry.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import type { Drafts } from './drafts.ts'

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
  drafts: Drafts,
  id: ConversationId,
  box: RefObject<HTMLTextAreaElement | null>,
  onReply: (replyTo: MessageId | undefined) => void,
): TypedText {
  const [text, setText] = useState(() => drafts.get(id))
  const isTyped = useRef(false)

  const follow = useCallback(() => {
    if (isTyped.current) return
    const draft = drafts.at(id).getSnapshot()
    setText(draft?.content ?? '')
    onReply(draft?.replyTo)
  }, [drafts, id, onReply])

  useEffect(() => {
    // What this device knew is shown as soon as it can be read, wherever the focus is.
    let isFirst = true
    const look = (): void => {
      if (isFirst || !isFocused(box.current)) follow()
      if (drafts.isLoaded()) isFirst = false
    }
    drafts.takeLeft(id)
    look()
    const ends = [drafts.at(id).subscribe(look), drafts.onLoaded(look)]
    return () => ends.forEach((end) => end())
  }, [drafts, id, box, follow])

  const change = useCallback(
    (next: string) => {
      isTyped.current = next !== ''
      setText(next)
      drafts.set(id, next)
    },
    [drafts, id],
  )

  const leave = useCallback(() => {
    if ((drafts.at(id).getSnapshot()?.content ?? '') === text) isTyped.current = false
    follow()
  }, [drafts, id, text, follow])

  return { text, change, show: setText, leave }
}

/** By somebody who looks at this page. */
function isFocused(box: HTMLTextAreaElement | null): boolean {
  return box !== null && document.activeElement === box && document.hasFocus()
}
