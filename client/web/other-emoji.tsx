/** Where any emoji is typed to react with: phones and desktops have a keyboard for them. */

import { type KeyboardEvent, useState } from 'react'

import { firstEmoji } from './emoji.ts'
import { PlusIcon } from './icons.tsx'

export function OtherEmoji({ choose }: { readonly choose: (emoji: string) => void }) {
  const [asks, setAsks] = useState(false)
  const [isBad, setBad] = useState(false)
  if (!asks) {
    return (
      <button
        type="button"
        className="emoji"
        aria-label="React with another emoji"
        onClick={() => setAsks(true)}
        data-testid="message-emoji"
      >
        <PlusIcon />
      </button>
    )
  }

  /** One from a keyboard of emoji is taken at once. */
  function type(text: string): void {
    const emoji = firstEmoji(text)
    setBad(emoji === undefined && text.trim() !== '')
    if (emoji !== undefined) choose(emoji)
  }

  return (
    <input
      className="emoji-input"
      data-testid="emoji-input"
      aria-label="Emoji to react with"
      aria-invalid={isBad}
      placeholder="Emoji"
      autoComplete="off"
      spellCheck={false}
      // oxlint-disable-next-line jsx-a11y/no-autofocus -- it takes the place of the button just pressed
      autoFocus
      onChange={(event) => {
        // Between the parts of one, input methods are not done.
        if (!isComposing(event.nativeEvent)) type(event.target.value)
      }}
      onCompositionEnd={(event) => type(event.currentTarget.value)}
      onKeyDown={keepArrows}
    />
  )
}

function isComposing(event: Event): boolean {
  return event instanceof InputEvent && event.isComposing
}

/** They move the caret here. */
function keepArrows(event: KeyboardEvent): void {
  if (event.key.startsWith('Arrow')) event.stopPropagation()
}
