/** Where the text of an own message is changed: Enter saves, Shift+Enter begins a new line, Escape leaves it as it was. */

import { type KeyboardEvent, useEffect, useRef, useState } from 'react'

import type { UserId } from '../../shared/sync/ids.ts'
import { labelOf, renamed } from './mentions.ts'
import { useLabels } from './use-mentions.ts'

interface Props {
  readonly content: string
  /** Whom it mentions: that stays so. */
  readonly mentions: readonly UserId[]
  /** False when it was refused. */
  readonly save: (content: string) => boolean
  readonly close: () => void
}

export function MessageEditor({ content, mentions, save, close }: Props) {
  const { labels, nameOf } = useLabels(mentions, content.includes('@'))
  // As they are called now; what they are called meanwhile stands in no text.
  const [readLabels] = useState(labels)
  const [text, setText] = useState(() => renamed(content, labels, (user) => labelOf(user, nameOf, labels)))
  const box = useRef<HTMLTextAreaElement>(null)
  const isBlank = text.trim() === ''

  useEffect(() => {
    box.current?.focus()
    box.current?.setSelectionRange(box.current.value.length, box.current.value.length)
  }, [])

  function submit(): void {
    if (!isBlank && save(renamed(text.trimEnd(), readLabels, (user) => user))) close()
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Escape') {
      event.stopPropagation()
      close()
    }
    // As in the composer: Enter that ends the composition of a character belongs to the input method.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing || event.keyCode === 229) return
    if (event.target !== box.current) return
    event.preventDefault()
    submit()
  }

  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- Escape leaves it from anywhere inside
    <div className="editor" onKeyDown={onKeyDown}>
      <div className="grow">
        <textarea
          ref={box}
          data-testid="message-editor"
          value={text}
          onChange={(event) => setText(event.target.value)}
          rows={1}
          dir="auto"
          aria-label="Edit the message"
        />
        <div className="grow-copy" aria-hidden="true">
          {`${text} `}
        </div>
      </div>
      <div className="actions">
        <button type="button" className="primary" onClick={submit} disabled={isBlank} data-testid="message-save">
          Save
        </button>
        <button type="button" onClick={close} data-testid="message-cancel">
          Cancel
        </button>
      </div>
    </div>
  )
}
