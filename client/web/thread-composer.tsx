/** Where one answers in a thread: Enter sends, Shift+Enter begins a new line. */

import { type KeyboardEvent, type SubmitEvent, useState } from 'react'

import type { Thread } from '../api.ts'
import { SendIcon } from './icons.tsx'
import { explainError } from './wording.ts'

interface Props {
  readonly thread: Thread
  /** Why nothing can be written here, if so. */
  readonly blocked: string | undefined
}

export function ThreadComposer({ thread, blocked }: Props) {
  const [text, setText] = useState('')
  const [problem, setProblem] = useState<string>()
  const isBlank = text.trim() === ''
  const isBlocked = blocked !== undefined

  function send(): void {
    if (isBlank || isBlocked) return
    try {
      thread.send(text.trimEnd())
      setText('')
      setProblem(undefined)
    } catch (error) {
      setProblem(explainError(error))
    }
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
      <p className="problem" role="alert">
        {problem !== undefined && `Not sent. ${problem}`}
      </p>
      <div className="composer-row">
        <div className="grow">
          <textarea
            data-testid="thread-composer"
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={onKeyDown}
            disabled={isBlocked}
            rows={1}
            dir="auto"
            placeholder={blocked ?? 'Answer in this thread'}
            aria-label={isBlocked ? `Answer. ${blocked}` : 'Answer in this thread'}
            enterKeyHint="send"
          />
          <div className="grow-copy" aria-hidden="true">
            {`${text} `}
          </div>
        </div>
        <button
          type="submit"
          className="send"
          data-testid="thread-send"
          disabled={isBlank || isBlocked}
          aria-label="Send the answer"
          // The text box keeps the focus, and on a phone the keyboard stays open.
          onMouseDown={(event) => event.preventDefault()}
        >
          <SendIcon />
        </button>
      </div>
    </form>
  )
}
