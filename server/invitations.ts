/** What REST can do with invitations. What proves one, its token, is the business of those who ask; here it is known by its id. */

import type { InvitationId, InvitedAccess } from '../shared/chat/invitation.ts'
import type { ConversationId, UserId } from '../shared/sync/ids.ts'

/** Times in ms. */
export interface Invitation {
  readonly id: InvitationId
  readonly access: InvitedAccess
  readonly createdBy: UserId
  readonly createdMs: number
  readonly expiresMs: number
  /** Null: as many as like. */
  readonly usesLeft: number | null
}

export interface NewInvitation {
  readonly access: InvitedAccess
  readonly lifeMs: number
  /** Null: as many as like. */
  readonly uses: number | null
}

/** What a token names. */
export interface InvitationRef {
  readonly conversation: ConversationId
  readonly id: InvitationId
  readonly expiresMs: number
}

/** It was there once, and does not work any more; why is not for whoever has a link to know. */
export class InvitationEnded extends Error {
  constructor() {
    super('The invitation has expired, is used up or was withdrawn.')
    this.name = 'InvitationEnded'
  }
}

/**
 * Throws Fault `not-found`, `deleted`, `no-access` (for all but `accept`: below admin), `unavailable`; Refused where said.
 * What resolves is durable.
 */
export interface Invitations {
  /** Refused `too-many` when `limits.invitations` work already. */
  create(user: UserId, conversation: ConversationId, fresh: NewInvitation): Promise<Invitation>
  /** Those that work as far as time and uses go, in the order in which they were made. */
  list(user: UserId, conversation: ConversationId): Promise<readonly Invitation[]>
  /** Resolves also when there is none. */
  revoke(user: UserId, conversation: ConversationId, id: InvitationId): Promise<void>
  /**
   * Makes `user` a member, as an act of whoever invited, and spends a use, both at once or neither. Changes nothing for
   * those who are members. InvitationEnded when it does not work; Refused `too-many` when there are as many members as
   * there may be.
   */
  accept(user: UserId, ref: InvitationRef): Promise<void>
}
