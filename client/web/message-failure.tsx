/** What a failed message says, and what can be done with it. */

import { useContext, useState } from 'react'

import type { MessageId } from '../../shared/chat/entry.ts'
import type { VoidReason } from '../../shared/chat/policy.ts'
import type { Conversation } from '../api.ts'
import { ComposeAgain } from './compose-again.ts'
import { WarningIcon } from './icons.tsx'
import { explainError, failures } from './wording.ts'

interface Props {
  readonly conversation: Conversation
  readonly id: MessageId
  readonly content: string
  readonly reason: VoidReason
}

export function MessageFailure({ conversation, id, content, reason }: Props) {
  const [answer, setAnswer] = useState<string>()

  function retry(): void {
    try {
      conversation.retry(id)
    } catch (error) {
      setAnswer(explainError(error))
    }
  }

  const composeAgain = useContext(ComposeAgain)

  function edit(): void {
    try {
      composeAgain(conversation.copy(id))
      conversation.discard(id)
    } catch (error) {
      setAnswer(explainError(error))
    }
  }

  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(content)
      setAnswer('Copied.')
    } catch {
      // Browsers allow it on secure origins only; the text can still be selected by hand.
      setAnswer('This browser does not allow copying here. Select the text instead.')
    }
  }

  return (
    <div className="failure">
      <p>
        <WarningIcon />
        <span>Not sent. {failures[reason]}</span>
      </p>
      <div className="failure-actions">
        <span role="status">{answer}</span>
        <button type="button" onClick={retry} data-testid="message-retry">
          Try again
        </button>
        <button type="button" onClick={edit} data-testid="message-compose">
          Write again
        </button>
        <button type="button" onClick={() => void copy()} data-testid="message-copy">
          Copy text
        </button>
        <button type="button" onClick={() => conversation.discard(id)} data-testid="message-discard">
          Discard
        </button>
      </div>
    </div>
  )
}
