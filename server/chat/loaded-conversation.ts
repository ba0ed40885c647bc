/** What a live conversation starts from: rows of the store, or nothing but an owner. */

import { Fault } from '../../shared/fault.ts'
import type { ClientId, ConversationId } from '../../shared/sync/ids.ts'
import type { ChainRow, ConversationStore, DeletedRow, Head, MemberRow } from '../storage/conversation-store.ts'

export interface LoadedConversation {
  readonly head: Head
  readonly chains: readonly ChainRow[]
  readonly deleted: readonly DeletedRow[]
  readonly members: readonly MemberRow[]
}

/** Undefined when there never was one; Fault `deleted` when there was. */
export async function loadConversation(
  store: ConversationStore,
  id: ConversationId,
): Promise<LoadedConversation | undefined> {
  const stored = await store.head(id)
  if (stored === undefined) return undefined
  if (stored.kind === 'deleted') throw new Fault('deleted')
  const [chains, deleted, members] = await Promise.all([store.chains(id), store.deleted(id), store.members(id)])
  return { head: stored.head, chains, deleted, members }
}

/** A conversation before its first commit. */
export function emptyConversation(serverClient: ClientId, createdMs: number): LoadedConversation {
  const head: Head = {
    revision: 0,
    epoch: 0,
    createdMs,
    updatedMs: createdMs,
    title: null,
    nextSeq: 0,
    serverClient,
    nextRecord: 0,
    lastStampMs: 0,
    lastMessageSeq: null,
  }
  return { head, chains: [], deleted: [], members: [] }
}
