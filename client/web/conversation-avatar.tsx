/** The round mark of a conversation: that of the other person where there are two, else one of its own. */

import type { UserId } from '../../shared/sync/ids.ts'
import { Avatar } from './avatar.tsx'
import { PersonAvatar } from './person.tsx'

interface Props {
  readonly name: string
  readonly users: readonly UserId[] | undefined
  readonly me: UserId
}

export function ConversationAvatar({ name, users, me }: Props) {
  const others = users?.length === 2 ? users.filter((user) => user !== me) : []
  const [other] = others
  return other !== undefined && others.length === 1 ? <PersonAvatar user={other} /> : <Avatar name={name} />
}
