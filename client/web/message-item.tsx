/** One message: who wrote it, when, how far it has come and what was made of it. */

import { memo, useEffect, useRef, useState } from 'react'

import type { Access } from '../../shared/chat/access.ts'
import type { MessageId } from '../../shared/chat/entry.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ChatMessage, Conversation } from '../api.ts'
import { MessageDetails } from './message-details.tsx'
import { MessageEditor } from './message-editor.tsx'
import { MessageFailure } from './message-failure.tsx'
import { MessageMenu } from './message-menu.tsx'
import { MessageMeta } from './message-meta.tsx'
import { MessageQuote } from './message-quote.tsx'
import { MessageReactions } from './message-reactions.tsx'
import { MessageText } from './message-text.tsx'
import { MessageVersions } from './message-versions.tsx'
import { PersonAvatar, PersonName } from './person.tsx'
import { allowedTouches } from './rules.ts'
import { ThreadMark } from './thread-mark.tsx'
import { seqOf } from './timeline-rows.ts'
import { explainError } from './wording.ts'

interface Props {
  readonly message: ChatMessage
  readonly conversation: Conversation
  readonly user: UserId
  /** Of the user. */
  readonly access: Access | undefined
  /** Whether it names its author, as the first of a group. */
  readonly heads: boolean
  /** The name of the day that begins with it. */
  readonly day: string | undefined
  readonly beginsUnread: boolean
  /** Of those that are rendered. */
  readonly isLast: boolean
  /** Undefined where replies are written elsewhere. */
  readonly reply: ((id: MessageId) => void) | undefined
  readonly goTo: (id: MessageId) => void
  /** Undefined in a thread: those have none. */
  readonly openThread: ((root: MessageId) => void) | undefined
}

const nobody: readonly UserId[] = []

export const MessageItem = memo(function MessageItem(props: Props) {
  const { message, conversation, user, access, heads, day, beginsUnread, isLast, reply, goTo } = props
  const { openThread } = props
  const { id, role, own, delivery, content, replyTo, thread } = message
  const [isEdited, setEdited] = useState(false)
  /** A dialog about it. */
  const [shown, setShown] = useState<'versions' | 'details'>()
  const [problem, setProblem] = useState<string>()
  const more = useRef<HTMLButtonElement>(null)
  const isMine = own && role === 'user'
  const allowed = allowedTouches(message, user, access)
  // It may have been taken away meanwhile.
  const isEditing = isEdited && allowed.edit

  /** False when it was refused: then it says why. */
  function attempt(change: () => void): boolean {
    try {
      change()
      setProblem(undefined)
      return true
    } catch (error) {
      setProblem(explainError(error))
      return false
    }
  }

  const wasEditing = useRef(false)
  useEffect(() => {
    // The button is there again only now.
    if (wasEditing.current && !isEditing) more.current?.focus()
    wasEditing.current = isEditing
  }, [isEditing])

  function redact(): void {
    // The button goes away with the text, and the keyboard must stay somewhere.
    const log = more.current?.closest<HTMLElement>('[role="log"]')
    if (attempt(() => conversation.redact(id))) log?.focus({ preventScroll: true })
  }

  return (
    <>
      {day !== undefined && <li className="day">{day}</li>}
      {beginsUnread && (
        <li className="unread-line" data-testid="new-messages">
          New messages
        </li>
      )}
      <li
        className="message"
        data-testid="message"
        data-id={id}
        data-state={delivery.state}
        data-seq={seqOf(message)}
        data-user={message.user}
        data-role={role}
        data-own={own}
        data-heads={heads}
        data-changes={message.changes}
        data-redacted={message.redactedAt !== undefined}
        data-pinned={message.pinned === true}
      >
        {!own && heads && <PersonAvatar user={message.user} />}
        <div className="bubble-row">
          <div className="bubble">
            <p className={heads && !isMine ? 'author' : 'hidden'}>
              {isMine ? 'You' : <PersonName user={message.user} />}
              {role === 'assistant' && <span className="role">Assistant</span>}
            </p>
            {replyTo !== undefined && message.redactedAt === undefined && (
              <MessageQuote conversation={conversation} id={replyTo} me={user} goTo={goTo} />
            )}
            {isEditing ? (
              <MessageEditor
                content={content}
                mentions={message.mentions ?? nobody}
                save={(text) => attempt(() => conversation.edit(id, text))}
                close={() => setEdited(false)}
              />
            ) : (
              <div className="body" dir="auto">
                <MessageText message={message} me={user} />
                <MessageMeta message={message} />
              </div>
            )}
          </div>
          {allowed.react && !isEditing && (
            <MessageMenu
              message={message}
              user={user}
              allowed={allowed}
              isTabStop={isLast}
              more={more}
              react={(emoji, on) => attempt(() => conversation.react(id, emoji, on))}
              reply={reply && (() => reply(id))}
              answer={openThread && (() => openThread(thread ?? id))}
              original={replyTo === undefined ? undefined : () => goTo(replyTo)}
              edit={() => setEdited(true)}
              versions={() => setShown('versions')}
              details={() => setShown('details')}
              redact={redact}
              pin={(on) => attempt(() => conversation.pin(id, on))}
            />
          )}
        </div>
        {shown === 'versions' && (
          <MessageVersions load={() => conversation.versions(id)} close={() => setShown(undefined)} />
        )}
        {shown === 'details' && (
          <MessageDetails conversation={conversation} message={message} me={user} onClose={() => setShown(undefined)} />
        )}
        {message.reactions !== undefined && (
          <MessageReactions
            reactions={message.reactions}
            user={user}
            isAllowed={allowed.react}
            react={(emoji, on) => attempt(() => conversation.react(id, emoji, on))}
          />
        )}
        {openThread !== undefined && <ThreadMark message={message} open={openThread} />}
        <p className="problem" role="alert">
          {problem}
        </p>
        {delivery.state === 'failed' && (
          <MessageFailure conversation={conversation} id={id} content={content} reason={delivery.reason} />
        )}
      </li>
    </>
  )
})
