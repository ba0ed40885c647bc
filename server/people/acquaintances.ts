/** Whom a user shares a conversation with, as far as is looked: the only people whom a search tells of (SPEC USERS1). */

import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { type ConversationStore, isDamage } from '../storage/conversation-store.ts'

/**
 * Others in the `limits.searchedConversations` that were active last, until there are `limits.searchedUsers`: those of the
 * newest conversations are among them, so people whom one talks to are found.
 */
export async function acquaintances(store: ConversationStore, user: UserId): Promise<readonly UserId[]> {
  const ids = await store.conversationsOf(user)
  const heads = await store.heads(ids)
  const newest = ids
    .flatMap((id, index) => {
      const stored = heads[index]
      return stored?.kind === 'head' ? [{ id, updatedMs: stored.head.updatedMs }] : []
    })
    .toSorted((a, b) => b.updatedMs - a.updatedMs)
    .slice(0, limits.searchedConversations)
  const found = new Set<UserId>()
  for (const { id } of newest) {
    // One more than are wanted: the user is among them.
    const room = limits.searchedUsers - found.size + 1
    for (const { user: member } of await store.members(id, room).catch(noneIfDamaged)) {
      if (member !== user) found.add(member)
      if (found.size >= limits.searchedUsers) return [...found]
    }
  }
  return [...found]
}

/** One damaged conversation does not keep the others from being looked at (SPEC STORE9). */
function noneIfDamaged(error: unknown): readonly [] {
  if (!isDamage(error)) throw error
  return []
}
