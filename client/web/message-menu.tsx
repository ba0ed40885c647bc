/** What can be done with a message. It stands in the row below it, where it covers nothing and nothing cuts it off. */

import { type FocusEvent, type KeyboardEvent, type RefObject, useLayoutEffect, useState } from 'react'

import type { UserId } from '../../shared/sync/ids.ts'
import type { ChatMessage } from '../api.ts'
import { MoreIcon } from './icons.tsx'
import { OtherEmoji } from './other-emoji.tsx'
import type { AllowedTouches } from './rules.ts'
import { SureButton } from './sure-button.tsx'
import { clockTime } from './time.ts'
import { timeOf } from './timeline-rows.ts'
import { useNames } from './use-names.ts'

interface Props {
  readonly message: ChatMessage
  readonly user: UserId
  readonly allowed: AllowedTouches
  /** Whether the Tab key stops at it; with the arrow keys all can be reached. */
  readonly isTabStop: boolean
  /** The button that opens it. */
  readonly more: RefObject<HTMLButtonElement | null>
  readonly react: (emoji: string, on: boolean) => void
  /** Begins a reply; undefined where that is done elsewhere. */
  readonly reply: (() => void) | undefined
  /** Goes to its thread; undefined where it is shown. */
  readonly answer: (() => void) | undefined
  /** Goes to what it replies to; undefined when it is no reply. */
  readonly original: (() => void) | undefined
  readonly edit: () => void
  /** What it said before. */
  readonly versions: () => void
  /** Who has read it, and who has reacted. */
  readonly details: () => void
  readonly redact: () => void
  readonly pin: (on: boolean) => void
}

/** What most people answer with. */
const quickEmoji = ['👍', '❤️', '😂', '🎉', '😮', '🙏']

export function MessageMenu(props: Props) {
  const { message, user, allowed, isTabStop, more, react, reply, answer, original, edit, versions, details } = props
  const { redact, pin } = props
  const [isOpen, setOpen] = useState(false)
  const { reactions = [], pinned = false } = message
  const nameOf = useNames([message.user])
  const author = message.own ? 'your message' : `the message of ${nameOf(message.user)}`
  const name = `${author}, ${clockTime(timeOf(message))}`

  // It takes room: what it belongs to stays in view.
  useLayoutEffect(() => {
    if (isOpen) more.current?.closest('.bubble-row')?.scrollIntoView({ block: 'nearest' })
  }, [isOpen, more])

  function close(): void {
    setOpen(false)
    more.current?.focus()
  }

  function choose(act: () => void): void {
    close()
    act()
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || !isOpen) return
    event.stopPropagation()
    close()
  }

  function onBlur({ relatedTarget, currentTarget }: FocusEvent): void {
    // Without a target the focus is on its way from one button to the one that takes its place.
    if (relatedTarget !== null && !currentTarget.contains(relatedTarget)) setOpen(false)
  }

  const hasMine = (emoji: string): boolean =>
    reactions.some((reaction) => reaction.emoji === emoji && reaction.users.includes(user))
  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- Escape closes it from anywhere inside
    <div className="menu" onKeyDown={onKeyDown} onBlur={onBlur}>
      <button
        ref={more}
        type="button"
        className="icon-button message-more"
        aria-label={`Actions for ${name}`}
        aria-expanded={isOpen}
        tabIndex={isTabStop || isOpen ? 0 : -1}
        onClick={() => setOpen(!isOpen)}
        data-testid="message-more"
      >
        <MoreIcon />
      </button>
      {isOpen && (
        <div className="menu-row" role="group" aria-label={`Actions for ${name}`} data-testid="message-menu">
          {quickEmoji.map((emoji) => (
            <button
              key={emoji}
              type="button"
              className="emoji"
              aria-label={`React with ${emoji}`}
              aria-pressed={hasMine(emoji)}
              onClick={() => choose(() => react(emoji, !hasMine(emoji)))}
              data-testid="message-react"
              data-emoji={emoji}
            >
              {emoji}
            </button>
          ))}
          <OtherEmoji choose={(emoji) => choose(() => react(emoji, true))} />
          {/* The text box takes the focus. */}
          {reply !== undefined && (
            <button type="button" onClick={() => choose(reply)} data-testid="message-reply">
              Reply
            </button>
          )}
          {answer !== undefined && (
            <button type="button" onClick={() => choose(answer)} data-testid="message-thread">
              Thread
            </button>
          )}
          {original !== undefined && (
            <button type="button" onClick={() => choose(original)} data-testid="message-original">
              Go to original
            </button>
          )}
          {allowed.edit && (
            // The editor takes the focus.
            <button type="button" onClick={() => choose(edit)} data-testid="message-edit">
              Edit
            </button>
          )}
          {message.own && message.editedAt !== undefined && (
            <button type="button" onClick={() => choose(versions)} data-testid="message-versions">
              History of changes
            </button>
          )}
          {'seq' in message.delivery && (message.own || reactions.length > 0) && (
            <button type="button" aria-haspopup="dialog" onClick={() => choose(details)} data-testid="message-details">
              Details
            </button>
          )}
          {allowed.pin && (
            <button type="button" onClick={() => choose(() => pin(!pinned))} data-testid="message-pin">
              {pinned ? 'Unpin' : 'Pin'}
            </button>
          )}
          {allowed.redact && (
            <SureButton
              label={`Delete ${name}`}
              text="Delete"
              sure="Delete it for everybody?"
              onSure={() => choose(redact)}
              testId="message-delete"
            />
          )}
        </div>
      )}
    </div>
  )
}
