/** One message: who wrote it, when, and how far it has come. Its text is only ever a text node. */

import { memo } from 'react'

import type { ChatMessage, Conversation } from '../api.ts'
import { Avatar } from './avatar.tsx'
import { ClockIcon, TickIcon } from './icons.tsx'
import { MessageFailure } from './message-failure.tsx'
import { clockTime, dayOf, machineTime, shortTime, wholeTime } from './time.ts'
import { timeOf } from './timeline-rows.ts'

interface Props {
  readonly message: ChatMessage
  readonly conversation: Conversation
  /** Whether it names its author, as the first of a group. */
  readonly heads: boolean
  /** The name of the day that begins with it. */
  readonly day: string | undefined
}

/** Written this much before the server took it, a message says so: it waited for a connection. */
const lateMs = 5 * 60_000

export const MessageItem = memo(function MessageItem({ message, conversation, heads, day }: Props) {
  const { id, user, role, own, delivery, content } = message
  const author = own && role === 'user' ? 'You' : user
  return (
    <>
      {day !== undefined && <li className="day">{day}</li>}
      <li
        className="message"
        data-testid="message"
        data-id={id}
        data-state={delivery.state}
        data-seq={delivery.state === 'sent' ? delivery.seq : undefined}
        data-user={user}
        data-role={role}
        data-own={own}
        data-heads={heads}
      >
        {!own && heads && <Avatar name={user} />}
        <div className="bubble">
          <p className={heads && author !== 'You' ? 'author' : 'hidden'}>
            {author}
            {role === 'assistant' && <span className="role">Assistant</span>}
          </p>
          <div className="body" dir="auto">
            <MessageText content={content} />
            <Meta message={message} />
          </div>
        </div>
        {delivery.state === 'failed' && (
          <MessageFailure conversation={conversation} id={id} content={content} reason={delivery.reason} />
        )}
      </li>
    </>
  )
})

function MessageText({ content }: { readonly content: string }) {
  const isBlank = content.trim() === ''
  return (
    <span className={isBlank ? 'text quiet' : 'text'} data-testid="message-text">
      {isBlank ? 'This message has no text that this page could show.' : content}
    </span>
  )
}

function Meta({ message }: { readonly message: ChatMessage }) {
  const { own, delivery, writtenAt } = message
  const time = timeOf(message)
  const isLate = delivery.state === 'sent' && delivery.createdAt - writtenAt > lateMs
  return (
    <p className="meta">
      <time dir="ltr" dateTime={machineTime(time)} title={describeTimes(message, isLate)}>
        {isLate && `written ${shortTime(writtenAt, dayOf(time))} · `}
        {clockTime(time)}
      </time>
      {own && delivery.state === 'sent' && (
        <span className="delivery">
          <TickIcon />
          <span className="hidden">Sent</span>
        </span>
      )}
      {own && delivery.state === 'pending' && (
        <span className="delivery">
          <ClockIcon />
          <span className="hidden">Waiting to be sent</span>
        </span>
      )}
    </p>
  )
}

function describeTimes(message: ChatMessage, isLate: boolean): string {
  const time = wholeTime(timeOf(message))
  return isLate ? `Written ${wholeTime(message.writtenAt)}, sent ${time}` : time
}
