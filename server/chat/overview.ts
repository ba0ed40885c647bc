/** What a device that comes back has to be told: which of its user's conversations moved, and which it can no longer open. */

import type { Activity, Gone, Version } from '../../shared/sync/control.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { ConversationStore, Head } from '../storage/conversation-store.ts'

/** `versions` is what the device has. One read of the heads; no conversation is loaded. */
export async function readOverview(
  store: ConversationStore,
  user: UserId,
  versions: ReadonlyMap<ConversationId, Version>,
): Promise<{ readonly moved: readonly Activity[]; readonly gone: readonly Gone[] }> {
  const ids = await store.conversationsOf(user)
  const own = new Set(ids)
  const lost = [...versions.keys()].filter((id) => !own.has(id))
  const [heads, lostHeads] = await Promise.all([store.heads(ids), store.heads(lost)])
  const moved = ids.flatMap((conversation, index) => {
    const stored = heads[index]
    return stored?.kind === 'head' && !isCurrent(stored.head, versions.get(conversation))
      ? [activityOf(conversation, stored.head)]
      : []
  })
  const gone = lost.flatMap((conversation, index): Gone[] => {
    const stored = lostHeads[index]
    // The store was put back from an older copy: the device may know how to bring it back (SPEC FORK2).
    if (stored === undefined) return [{ conversation, code: 'not-found' }]
    // Nothing can be said of it.
    if (stored.kind === 'damaged') return []
    return [{ conversation, code: stored.kind === 'deleted' ? 'deleted' : 'no-access' }]
  })
  return { moved, gone }
}

function isCurrent({ serverClient, nextRecord }: Head, version: Version | undefined): boolean {
  return version?.server === serverClient && version.records === nextRecord
}

function activityOf(conversation: ConversationId, { serverClient, nextRecord, nextSeq }: Head): Activity {
  return { conversation, seq: nextSeq - 1, version: { server: serverClient, records: nextRecord } }
}
