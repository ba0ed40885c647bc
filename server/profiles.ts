/** What REST can do with profiles. */

import type { Profile, ProfileChange } from '../shared/chat/profile.ts'
import type { UserId } from '../shared/sync/ids.ts'

export interface OwnProfile extends Profile {
  /** In ms; null when nothing was ever chosen. */
  readonly updatedMs: number | null
}

/** Throws Fault `unavailable`. */
export interface Profiles {
  own(user: UserId): Promise<OwnProfile>
  /** How it is then, and durable. */
  change(user: UserId, change: ProfileChange): Promise<OwnProfile>
  /** Nothing of it is left then: what was being changed meanwhile is gone, or begins anew. */
  remove(user: UserId): Promise<void>
  /** In the order of the users asked for; undefined for those who have chosen nothing. */
  of(users: readonly UserId[]): Promise<readonly (Profile | undefined)[]>
  /** Others whom `user` shares a conversation with (SPEC USERS1), as `findProfiles` finds them. */
  search(user: UserId, query: string, limit: number): Promise<readonly Profile[]>
}
