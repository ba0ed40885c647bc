/** The public surface of people in the SDK, as types: who they are, and how they are invited. */

import type { InvitationId, InvitedAccess } from '../../shared/chat/invitation.ts'
import type { Profile, ProfileChange } from '../../shared/chat/profile.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ReadableStore } from '../api.ts'

export type { InvitationId, InvitedAccess, Profile, ProfileChange }

/** What became of what was chosen of the own profile on this device. */
export type ProfileStatus =
  /** The server has all of it. */
  | { readonly phase: 'sent' }
  /** Kept here until a connection comes. */
  | { readonly phase: 'pending' }
  /** The server did not take `change`, and `mine` is again what the server has: until something is chosen, or the client ends. */
  | { readonly phase: 'refused'; readonly change: ProfileChange; readonly code: string; readonly reason: string }

export interface Profiles {
  /**
   * Of a user, as last known on this device, offline too; undefined for those of whom nothing is known. The same object for the
   * same user. Throws TypeError for what is no user id.
   */
  get(user: string): ReadableStore<Profile | undefined>
  /** The own one, with what is not sent yet. */
  readonly mine: ReadableStore<Profile>
  readonly status: ReadableStore<ProfileStatus>
  /**
   * Changes the own profile, online or not: shown at once, kept here, and sent when a connection comes; of several devices
   * the last one to send counts. Resolves when it is kept on this device. Throws TypeError for what no server would take: a
   * name is 1 to 80 UTF-16 units without control characters, a colour `#rrggbb`; null clears. What the server refuses all
   * the same, `status` tells.
   */
  setMine(change: ProfileChange): Promise<void>
  /**
   * Others whose id or name contains the text, those of which one begins with it first: from the server among the people one
   * shares a conversation with, else from what this device knows.
   */
  search(text: string, limit?: number): Promise<readonly Profile[]>
}

/** An invitation that works. Times in ms. */
export interface Invitation {
  readonly id: InvitationId
  readonly access: InvitedAccess
  readonly expiresAt: number
  /** Null: as many as like. */
  readonly usesLeft: number | null
  readonly createdBy: UserId
  readonly createdAt: number
}

export interface NewInvitation extends Invitation {
  /** For `acceptInvitation`: whoever has it can join. It is told only now. */
  readonly token: string
  /** The same as a link to the web chat of this server. */
  readonly url: string
}

export interface InvitationWish {
  /** `writer` when not given. */
  readonly access?: InvitedAccess
  /** 7 days when not given, 30 at most; whole seconds count. */
  readonly lifeMs?: number
  /** 1 when not given, 1,000 at most; null: as many as like. */
  readonly uses?: number | null
}

/**
 * Of a conversation, for its admins and owners. All reject with NoConnection when the server cannot be asked, and RestFailure when
 * it refuses.
 */
export interface Invitations {
  create(wish?: InvitationWish): Promise<NewInvitation>
  list(): Promise<readonly Invitation[]>
  /** Nobody can join with it any more. */
  revoke(id: string): Promise<void>
}
