/** Profiles, kept in the store; one change of a user at a time. */

import { findProfiles, type Profile } from '../../shared/chat/profile.ts'
import { Fault } from '../../shared/fault.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { OwnProfile, Profiles } from '../profiles.ts'
import type { ConversationStore } from '../storage/conversation-store.ts'
import type { ProfileRow } from '../storage/people-rows.ts'
import { acquaintances } from './acquaintances.ts'

export interface ProfileDeps {
  readonly store: ConversationStore
  /** In ms. */
  readonly now: () => number
}

export function createProfiles({ store, now }: ProfileDeps): Profiles {
  /** What each user is changing or taking away, until it is durable. */
  const changing = new Map<UserId, Promise<unknown>>()

  async function rowOf(user: UserId): Promise<ProfileRow | 'damaged' | undefined> {
    const [row] = await store.profiles([user])
    return row
  }

  async function own(user: UserId): Promise<OwnProfile> {
    const row = await rowOf(user)
    if (row === 'damaged') throw new Fault('unavailable', 'The profile is damaged; it can be set anew.')
    return row ?? { user, name: null, color: null, updatedMs: null }
  }

  async function of(users: readonly UserId[]): Promise<readonly (Profile | undefined)[]> {
    return (await store.profiles(users)).map((row) => (row === 'damaged' ? undefined : row))
  }

  async function changed(user: UserId, change: Partial<Profile>): Promise<ProfileRow> {
    const row = await rowOf(user)
    const { name = null, color = null } = row === 'damaged' || row === undefined ? {} : row
    const fresh: ProfileRow = { user, name, color, ...change, updatedMs: now() }
    await store.putProfile(fresh)
    return fresh
  }

  /** Of whoever has none nothing is written. */
  async function remove(user: UserId): Promise<void> {
    if ((await rowOf(user)) !== undefined) await store.removeProfile(user)
  }

  async function inTurn<T>(user: UserId, job: () => Promise<T>): Promise<T> {
    const done = after(changing.get(user), job)
    changing.set(user, done)
    try {
      return await done
    } finally {
      if (changing.get(user) === done) changing.delete(user)
    }
  }

  return {
    own,
    of,
    change: (user, change) => inTurn(user, () => changed(user, change)),
    remove: (user) => inTurn(user, () => remove(user)),
    search: async (user, query, limit) => {
      const users = await acquaintances(store, user)
      const known = await of(users)
      return findProfiles(
        users.map((each, index) => known[index] ?? { user: each, name: null, color: null }),
        query,
        limit,
      )
    },
  }
}

async function after<T>(before: Promise<unknown> | undefined, job: () => Promise<T>): Promise<T> {
  // Whether it went well is for whoever asked for it to hear.
  if (before !== undefined) await Promise.allSettled([before])
  return await job()
}
