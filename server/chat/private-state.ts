/** The private conversation of a user (`shared/chat/private-conversation.ts`): begun when first asked for, by nobody else. */

import { parseEntry } from '../../shared/chat/entry.ts'
import { isPrivateConversation, privateConversationOf } from '../../shared/chat/private-conversation.ts'
import { Fault } from '../../shared/fault.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { ConversationStore, Head } from '../storage/conversation-store.ts'
import type { Registry } from './registry.ts'

/** Nothing to do for other conversations; Fault `no-access` for somebody else's private one. */
export async function enterPrivate(registry: Registry, user: UserId, id: ConversationId): Promise<void> {
  if (!isPrivateConversation(id)) return
  if (id !== privateConversationOf(user)) throw new Fault('no-access')
  await registry.useOrBegin(id, async (live) => {
    const begun = await live.serially(async () => {
      if (live.isUnborn) live.begin(user)
      return { durable: live.commit() }
    })
    await begun.durable
  })
}

/** Seqs of the live entries that set a key last; undefined for what is not private. One walk over the window. */
export async function findSetAt(
  store: ConversationStore,
  id: ConversationId,
  { through, nextSeq }: Head,
): Promise<ReadonlyMap<string, number> | undefined> {
  if (!isPrivateConversation(id)) return undefined
  const setAt = new Map<string, number>()
  for await (const { seq, payload } of store.entriesNewestFirst(id, { after: through, before: nextSeq })) {
    const parsed = payload === undefined ? undefined : parseEntry(payload)
    if (parsed?.kind !== 'entry' || parsed.entry.kind !== 'set') continue
    if (!setAt.has(parsed.entry.key)) setAt.set(parsed.entry.key, seq)
  }
  return setAt
}
