/** One line of the list of conversations. */

import { memo } from 'react'

import type { UserId } from '../../shared/sync/ids.ts'
import type { ConversationSummary, PersonalState } from '../api.ts'
import { ConversationAvatar } from './conversation-avatar.tsx'
import { MutedIcon, StarIcon } from './icons.tsx'
import { conversationName, namedMembers } from './names.ts'
import { conversationHash } from './route.ts'
import { machineTime, shortTime } from './time.ts'
import { useReadable } from './use-mentions.ts'
import { useNames } from './use-names.ts'
import { goneWords } from './wording.ts'

interface Props {
  readonly summary: ConversationSummary
  /** What the user has set for it, if anything. */
  readonly state: PersonalState | undefined
  readonly user: UserId
  readonly today: number
  readonly isCurrent: boolean
}

const nobody: readonly UserId[] = []

export const ConversationItem = memo(function ConversationItem({ summary, state, user, today, isCurrent }: Props) {
  const { id, title, gone, members, updatedAt, lastMessage, registered } = summary
  const users = members?.map((member) => member.user)
  const name = conversationName(title, users, user, useNames(namedMembers(users, user)))
  const last = useReadable(lastMessage ?? '', users ?? nobody)
  // What is being read is not unread.
  const unread = isCurrent ? 0 : summary.unread
  const mentions = isCurrent ? 0 : (summary.mentions ?? 0)
  const marked = !isCurrent && unread === 0 && state?.markedUnread === true
  const draft = isCurrent ? '' : (state?.draft?.content.trim() ?? '')
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
      data-gone={gone}
      data-muted={state?.muted}
      data-favourite={state?.favourite}
    >
      <ConversationAvatar name={name} users={users} me={user} />
      <span className="item-name">
        {state?.favourite === true && <StarIcon label="Favourite: " />}
        {name}
        {state?.muted === true && <MutedIcon label=" Muted" />}
      </span>
      <time className="item-time" dateTime={machineTime(updatedAt)}>
        {shortTime(updatedAt, today)}
      </time>
      <span className="item-last">
        {draft !== '' && (
          <span data-testid="draft">
            <span className="item-draft">Draft: </span>
            {draft}
          </span>
        )}
        {draft === '' &&
          (lastMessage === '' ? 'A message without text' : lastMessage === null ? 'No messages yet' : last)}
      </span>
      {marked && (
        <span className="badge badge-mark" data-testid="marked-unread">
          <span className="hidden">Marked as unread</span>
        </span>
      )}
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
      {gone !== undefined && <span className="mark">{goneWords[gone]}</span>}
      {!registered && <span className="mark">Not on the server yet</span>}
    </a>
  )
})
