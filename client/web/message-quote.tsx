/** What a reply refers to, as it stands now. */

import { useMemo } from 'react'

import type { MessageId } from '../../shared/chat/entry.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { Conversation, Quote } from '../api.ts'
import { useNames } from './use-names.ts'
import { useStore } from './use-store.ts'

export interface QuoteProps {
  readonly conversation: Conversation
  readonly id: MessageId
  readonly me: UserId
}

/** Above a reply; goes to the message. */
export function MessageQuote({ conversation, id, me, goTo }: QuoteProps & { readonly goTo: (id: MessageId) => void }) {
  const quote = useQuote(conversation, id)
  const author = useAuthor(quote, me)
  return (
    // By the keyboard it is reached through the menu: hundreds of messages are one stop of the Tab key.
    <button
      type="button"
      className="quote"
      tabIndex={-1}
      disabled={quote.state !== 'here'}
      aria-label={`In reply to ${author ?? 'another message'}: ${wordsOf(quote)}`}
      onClick={() => goTo(id)}
      data-testid="message-quote"
      data-state={quote.state}
    >
      <QuoteText quote={quote} author={author} />
    </button>
  )
}

/** Above the text box: what is being replied to. */
export function ReplyPreview({ conversation, id, me }: QuoteProps) {
  const quote = useQuote(conversation, id)
  const author = useAuthor(quote, me)
  return (
    <div className="quote" data-testid="reply-preview">
      <QuoteText quote={quote} author={author === undefined ? 'Reply' : `Reply to ${author}`} />
    </div>
  )
}

function QuoteText({ quote, author }: { readonly quote: Quote; readonly author: string | undefined }) {
  const isQuiet = quote.state !== 'here' || quote.redacted
  return (
    <>
      {author !== undefined && <span className="quote-author">{author}</span>}
      <span className={isQuiet ? 'quote-text quiet' : 'quote-text'} dir="auto">
        {wordsOf(quote)}
      </span>
    </>
  )
}

function useQuote(conversation: Conversation, id: MessageId): Quote {
  return useStore(useMemo(() => conversation.quote(id), [conversation, id]))
}

function useAuthor(quote: Quote, me: UserId): string | undefined {
  const user = quote.state === 'here' ? quote.user : undefined
  const nameOf = useNames(user === undefined ? [] : [user])
  if (user === undefined) return undefined
  return user === me ? 'you' : nameOf(user)
}

function wordsOf(quote: Quote): string {
  if (quote.state !== 'here') {
    return quote.state === 'elsewhere' ? 'A message that is not on this device.' : 'A message that cannot be found.'
  }
  if (quote.redacted) return 'This message was removed.'
  return quote.content.trim() === '' ? 'A message without text.' : quote.content
}
