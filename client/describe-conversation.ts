/** From the fold to what a conversation tells of itself beside its messages; the same object while nothing changes. */

import type { Folded } from '../shared/chat/fold.ts'
import type { ConversationId, UserId } from '../shared/sync/ids.ts'
import type { ConversationInfo, ConversationStatus } from './api.ts'

export function describeConversation(
  id: ConversationId,
  user: UserId,
  { genesis, title, members }: Folded,
  before: ConversationInfo,
): ConversationInfo {
  if (genesis === undefined) return before
  const access = members.get(user)
  const list = [...members].map(([member, held]) => ({ user: member, access: held }))
  const same = before.title === title && before.access === access && sameMembers(before.members, list)
  return same ? before : { id, title, access, members: list }
}

export function sameStatus(a: ConversationStatus, b: ConversationStatus): boolean {
  return a.connection === b.connection && a.storage === b.storage && a.pending === b.pending
}

function sameMembers(a: ConversationInfo['members'], b: ConversationInfo['members']): boolean {
  return a.length === b.length && a.every(({ user, access }, at) => user === b[at]?.user && access === b[at]?.access)
}
