/** The messages of a conversation: the newest ones, more on request; it stays at the end unless somebody reads above. */

import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'

import type { MessageId } from '../../shared/chat/entry.ts'
import type { ConnectionStatus, Conversation } from '../api.ts'
import { DownIcon } from './icons.tsx'
import { MessageItem } from './message-item.tsx'
import { count } from './names.ts'
import { dayName, useToday } from './time.ts'
import { firstShown, stepMessages, timelineRows } from './timeline-rows.ts'
import { useMarkRead } from './use-mark-read.ts'
import { useStore } from './use-store.ts'

interface Props {
  readonly conversation: Conversation
  readonly connection: ConnectionStatus
  /** Whether this device has the conversation, be it without messages. */
  readonly isKnown: boolean
  /** Grows when something is sent from here: the timeline then goes to its end. */
  readonly sent: number
}

/** Somebody reads above the end. */
interface Away {
  /** The oldest message that is rendered: it stays, whatever comes. */
  readonly oldest: MessageId | undefined
  /** How many messages there were when the end was left. */
  readonly seen: number
  /** What `sent` was then: sending ends it. */
  readonly sent: number
}

/** Closer to the end than this, in CSS pixels, counts as at the end: about two lines. */
const nearEndPx = 48

export function Timeline({ conversation, connection, isKnown, sent }: Props) {
  const messages = useStore(conversation.messages)
  const today = useToday()
  const [left, setLeft] = useState<Away>()
  const away = left?.sent === sent ? left : undefined
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLOListElement>(null)
  /** Whether the end was in view at the last scrolling: known a little earlier than `away`. */
  const isAtEnd = useRef(true)
  /** Where a message stood before older ones were put above it. */
  const held = useRef<{ readonly element: Element; readonly top: number }>(undefined)

  useMarkRead(conversation, messages, isKnown && connection.phase !== 'refused' && away === undefined)

  const first = firstShown(messages, away?.oldest)
  const rows = useMemo(() => timelineRows(messages, first), [messages, first])
  const fresh = away === undefined ? 0 : Math.max(0, messages.length - away.seen)

  const toEnd = useCallback(() => {
    const { current } = scroller
    if (current !== null) current.scrollTop = current.scrollHeight
  }, [])

  // Before painting, so that neither the end nor what is read ever jumps.
  useLayoutEffect(() => {
    if (away === undefined) return toEnd()
    const { current: anchor } = held
    if (anchor === undefined || scroller.current === null) return
    held.current = undefined
    scroller.current.scrollTop += anchor.element.getBoundingClientRect().top - anchor.top
  }, [rows, away, toEnd])

  // The composer grows, keyboards open, windows change: the end stays the end, but not against who is just leaving it.
  useEffect(() => {
    if (away !== undefined || scroller.current === null || content.current === null) return
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) toEnd()
    })
    observer.observe(scroller.current)
    observer.observe(content.current)
    return () => observer.disconnect()
  }, [away, toEnd])

  function onScroll(): void {
    const { current } = scroller
    if (current === null) return
    isAtEnd.current = current.scrollHeight - current.scrollTop - current.clientHeight < nearEndPx
    if (isAtEnd.current === (away === undefined)) return
    setLeft(isAtEnd.current ? undefined : { oldest: messages[first]?.id, seen: messages.length, sent })
  }

  function showOlder(): void {
    const element = content.current?.querySelector('[data-testid="message"]')
    if (element !== null && element !== undefined) held.current = { element, top: element.getBoundingClientRect().top }
    const oldest = messages[Math.max(0, first - stepMessages)]?.id
    setLeft({ oldest, seen: away?.seen ?? messages.length, sent })
    keepFocus()
  }

  function showEnd(): void {
    setLeft(undefined)
    keepFocus()
  }

  /** The button just pressed may be about to go away, and the keyboard must stay somewhere. */
  function keepFocus(): void {
    scroller.current?.focus({ preventScroll: true })
  }

  return (
    <div className="timeline">
      <div
        ref={scroller}
        className="scroller"
        role="log"
        aria-live="polite"
        aria-label="Messages"
        data-testid="timeline"
        data-at-end={away === undefined}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolled with the keyboard
        tabIndex={0}
        onScroll={onScroll}
      >
        {first > 0 && (
          <button type="button" className="older" onClick={showOlder} data-testid="show-older">
            Show older messages
          </button>
        )}
        {rows.length === 0 && <p className="empty">{whyEmpty(connection, isKnown)}</p>}
        <ol ref={content} className="messages">
          {rows.map(({ message, newDay, heads }) => (
            <MessageItem
              key={message.id}
              message={message}
              conversation={conversation}
              heads={heads}
              day={newDay === undefined ? undefined : dayName(newDay, today)}
            />
          ))}
        </ol>
      </div>
      {away !== undefined && (
        <button type="button" className="to-end" onClick={showEnd} data-testid="to-end">
          <DownIcon />
          {fresh === 0 ? 'Newest messages' : count(fresh, 'new message')}
        </button>
      )}
    </div>
  )
}

function whyEmpty({ phase }: ConnectionStatus, isKnown: boolean): string {
  switch (phase) {
    case 'connecting':
    case 'syncing':
      return 'Fetching messages…'
    case 'live':
    case 'offline':
      return isKnown ? 'No messages yet. Write the first one.' : 'This conversation is not on this device yet.'
    case 'refused':
    case 'closed':
      return 'There are no messages to show.'
  }
}
