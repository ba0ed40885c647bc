/** Where one searches: Ctrl or Cmd and K go there, Escape ends it, the arrow keys go to what was found. */

import { type KeyboardEvent, useEffect, useRef } from 'react'

import { hasKeyboard } from './has-keyboard.ts'
import { CloseIcon, SearchIcon } from './icons.tsx'
import { listHash } from './route.ts'

interface Props {
  readonly text: string
  readonly change: (text: string) => void
  /** Somebody is about to search. */
  readonly onFocus: () => void
}

const isMac = navigator.userAgent.includes('Mac')

export function SearchField({ text, change, onFocus }: Props) {
  const box = useRef<HTMLInputElement>(null)

  useEffect(() => {
    function onKey(event: globalThis.KeyboardEvent): void {
      const { key, ctrlKey, metaKey, altKey, shiftKey } = event
      if (key.toLowerCase() !== 'k' || altKey || shiftKey || ctrlKey === metaKey) return
      event.preventDefault()
      if (box.current?.checkVisibility() === false) {
        // On narrow screens the list is away while a conversation is shown.
        window.location.hash = listHash
        requestAnimationFrame(() => box.current?.select())
      } else box.current?.select()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])

  function onKeyDown(event: KeyboardEvent<HTMLInputElement>): void {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Escape') change('')
    else if (event.key === 'ArrowDown' || event.key === 'Enter') {
      const first = document.querySelector<HTMLElement>('.hits a')
      event.preventDefault()
      if (event.key === 'Enter') first?.click()
      else first?.focus()
    }
  }

  return (
    <search className="search">
      <SearchIcon />
      <input
        ref={box}
        type="text"
        inputMode="search"
        enterKeyHint="search"
        data-testid="search"
        aria-label="Search messages"
        aria-keyshortcuts={isMac ? 'Meta+K' : 'Control+K'}
        placeholder={hasKeyboard() ? `Search messages (${isMac ? '⌘K' : 'Ctrl+K'})` : 'Search messages'}
        autoComplete="off"
        spellCheck={false}
        maxLength={200}
        value={text}
        onChange={(event) => change(event.target.value)}
        onKeyDown={onKeyDown}
        onFocus={onFocus}
      />
      {text !== '' && (
        <button
          type="button"
          className="icon-button"
          aria-label="End the search"
          data-testid="search-end"
          onClick={() => {
            change('')
            box.current?.focus()
          }}
        >
          <CloseIcon />
        </button>
      )}
    </search>
  )
}
