/** An invitation: lets whoever has its link become a member, a number of times and until it ends. */

import { isUuidV7 } from '../sync/ids.ts'
import type { Access } from './access.ts'

declare const brand: unique symbol

/** An invitation's id: a UUIDv7 in lower case. Who knows it cannot join with it: that takes the token. */
export type InvitationId = string & { readonly [brand]: 'InvitationId' }

/** What an invitation may give: what every admin may. */
export const invitedAccesses = ['writer', 'reader'] as const satisfies readonly Access[]

export type InvitedAccess = (typeof invitedAccesses)[number]

function isInvitationId(value: unknown): value is InvitationId {
  return isUuidV7(value)
}

export function parseInvitationId(value: unknown): InvitationId | undefined {
  return isInvitationId(value) ? value : undefined
}

export function parseInvitedAccess(value: unknown): InvitedAccess | undefined {
  return invitedAccesses.find((access) => access === value)
}
