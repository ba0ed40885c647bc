/** What is pinned in the conversation, the latest first, each with the way to where it stands. */

import { type KeyboardEvent, useEffect, useRef, useState } from 'react'

import { hasAccess } from '../../shared/chat/access.ts'
import type { MessageId } from '../../shared/chat/entry.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { Conversation, Pin } from '../api.ts'
import { CloseIcon } from './icons.tsx'
import { MessageQuote } from './message-quote.tsx'
import { messageHash } from './route.ts'
import { machineTime, shortTime, useToday, wholeTime } from './time.ts'
import { useNames } from './use-names.ts'
import { useStore } from './use-store.ts'
import { explainError } from './wording.ts'

interface Props {
  readonly conversation: Conversation
  readonly user: UserId
  readonly close: () => void
}

export function PinsPanel({ conversation, user, close }: Props) {
  const pins = useStore(conversation.pins)
  const { access } = useStore(conversation.info)
  const [problem, setProblem] = useState<string>()
  const closer = useRef<HTMLButtonElement>(null)
  useEffect(() => closer.current?.focus(), [])

  function goTo(id: MessageId): void {
    const quote = conversation.quote(id).getSnapshot()
    if (quote.state !== 'here' || quote.seq === undefined) return
    window.location.hash = messageHash(conversation.id, quote.seq)
    // Where it stands over the messages, they could not be seen.
    if (!hasRoomBeside()) close()
  }

  function unpin(id: MessageId): void {
    try {
      conversation.pin(id, false)
      setProblem(undefined)
      closer.current?.focus()
    } catch (error) {
      setProblem(explainError(error))
    }
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Escape') close()
  }

  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- Escape closes it from anywhere inside
    <aside className="members" aria-label="Pinned messages" data-testid="pins" onKeyDown={onKeyDown}>
      <header>
        <h3>Pinned messages</h3>
        <button
          ref={closer}
          type="button"
          className="icon-button"
          aria-label="Close the pinned messages"
          onClick={close}
        >
          <CloseIcon />
        </button>
      </header>
      {pins.length === 0 && <p className="hint">Nothing is pinned.</p>}
      <ul>
        {pins.toReversed().map((pin) => (
          <li key={pin.message} className="pin" data-testid="pin" data-id={pin.message}>
            <MessageQuote
              conversation={conversation}
              id={pin.message}
              me={user}
              goTo={goTo}
              what="Pinned, of"
              isTabStop
            />
            <p className="hint">
              <PinnedBy pin={pin} me={user} />
            </p>
            {hasAccess(access, 'admin') && (
              <button type="button" onClick={() => unpin(pin.message)} data-testid="pin-remove">
                Unpin
              </button>
            )}
          </li>
        ))}
      </ul>
      <p className="problem" role="alert">
        {problem}
      </p>
    </aside>
  )
}

function PinnedBy({ pin, me }: { readonly pin: Pin; readonly me: UserId }) {
  const today = useToday()
  const nameOf = useNames(pin.user === undefined ? [] : [pin.user])
  const by = pin.user === undefined ? 'Pinned' : `Pinned by ${pin.user === me ? 'you' : nameOf(pin.user)}`
  if (pin.at === undefined) return pin.pending === true ? `${by}, waiting to be sent` : by
  return (
    <time dateTime={machineTime(pin.at)} title={wholeTime(pin.at)}>
      {by}, {shortTime(pin.at, today)}
    </time>
  )
}

/** As in panel.css. */
function hasRoomBeside(): boolean {
  return window.matchMedia('(min-width: 70rem)').matches
}
