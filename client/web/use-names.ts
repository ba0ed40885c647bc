/** What people are called, in components: their names as they are known here, or else their user ids. */

import { createContext, useContext, useMemo } from 'react'

import type { UserId } from '../../shared/sync/ids.ts'
import type { Profile, Profiles, ReadableStore } from '../api.ts'
import { useStore } from './use-store.ts'

export const ProfilesContext = createContext<Profiles | undefined>(undefined)

/** Of whoever is signed in. */
export function useProfiles(): Profiles {
  const profiles = useContext(ProfilesContext)
  if (profiles === undefined) throw new Error('nobody is signed in')
  return profiles
}

/** Undefined while nothing is known of the user. */
export function useProfile(user: UserId): Profile | undefined {
  return useStore(useProfiles().get(user))
}

/** What each of these users is called; others by their ids. */
export function useNames(users: readonly UserId[]): (user: UserId) => string {
  const profiles = useProfiles()
  // No user id has a space.
  const key = users.join(' ')
  const store = useMemo(() => namesStore(profiles, key === '' ? [] : key.split(' ')), [profiles, key])
  const names = useStore(store)
  return useMemo(() => {
    const list = names.split('\n')
    const byUser = new Map(key.split(' ').map((user, index) => [user, list[index]]))
    return (user) => byUser.get(user) ?? user
  }, [names, key])
}

/** Names in the order of the users, one a line, for none has a line break: so equal names are equal snapshots. */
function namesStore(profiles: Profiles, users: readonly string[]): ReadableStore<string> {
  const stores = users.map((user) => ({ user, profile: profiles.get(user) }))
  return {
    getSnapshot: () => stores.map(({ user, profile }) => profile.getSnapshot()?.name ?? user).join('\n'),
    subscribe: (listener) => {
      const ends = stores.map(({ profile }) => profile.subscribe(listener))
      return () => ends.forEach((end) => end())
    },
  }
}
