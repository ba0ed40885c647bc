/** Where one writes: Enter sends, Shift+Enter begins a new line; what is typed is kept as a draft until it is sent. */

import { type KeyboardEvent, type SubmitEvent, useEffect, useRef, useState } from 'react'

import type { Conversation } from '../api.ts'
import type { Drafts } from './drafts.ts'
import { SendIcon } from './icons.tsx'
import { explainError } from './wording.ts'

interface Props {
  readonly conversation: Conversation
  readonly drafts: Drafts
  /** Why nothing can be written here, if so. */
  readonly blocked: string | undefined
  readonly onSent: () => void
  /** A text to go on with, a new object each time. */
  readonly offered: { readonly text: string } | undefined
}

export function Composer({ conversation, drafts, blocked, onSent, offered }: Props) {
  const { id } = conversation
  const [text, setText] = useState(() => drafts.get(id))
  const [problem, setProblem] = useState<string>()
  const box = useRef<HTMLTextAreaElement>(null)
  const isBlocked = blocked !== undefined
  const isBlank = text.trim() === ''

  useEffect(() => {
    if (!isBlocked && opensWithoutKeyboard() && !isTyping()) box.current?.focus()
  }, [isBlocked])

  function change(next: string): void {
    setText(next)
    setProblem(undefined)
    drafts.set(id, next)
  }

  const [taken, setTaken] = useState(offered)
  if (offered !== undefined && offered !== taken) {
    // What is being written stays, in front of it.
    setTaken(offered)
    setText(isBlank ? offered.text : `${text}\n${offered.text}`)
  }
  useEffect(() => {
    if (taken === undefined) return
    drafts.set(id, box.current?.value ?? '')
    box.current?.focus()
  }, [taken, drafts, id])

  function send(): void {
    if (isBlank || isBlocked) return
    try {
      conversation.send(text.trimEnd())
    } catch (error) {
      setProblem(explainError(error))
      return
    }
    change('')
    onSent()
    box.current?.focus()
  }

  function onKeyDown(event: KeyboardEvent<HTMLTextAreaElement>): void {
    if (event.key !== 'Enter' || event.shiftKey) return
    // Enter that ends the composition of a character belongs to the input method; Safari reports it as key 229.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return
    event.preventDefault()
    send()
  }

  function onSubmit(event: SubmitEvent<HTMLFormElement>): void {
    event.preventDefault()
    send()
  }

  return (
    <form className="composer" onSubmit={onSubmit}>
      <p className="problem" role="alert" id="composer-problem">
        {problem !== undefined && `Not sent. ${problem}`}
      </p>
      <div className="composer-row">
        {/* The copy below the text box gives it the height of its text. */}
        <div className="grow">
          <textarea
            ref={box}
            data-testid="composer"
            value={text}
            onChange={(event) => {
              change(event.target.value)
              conversation.presence.typing(event.target.value.trim() !== '')
            }}
            onKeyDown={onKeyDown}
            disabled={isBlocked}
            rows={1}
            dir="auto"
            placeholder={blocked ?? 'Write a message'}
            aria-label={isBlocked ? `Message. ${blocked}` : 'Message'}
            aria-describedby="composer-problem"
            enterKeyHint="send"
          />
          <div className="grow-copy" aria-hidden="true">
            {`${text} `}
          </div>
        </div>
        <button
          type="submit"
          className="send"
          data-testid="send"
          disabled={isBlank || isBlocked}
          aria-label="Send"
          // The text box keeps the focus, and on a phone the keyboard stays open.
          onMouseDown={(event) => event.preventDefault()}
        >
          <SendIcon />
        </button>
      </div>
    </form>
  )
}

/** Not on phones, where the focus would cover half of the conversation with a keyboard. */
function opensWithoutKeyboard(): boolean {
  return window.matchMedia('(hover: hover) and (pointer: fine)').matches
}

function isTyping(): boolean {
  return document.activeElement?.matches('input, textarea, select') ?? false
}
