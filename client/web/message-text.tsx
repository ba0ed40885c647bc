/** The text of a message, or what is to be said in its place. It is only ever text nodes. */

import type { UserId } from '../../shared/sync/ids.ts'
import type { ChatMessage } from '../api.ts'
import { labelsOf, piecesOf } from './mentions.ts'
import { useNames } from './use-names.ts'

export function MessageText({ message, me }: { readonly message: ChatMessage; readonly me: UserId }) {
  const { content, redactedAt, redactedBy = message.user, mentions = [] } = message
  const nameOf = useNames([redactedBy, ...mentions])
  const isBlank = content.trim() === ''
  return (
    <span className={isBlank ? 'text quiet' : 'text'} data-testid="message-text">
      {redactedAt !== undefined
        ? removalWords(message, redactedBy === me ? 'you' : nameOf(redactedBy))
        : isBlank
          ? 'This message has no text that this page could show.'
          : piecesOf(content, labelsOf(mentions, nameOf)).map(({ text, at, user }) =>
              user === undefined ? (
                text
              ) : (
                <mark key={at} className="mention" data-testid="mention" data-me={user === me} title={user}>
                  @{nameOf(user)}
                </mark>
              ),
            )}
    </span>
  )
}

/** By whom it was removed, when that was not its author. */
function removalWords({ user, redactedBy = user }: ChatMessage, remover: string): string {
  return redactedBy === user ? 'This message was removed.' : `This message was removed by ${remover}.`
}
