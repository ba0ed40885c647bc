/** What a reply refers to, as it stands now. */

import { useMemo } from 'react'

import type { MessageId } from '../../shared/chat/entry.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { Conversation, Quote } from '../api.ts'
import { useReadable } from './use-mentions.ts'
import { useNames } from './use-names.ts'
import { useStore } from './use-store.ts'

export interface QuoteProps {
  readonly conversation: Conversation
  readonly id: MessageId
  readonly me: UserId
}

interface LinkProps extends QuoteProps {
  readonly goTo: (id: MessageId) => void
  /** Of whom or what it is one, for those who do not see where it stands; not given: of a reply. */
  readonly what?: string
  /** Hundreds of messages are one stop of the Tab key: their quotes are reached through the menu. */
  readonly isTabStop?: boolean
}

/** Goes to the message. */
export function MessageQuote({ conversation, id, me, goTo, what = 'In reply to', isTabStop = false }: LinkProps) {
  const quote = useQuote(conversation, id)
  const author = useAuthor(quote, me)
  const words = useWords(conversation, quote)
  return (
    <button
      type="button"
      className="quote"
      tabIndex={isTabStop ? 0 : -1}
      disabled={quote.state !== 'here'}
      aria-label={`${what} ${author ?? 'another message'}: ${words}`}
      onClick={() => goTo(id)}
      data-testid="message-quote"
      data-state={quote.state}
    >
      <QuoteText quote={quote} author={author === 'you' ? 'You' : author} words={words} />
    </button>
  )
}

/** Above the text box: what is being replied to. */
export function ReplyPreview({ conversation, id, me }: QuoteProps) {
  const quote = useQuote(conversation, id)
  const author = useAuthor(quote, me)
  const words = useWords(conversation, quote)
  return (
    <div className="quote" data-testid="reply-preview">
      <QuoteText quote={quote} author={author === undefined ? 'Reply' : `Reply to ${author}`} words={words} />
    </div>
  )
}

interface QuoteTextProps {
  readonly quote: Quote
  readonly author: string | undefined
  readonly words: string
}

function QuoteText({ quote, author, words }: QuoteTextProps) {
  const isQuiet = quote.state !== 'here' || quote.redacted
  return (
    <>
      {author !== undefined && <span className="quote-author">{author}</span>}
      <span className={isQuiet ? 'quote-text quiet' : 'quote-text'} dir="auto">
        {words}
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

/** With the names of those it mentions. */
function useWords(conversation: Conversation, quote: Quote): string {
  const { members } = useStore(conversation.info)
  const users = useMemo(() => members.map(({ user }) => user), [members])
  return useReadable(wordsOf(quote), users)
}

function wordsOf(quote: Quote): string {
  if (quote.state !== 'here') {
    return quote.state === 'elsewhere' ? 'A message that is not on this device.' : 'A message that cannot be found.'
  }
  if (quote.redacted) return 'This message was removed.'
  return quote.content.trim() === '' ? 'A message without text.' : quote.content
}
