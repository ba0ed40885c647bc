/** What a device that comes back has to be told: which of its user's conversations moved, and which it can no longer open. */

import type { Activity, Gone, Version } from '../../shared/sync/control.ts'
import { type ConversationId, parseClientId, type UserId } from '../../shared/sync/ids.ts'
import { limits } from '../../shared/limits.ts'
import { wipes, wipeSetting } from '../../shared/chat/known-settings.ts'
import { type ConversationStore, type Head, isDamage } from '../storage/conversation-store.ts'

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
  const gone: Gone[] = []
  for (const [index, conversation] of lost.entries()) {
    const stored = lostHeads[index]
    // The store was put back from an older copy: the device may know how to bring it back (SPEC FORK2).
    if (stored === undefined) gone.push({ conversation, code: 'not-found' })
    else if (stored.kind === 'deleted') gone.push({ conversation, code: 'deleted' })
    // Of a damaged one nothing can be said.
    else if (stored.kind === 'head') {
      const isWhole =
        (await hasAllOf(store, conversation, stored.head, versions.get(conversation))) &&
        (await isRemoved(store, conversation, user))
      gone.push({ conversation, code: 'no-access', ...(isWhole ? await wipeOf(store, conversation) : {}) })
    }
  }
  return { moved, gone }
}

/**
 * Whether the server knows all that a device had when it was last live. Where it was put back from an older copy it may know
 * nothing of that the user was added: then the device is no one's that was removed, and may be the only one with what it has.
 */
async function hasAllOf(
  store: ConversationStore,
  id: ConversationId,
  { serverClient, nextRecord }: Head,
  version: Version | undefined,
): Promise<boolean> {
  const server = version && parseClientId(version.server)
  if (version === undefined || server === undefined) return false
  if (server === serverClient) return version.records <= nextRecord
  // Of an epoch before.
  const [dropped] = await store.dropped(id, [server])
  return dropped?.user === null && version.records <= dropped.next
}

/** Whether the server knows that the user was removed, or has left: a copy that was written on may be as long as what was lost. */
async function isRemoved(store: ConversationStore, id: ConversationId, user: UserId): Promise<boolean> {
  try {
    for (let range = {}; ;) {
      const page = await store.events(id, { after: -1, ...range, limit: limits.pageEvents, take: 'newest' })
      const last = page.findLast(({ entry }) => entry.kind === 'member' && entry.user === user)
      if (last !== undefined) return last.entry.kind === 'member' && last.entry.access === null
      const [first] = page
      if (first === undefined) return false
      range = { before: first.seq }
    }
  } catch (error) {
    if (!isDamage(error)) throw error
    return false
  }
}

/** Whether what devices have of it is to be deleted; nothing where that cannot be read. */
async function wipeOf(store: ConversationStore, id: ConversationId): Promise<{ readonly wipe?: true }> {
  try {
    const settings = await store.settings(id)
    return settings.some(({ key, value }) => key === wipeSetting && wipes(value)) ? { wipe: true } : {}
  } catch (error) {
    if (!isDamage(error)) throw error
    return {}
  }
}

function isCurrent({ serverClient, nextRecord }: Head, version: Version | undefined): boolean {
  return version?.server === serverClient && version.records === nextRecord
}

function activityOf(conversation: ConversationId, { serverClient, nextRecord, nextSeq }: Head): Activity {
  return { conversation, seq: nextSeq - 1, version: { server: serverClient, records: nextRecord } }
}
