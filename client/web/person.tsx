/** A person in the page: their name with the user id behind it, and their round mark in the colour they chose. */

import type { UserId } from '../../shared/sync/ids.ts'
import { Avatar } from './avatar.tsx'
import { useProfile } from './use-names.ts'

interface Props {
  readonly user: UserId
}

/** The user id can always be seen: anybody may call themselves anything. */
export function PersonName({ user }: Props) {
  const name = useProfile(user)?.name ?? user
  return (
    <bdi className="person" title={user}>
      {name}
    </bdi>
  )
}

/** The user id of somebody who is called something else, and what parts it from what follows. */
export function PersonId({ user, end = '' }: Props & { readonly end?: string }) {
  const name = useProfile(user)?.name ?? user
  return name === user ? null : <span className="person-id">{`${user}${end}`}</span>
}

export function PersonAvatar({ user }: Props) {
  const profile = useProfile(user)
  return <Avatar name={profile?.name ?? user} hueOf={user} color={profile?.color ?? undefined} />
}
