/** At a message: how many answered it in a thread, or that it stands in one itself; goes to the thread. */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { ChatMessage } from '../api.ts'
import { ThreadIcon } from './icons.tsx'
import { count } from './names.ts'
import { useNames } from './use-names.ts'

interface Props {
  readonly message: ChatMessage
  readonly open: (root: MessageId) => void
}

/** Named in full; the others are counted. */
const named = 3

export function ThreadMark({ message, open }: Props) {
  const { id, thread, replies } = message
  const users = replies?.users.slice(0, named) ?? []
  const nameOf = useNames(users)
  const root = thread ?? (replies === undefined ? undefined : id)
  if (root === undefined) return null
  const others = (replies?.users.length ?? 0) - users.length
  const names = [...users.map(nameOf), ...(others > 0 ? [count(others, 'other')] : [])]
  const who = new Intl.ListFormat('en').format(names)
  return (
    <button
      type="button"
      className="thread-mark"
      onClick={() => open(root)}
      data-testid="thread-open"
      data-count={replies?.count}
    >
      <ThreadIcon />
      <span>{replies === undefined ? 'In a thread' : `${count(replies.count, 'answer')} by ${who}`}</span>
    </button>
  )
}
