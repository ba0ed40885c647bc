/** Where one writes: Enter sends, Shift+Enter begins a new line; what is typed is kept as a draft until it is sent. */

import { type KeyboardEvent, type SubmitEvent, useEffect, useRef, useState } from 'react'

import type { MessageId } from '../../shared/chat/entry.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { Conversation } from '../api.ts'
import type { Drafts } from './drafts.ts'
import { CloseIcon, SendIcon } from './icons.tsx'
import { MentionList, mentionListId, optionId } from './mention-list.tsx'
import { ReplyPreview } from './message-quote.tsx'
import { useDraft } from './use-draft.ts'
import { useMentions } from './use-mentions.ts'
import { explainError } from './wording.ts'

interface Props {
  readonly conversation: Conversation
  readonly drafts: Drafts
  readonly user: UserId
  readonly members: readonly UserId[]
  /** What is being replied to. */
  readonly replyTo: MessageId | undefined
  readonly endReply: () => void
  /** It was chosen on another device, or before. */
  readonly onReply: (replyTo: MessageId | undefined) => void
  /** Why nothing can be written here, if so. */
  readonly blocked: string | undefined
  readonly onSent: () => void
  /** A text to go on with, a new object each time. */
  readonly offered: { readonly text: string } | undefined
}

export function Composer(props: Props) {
  const { conversation, drafts, user, members, replyTo, endReply, onReply, blocked, onSent, offered } = props
  const { id } = conversation
  const [problem, setProblem] = useState<string>()
  const box = useRef<HTMLTextAreaElement>(null)
  const { text, change: type, show, leave } = useDraft(drafts, id, box, onReply)
  const isBlocked = blocked !== undefined
  const isBlank = text.trim() === ''

  useEffect(() => {
    if (!isBlocked && opensWithoutKeyboard() && !isTyping()) box.current?.focus()
  }, [isBlocked])

  function change(next: string): void {
    setProblem(undefined)
    type(next)
  }

  const [taken, setTaken] = useState(offered)
  if (offered !== undefined && offered !== taken) {
    // What is being written stays, in front of it.
    setTaken(offered)
    show(isBlank ? offered.text : `${text}\n${offered.text}`)
  }
  useEffect(() => {
    if (taken === undefined) return
    type(box.current?.value ?? '')
    box.current?.focus()
  }, [taken, type])

  const mentions = useMentions({ box, text, change, users: members.filter((member) => member !== user) })
  const { offered: suggested } = mentions
  const meant = suggested[mentions.active]

  useEffect(() => {
    if (replyTo !== undefined) box.current?.focus()
  }, [replyTo])

  function send(): void {
    if (isBlank || isBlocked) return
    const named = mentions.chosenIn(text)
    try {
      conversation.send({
        content: text.trimEnd(),
        ...(replyTo === undefined ? {} : { replyTo }),
        ...(named.length === 0 ? {} : { mentions: named }),
      })
    } catch (error) {
      setProblem(explainError(error))
      return
    }
    change('')
    endReply()
    onSent()
    box.current?.focus()
  }

  function onKeyDown(event: KeyboardEvent<HTMLTextAreaElement>): void {
    if (!event.nativeEvent.isComposing && mentions.onKey(event)) return
    if (event.key === 'Escape') endReply()
    if (event.key !== 'Enter' || event.shiftKey) return
    // Enter that ends the composition of a character belongs to the input method; Safari reports it as key 229.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return
    event.preventDefault()
    send()
  }

  function cancelReply(): void {
    endReply()
    box.current?.focus()
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
      {replyTo !== undefined && (
        <div className="reply">
          <ReplyPreview conversation={conversation} id={replyTo} me={user} />
          <button
            type="button"
            className="icon-button"
            aria-label="Do not reply to it"
            onClick={cancelReply}
            data-testid="reply-cancel"
          >
            <CloseIcon />
          </button>
        </div>
      )}
      {suggested.length > 0 && <MentionList {...mentions} />}
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
              mentions.look()
            }}
            onSelect={mentions.look}
            onKeyDown={onKeyDown}
            onBlur={leave}
            aria-autocomplete="list"
            aria-controls={suggested.length > 0 ? mentionListId : undefined}
            aria-activedescendant={meant === undefined ? undefined : optionId(meant)}
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
