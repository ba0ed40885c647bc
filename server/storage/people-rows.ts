/** Rows of people: invitations, which are of a conversation, and profiles, which are of none. A part of the store's contract. */

import type { InvitationId, InvitedAccess } from '../../shared/chat/invitation.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'

/** An invitation that still works, unless its time is over. Its token is not in it. */
export interface InvitationRow {
  readonly id: InvitationId
  readonly access: InvitedAccess
  /** Whose act each acceptance is. */
  readonly createdBy: UserId
  readonly createdMs: number
  /** From then on it does not work. */
  readonly expiresMs: number
  /** Null: as many as like. 0 in a commit: it is spent or revoked, and its row goes. */
  readonly usesLeft: number | null
}

export interface ProfileRow {
  readonly user: UserId
  readonly name: string | null
  readonly color: string | null
  readonly updatedMs: number
}

export interface PeopleStore {
  /** In the order in which they were made, those whose time is over included. */
  invitations(conversation: ConversationId): Promise<readonly InvitationRow[]>
  /** In the order of the users asked for; undefined where there is none. One that is damaged does not keep the others from being told. */
  profiles(users: readonly UserId[]): Promise<readonly (ProfileRow | 'damaged' | undefined)[]>
  /**
   * Replaces a profile; resolves when it is durable. It needs no turn among the commits. Rejects with a StoreError when it
   * cannot say that it is durable: then the store has failed as after a commit, and the next commit finds that out.
   */
  putProfile(row: ProfileRow): Promise<void>
  /** The same for a profile that goes; resolves also when there is none. */
  removeProfile(user: UserId): Promise<void>
}
