/** What a live conversation starts from: rows of the store, or nothing but an owner. */

import { isPrivateConversation } from '../../shared/chat/private-conversation.ts'
import { Fault } from '../../shared/fault.ts'
import type { ClientId, ConversationId } from '../../shared/sync/ids.ts'
import { type Genesis, parseRecord } from '../../shared/sync/record.ts'
import type { ChainRow, ConversationStore, DeletedRow, Head } from '../storage/conversation-store.ts'
import { missingRows } from '../storage/missing-rows.ts'
import type { RosterRows } from './live-roster.ts'
import { findSetAt } from './private-state.ts'
import { findUpgrade, type Upgrade } from './upgrading.ts'

export interface LoadedConversation extends RosterRows {
  readonly head: Head
  /** Of the store: the head may be of an earlier one. */
  readonly generation: number
  readonly chains: readonly ChainRow[]
  readonly deleted: readonly DeletedRow[]
  /** What is not written yet of what it is made of: it is from before there was an archive. */
  readonly upgrade?: Upgrade | undefined
}

/** Undefined when there never was one; Fault `deleted` when there was. */
export async function loadConversation(
  store: ConversationStore,
  id: ConversationId,
): Promise<LoadedConversation | undefined> {
  const [stored, generation] = await Promise.all([store.head(id), store.generation()])
  if (stored === undefined) return undefined
  if (stored.kind === 'deleted') throw new Fault('deleted')
  const [chains, deleted, members, settings, pins] = await Promise.all([
    store.chains(id),
    store.deleted(id),
    store.members(id),
    store.settings(id),
    store.pins(id),
  ])
  const setAt = await findSetAt(store, id, stored.head)
  const rows = { generation, chains, deleted, members, settings, pins, setAt }
  const upgrade = await findUpgrade(store, id, stored.head)
  if (upgrade === undefined) return { ...rows, head: stored.head }
  const { liveEntries, liveBytes } = upgrade
  const head = { ...stored.head, liveEntries, liveBytes }
  return { ...rows, settings: upgrade.settings, pins: upgrade.pins, head, upgrade }
}

/** The first record of a conversation that has one. */
export async function readGenesis(store: ConversationStore, id: ConversationId): Promise<Genesis> {
  for await (const { payload } of store.records(id, { from: 0, to: 1 })) {
    const record = payload && parseRecord(payload)
    if (record?.kind === 'genesis') return record
    break
  }
  throw await missingRows(store, id, 'its first record is no genesis')
}

/**
 * A conversation before its first commit. After a restore devices may know it from before, in epochs that nobody can
 * tell any more: its own is later than those.
 */
export function emptyConversation(
  id: ConversationId,
  serverClient: ClientId,
  createdMs: number,
  generation: number,
): LoadedConversation {
  const head: Head = {
    revision: 0,
    epoch: generation,
    generation,
    createdMs,
    updatedMs: createdMs,
    title: null,
    nextSeq: 0,
    serverClient,
    nextRecord: 0,
    lastStampMs: 0,
    lastMessageSeq: null,
    through: -1,
    firstRecord: 1,
    checkpoint: null,
    liveEntries: 0,
    liveBytes: 0,
    redactions: 0,
    soleAuthor: null,
    events: 0,
  }
  const setAt = isPrivateConversation(id) ? new Map<string, number>() : undefined
  return { head, generation, chains: [], deleted: [], members: [], settings: [], pins: [], setAt }
}
