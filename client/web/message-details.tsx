/** How far a message has come and how people have answered it, each by name: a dialog. */

import { useMemo } from 'react'

import type { UserId } from '../../shared/sync/ids.ts'
import type { ChatMessage, Conversation } from '../api.ts'
import { Dialog } from './dialog.tsx'
import { PersonAvatar, PersonId, PersonName } from './person.tsx'
import { machineTime, wholeTime } from './time.ts'
import { timeOf } from './timeline-rows.ts'
import { useStore } from './use-store.ts'

interface Props {
  readonly conversation: Conversation
  readonly message: ChatMessage
  readonly me: UserId
  readonly onClose: () => void
}

export function MessageDetails({ conversation, message, me, onClose }: Props) {
  const { own, delivery, editedAt, reactions = [] } = message
  const time = timeOf(message)
  return (
    <Dialog title="Details of the message" testId="details" onClose={onClose}>
      {() => (
        <div className="dialog-body">
          <p className="quiet">
            {'seq' in delivery ? 'Sent ' : 'Written '}
            <time dateTime={machineTime(time)}>{wholeTime(time)}</time>
            {editedAt !== undefined && `, edited ${wholeTime(editedAt)}`}
          </p>
          {reactions.map(({ emoji, users }) => (
            <People key={emoji} title={emoji} users={users} me={me} />
          ))}
          {own && 'seq' in delivery && <Receipts conversation={conversation} message={message} me={me} />}
        </div>
      )}
    </Dialog>
  )
}

/** Of all that are members now. */
function Receipts({ conversation, message, me }: Omit<Props, 'onClose'>) {
  const { id } = message
  const { read, received } = useStore(useMemo(() => conversation.receipts(id), [conversation, id]))
  const { members } = useStore(conversation.info)
  const others = members.flatMap(({ user }) => (user === me ? [] : [user]))
  const isRead = new Set(read)
  const isReceived = new Set(received)
  return (
    <>
      <People title="Read by" users={others.filter((user) => isRead.has(user))} me={me} />
      <People title="Received by" users={others.filter((user) => !isRead.has(user) && isReceived.has(user))} me={me} />
      <People
        title="Not told of yet"
        users={others.filter((user) => !isRead.has(user) && !isReceived.has(user))}
        me={me}
      />
    </>
  )
}

interface PeopleProps {
  readonly title: string
  readonly users: readonly UserId[]
  readonly me: UserId
}

function People({ title, users, me }: PeopleProps) {
  if (users.length === 0) return null
  return (
    <section className="people" aria-label={title} data-testid="details-people" data-title={title}>
      <h3>
        {title} <span className="quiet">{users.length}</span>
      </h3>
      <ul>
        {users.map((user) => (
          <li key={user}>
            <PersonAvatar user={user} />
            <span>
              <PersonName user={user} />
              {user === me && <span className="quiet"> (you)</span>}{' '}
              <span className="quiet">
                <PersonId user={user} />
              </span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
