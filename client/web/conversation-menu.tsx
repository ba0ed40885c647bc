/** What one can set for a conversation, for oneself alone or as its admin: a button in its head, and what it opens. */

import { type FocusEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react'

import { hasAccess } from '../../shared/chat/access.ts'
import type { Conversation, Personal } from '../api.ts'
import { ConversationSettings } from './conversation-settings.tsx'
import { MoreIcon } from './icons.tsx'
import { listHash } from './route.ts'
import { SureButton } from './sure-button.tsx'
import { useStore } from './use-store.ts'

interface Props {
  readonly personal: Personal
  readonly conversation: Conversation
  /** What the conversation is called. */
  readonly name: string
  /** Deletes it from this device; undefined while it cannot be. */
  readonly forget: (() => void) | undefined
}

export function ConversationMenu({ personal, conversation, name, forget }: Props) {
  const { id } = conversation
  const { access } = useStore(conversation.info)
  const [isOpen, setOpen] = useState(false)
  const [showsSettings, setShowsSettings] = useState(false)
  const more = useRef<HTMLButtonElement>(null)
  const { muted, favourite, hidden } = useStore(personal.of(id))

  const whole = useRef<HTMLDivElement>(null)

  useEffect(() => {
    if (!isOpen) return undefined
    const look = ({ target }: PointerEvent): void => {
      if (!(target instanceof Node && whole.current?.contains(target) === true)) setOpen(false)
    }
    document.addEventListener('pointerdown', look)
    return () => document.removeEventListener('pointerdown', look)
  }, [isOpen])

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
    if (relatedTarget !== null && !currentTarget.contains(relatedTarget)) setOpen(false)
  }

  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- Escape closes it from anywhere inside
    <div ref={whole} className="conversation-menu" onKeyDown={onKeyDown} onBlur={onBlur}>
      <button
        ref={more}
        type="button"
        className="icon-button"
        aria-label={`Actions for ${name}`}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        data-testid="conversation-more"
      >
        <MoreIcon />
      </button>
      {isOpen && (
        <div className="conversation-menu-list" role="group" aria-label={`Actions for ${name}`}>
          <button
            type="button"
            onClick={() => choose(() => personal.favourite(id, !favourite))}
            data-testid="conversation-favourite"
          >
            {favourite ? 'Not a favourite any more' : 'Make it a favourite'}
          </button>
          <button type="button" onClick={() => choose(() => personal.mute(id, !muted))} data-testid="conversation-mute">
            {muted ? 'Unmute' : 'Mute'}
          </button>
          <button
            type="button"
            onClick={() => leaveWith(() => personal.markUnread(id))}
            data-testid="conversation-unread"
          >
            Mark as unread
          </button>
          {hidden ? (
            <button
              type="button"
              onClick={() => choose(() => personal.hide(id, false))}
              data-testid="conversation-hide"
            >
              Show in the list again
            </button>
          ) : (
            <button type="button" onClick={() => leaveWith(() => personal.hide(id))} data-testid="conversation-hide">
              Hide until a message comes
            </button>
          )}
          {hasAccess(access, 'admin') && (
            <button
              type="button"
              aria-haspopup="dialog"
              onClick={() => choose(() => setShowsSettings(true))}
              data-testid="conversation-settings"
            >
              Conversation settings…
            </button>
          )}
          {forget !== undefined && (
            <SureButton
              label="Delete from this device"
              text="Delete from this device"
              sure="Really delete it? It cannot be fetched again."
              onSure={() => leaveWith(forget)}
              testId="conversation-forget"
            />
          )}
        </div>
      )}
      {showsSettings && <ConversationSettings conversation={conversation} onClose={() => setShowsSettings(false)} />}
    </div>
  )
}

/** Who goes on looking at it would read it. */
function leaveWith(act: () => void): void {
  act()
  window.location.hash = listHash
}
