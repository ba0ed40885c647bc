/**
 * Where one writes, in a conversation and in its threads: Enter sends, Shift+Enter begins a new line; what is typed is kept as a
 * draft until it is sent.
 */

import { type KeyboardEvent, type ReactNode, type SubmitEvent, useEffect, useId, useRef, useState } from 'react'

import type { MessageId } from '../../shared/chat/entry.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { Conversation } from '../api.ts'
import type { Offered } from './compose-again.ts'
import type { PlaceDraft } from './drafts.ts'
import { hasKeyboard } from './has-keyboard.ts'
import { SendIcon } from './icons.tsx'
import { comboboxOf, MentionList } from './mention-list.tsx'
import { useDraft } from './use-draft.ts'
import { useMentions, type Written } from './use-mentions.ts'
import { explainError } from './wording.ts'

/** What every place to write in is given. */
export interface ComposerPlace {
  readonly conversation: Conversation
  readonly draft: PlaceDraft
  readonly user: UserId
  readonly members: readonly UserId[]
  /** Why nothing can be written here, if so. */
  readonly blocked: string | undefined
  readonly offered: Offered | undefined
}

interface Props extends ComposerPlace {
  /** What it is for. */
  readonly label: string
  readonly placeholder: string
  readonly sendLabel: string
  /** Of the text box; of the button `send` behind it. */
  readonly testIds: { readonly box: string; readonly send: string }
  /** Throws what is wrong with it. */
  readonly send: (written: Written) => void
  readonly onSent?: () => void
  /** What stands above the text box. */
  readonly children?: ReactNode
  /** Escape, when nothing else is to be closed; it goes on from there. */
  readonly onEscape?: () => void
  /** Another one takes the focus here. */
  readonly replyTo?: MessageId | undefined
  readonly onReply?: (replyTo: MessageId | undefined) => void
}

export function Composer(props: Props) {
  const { conversation, draft, user, members, blocked, offered, label, placeholder, testIds } = props
  const { send, onSent, children, onEscape, replyTo, onReply, sendLabel } = props
  const [problem, setProblem] = useState<string>()
  const problemId = useId()
  const box = useRef<HTMLTextAreaElement>(null)
  const { text, change: type, show, leave } = useDraft(draft, box, onReply)
  const isBlocked = blocked !== undefined
  const isBlank = text.trim() === ''
  const mentions = useMentions({ box, text, offered: offered?.text ?? '', change, user, members })

  useEffect(() => {
    if (!isBlocked && hasKeyboard() && !isTyping()) box.current?.focus()
  }, [isBlocked])

  useEffect(() => {
    if (replyTo !== undefined) box.current?.focus()
  }, [replyTo])

  function change(next: string): void {
    setProblem(undefined)
    type(next)
  }

  const [taken, setTaken] = useState(offered)
  if (offered !== undefined && offered !== taken) {
    // What is being written stays, in front of it.
    setTaken(offered)
    const again = mentions.readable(offered.text)
    show(isBlank ? again : `${text}\n${again}`)
  }
  useEffect(() => {
    if (taken === undefined) return
    type(box.current?.value ?? '')
    box.current?.focus()
  }, [taken, type])

  function submit(): void {
    if (isBlank || isBlocked) return
    try {
      send(mentions.read(text.trimEnd()))
    } catch (error) {
      setProblem(explainError(error))
      return
    }
    change('')
    onSent?.()
    box.current?.focus()
  }

  function onKeyDown(event: KeyboardEvent<HTMLTextAreaElement>): void {
    if (!event.nativeEvent.isComposing && mentions.onKey(event)) return
    if (event.key === 'Escape') onEscape?.()
    if (event.key !== 'Enter' || event.shiftKey) return
    // Enter that ends the composition of a character belongs to the input method; Safari reports it as key 229.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return
    event.preventDefault()
    submit()
  }

  function onSubmit(event: SubmitEvent<HTMLFormElement>): void {
    event.preventDefault()
    submit()
  }

  return (
    <form className="composer" onSubmit={onSubmit}>
      <p className="problem" role="alert" id={problemId}>
        {problem !== undefined && `Not sent. ${problem}`}
      </p>
      {children}
      <MentionList {...mentions} />
      <div className="composer-row">
        {/* The copy below the text box gives it the height of its text. */}
        <div className="grow">
          <textarea
            ref={box}
            data-testid={testIds.box}
            value={text}
            onChange={(event) => {
              change(event.target.value)
              conversation.presence.typing(event.target.value.trim() !== '')
              mentions.look()
            }}
            onSelect={mentions.look}
            onKeyDown={onKeyDown}
            onBlur={() => {
              mentions.close()
              leave()
            }}
            {...comboboxOf(mentions)}
            disabled={isBlocked}
            rows={1}
            dir="auto"
            placeholder={blocked ?? placeholder}
            aria-label={isBlocked ? `${label}. ${blocked}` : label}
            aria-describedby={problemId}
            enterKeyHint="send"
          />
          <div className="grow-copy" aria-hidden="true">
            {`${text === '' ? (blocked ?? placeholder) : text} `}
          </div>
        </div>
        <button
          type="submit"
          className="send"
          data-testid={testIds.send}
          disabled={isBlank || isBlocked}
          aria-label={sendLabel}
          // The text box keeps the focus, and on a phone the keyboard stays open.
          onMouseDown={(event) => event.preventDefault()}
        >
          <SendIcon />
        </button>
      </div>
    </form>
  )
}

function isTyping(): boolean {
  return document.activeElement?.matches('input, textarea, select') ?? false
}
