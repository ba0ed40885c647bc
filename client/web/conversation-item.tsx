/** One line of the list of conversations. */

import { memo } from 'react'

import type { UserId } from '../../shared/sync/ids.ts'
import type { ConversationSummary } from '../api.ts'
import { ConversationAvatar } from './conversation-avatar.tsx'
import { conversationName, namedMembers } from './names.ts'
import { conversationHash } from './route.ts'
import { machineTime, shortTime } from './time.ts'
import { useNames } from './use-names.ts'

interface Props {
  readonly summary: ConversationSummary
  readonly user: UserId
  readonly today: number
  readonly isCurrent: boolean
}

export const ConversationItem = memo(function ConversationItem({ summary, user, today, isCurrent }: Props) {
  const { id, title, members, updatedAt, lastMessage, registered } = summary
  const users = members?.map((member) => member.user)
  const name = conversationName(title, users, user, useNames(namedMembers(users, user)))
  // What is being read is not unread.
  const unread = isCurrent ? 0 : summary.unread
  const mentions = isCurrent ? 0 : (summary.mentions ?? 0)
  return (
    <a
      className="item"
      href={conversationHash(id)}
      aria-current={isCurrent ? 'page' : undefined}
      data-testid="conversation-item"
      data-id={id}
      data-unread={unread}
      data-mentions={mentions}
      data-registered={registered}
    >
      <ConversationAvatar name={name} users={users} me={user} />
      <span className="item-name">{name}</span>
      <time className="item-time" dateTime={machineTime(updatedAt)}>
        {shortTime(updatedAt, today)}
      </time>
      <span className="item-last">
        {lastMessage === '' ? 'A message without text' : (lastMessage ?? 'No messages yet')}
      </span>
      {unread > 0 && (
        <span className="badge">
          {mentions > 0 && (
            <span className="badge-mentions" data-testid="mentions">
              @<span className="hidden">{` ${mentions} of them mention you; `}</span>
            </span>
          )}
          {unread > 99 ? '99+' : unread}
          <span className="hidden"> unread</span>
        </span>
      )}
      {!registered && <span className="mark">Not on the server yet</span>}
    </a>
  )
})
