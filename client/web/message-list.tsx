/** The rows of a timeline. With the arrow keys the focus goes from the actions of one message to those of the next. */

import { Fragment, type KeyboardEvent, type RefObject } from 'react'

import type { Access } from '../../shared/chat/access.ts'
import type { MessageId } from '../../shared/chat/entry.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { Conversation } from '../api.ts'
import { EventLine } from './event-line.tsx'
import { MessageItem } from './message-item.tsx'
import { dayName, useToday } from './time.ts'
import { type EventLine as Line, namedIn } from './timeline-events.ts'
import type { TimelineRow } from './timeline-rows.ts'
import { useNames } from './use-names.ts'

interface Props {
  readonly list: RefObject<HTMLOListElement | null>
  readonly rows: readonly TimelineRow[]
  /** What happened before each of the rows, and behind the last. */
  readonly events: ReadonlyMap<number, readonly Line[]>
  readonly conversation: Conversation
  readonly user: UserId
  readonly access: Access | undefined
  readonly reply: ((id: MessageId) => void) | undefined
  readonly goTo: (id: MessageId) => void
  /** Undefined in a thread: those have none. */
  readonly openThread: ((root: MessageId) => void) | undefined
}

export function MessageList({ list, rows, events, conversation, user, access, reply, goTo, openThread }: Props) {
  const today = useToday()
  const nameOf = useNames(namedIn([...events.values()].flat()))
  const linesAt = (place: number) =>
    events.get(place)?.map((line) => <EventLine key={line.key} line={line} nameOf={nameOf} />)
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the keys belong to the buttons in it
    <ol ref={list} className="messages" onKeyDown={moveFocus}>
      {rows.map(({ message, newDay, heads, beginsUnread }, index) => (
        <Fragment key={message.id}>
          {linesAt(index)}
          <MessageItem
            message={message}
            conversation={conversation}
            user={user}
            access={access}
            heads={heads}
            day={newDay === undefined ? undefined : dayName(newDay, today)}
            beginsUnread={beginsUnread}
            isLast={index === rows.length - 1}
            reply={reply}
            goTo={goTo}
            openThread={openThread}
          />
        </Fragment>
      ))}
      {linesAt(rows.length)}
    </ol>
  )
}

/** Hundreds of messages are one stop of the Tab key: the newest. */
function moveFocus(event: KeyboardEvent<HTMLOListElement>): void {
  const step = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : 0
  if (step === 0 || !(event.target instanceof Element) || !event.target.matches('.message-more')) return
  event.preventDefault()
  const buttons = [...event.currentTarget.querySelectorAll<HTMLElement>('.message-more')]
  buttons[buttons.findIndex((button) => button === event.target) + step]?.focus()
}
