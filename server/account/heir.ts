/**
 * Who has a conversation when its last owner goes: the admin, else the writer, who has been writing here for longest; those
 * who have written nothing yet come behind, by name. Members have no date of their own, their chains have.
 */

import type { Access } from '../../shared/chat/access.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { LiveRoster } from '../chat/live-roster.ts'
import type { ConversationStore } from '../storage/conversation-store.ts'

export type Heir =
  /** There is another owner, or the user is none. */
  | { readonly kind: 'none-needed' }
  | { readonly kind: 'member'; readonly user: UserId }
  /** Nobody who may write is left. */
  | { readonly kind: 'nobody' }

export async function findHeir(
  store: ConversationStore,
  id: ConversationId,
  roster: LiveRoster,
  owner: UserId,
): Promise<Heir> {
  if (roster.accessOf(owner) !== 'owner') return { kind: 'none-needed' }
  const others = [...roster.users()].filter((user) => user !== owner)
  const having = (access: Access): UserId[] => others.filter((user) => roster.accessOf(user) === access)
  if (having('owner').length > 0) return { kind: 'none-needed' }
  const admins = having('admin')
  const candidates = admins.length > 0 ? admins : having('writer')
  if (candidates.length === 0) return { kind: 'nobody' }
  const since = new Map<UserId, number>()
  for (const { user, createdMs } of await store.chains(id)) {
    since.set(user, Math.min(createdMs, since.get(user) ?? Infinity))
  }
  const sinceOf = (user: UserId): number => since.get(user) ?? Infinity
  const [user] = candidates.toSorted((a, b) => (sinceOf(a) === sinceOf(b) ? (a < b ? -1 : 1) : sinceOf(a) - sinceOf(b)))
  return user === undefined ? { kind: 'nobody' } : { kind: 'member', user }
}
