/**
 * Opens what a device has of a conversation, without any network: takes a chain, loads the document, and brings back
 * into it whatever the outbox has and the document lost.
 */

import * as Y from 'yjs'
import { parseEntry } from '../shared/chat/entry.ts'
import type { ConversationId, UserId } from '../shared/sync/ids.ts'
import type { ClientStorage, DocumentCache, OutboxRow } from './storage/client-storage.ts'
import { createMemoryStorage } from './storage/memory/memory-storage.ts'
import {
  appendOwn,
  continueOwnChain,
  type DrawClientId,
  lockOwnChain,
  newOwnChain,
  nextOwnPlace,
  type OwnChain,
} from './sync/own-chain.ts'

export interface LocalConversation {
  readonly doc: Y.Doc
  readonly chain: OwnChain
  readonly cache: DocumentCache
  readonly storage: ClientStorage
  /** Rows of the outbox after everything was put in its place. */
  readonly outbox: readonly OutboxRow[]
}

export async function openLocal(
  storage: ClientStorage,
  user: UserId,
  id: ConversationId,
  draw: DrawClientId,
): Promise<LocalConversation> {
  try {
    return await openWith(storage, user, id, draw)
  } catch (error) {
    // The device cannot be read: the conversation goes on in memory, and its status says why.
    const reason = error instanceof Error ? error.message : String(error)
    return openWith(createMemoryStorage({ phase: 'memory', reason }), user, id, draw)
  }
}

async function openWith(
  storage: ClientStorage,
  user: UserId,
  id: ConversationId,
  draw: DrawClientId,
): Promise<LocalConversation> {
  const locked = await lockOwnChain(storage, id, draw)
  try {
    return await openLocked(storage, user, id, draw, locked)
  } catch (error) {
    locked.release()
    throw error
  }
}

async function openLocked(
  storage: ClientStorage,
  user: UserId,
  id: ConversationId,
  draw: DrawClientId,
  locked: OwnChain,
): Promise<LocalConversation> {
  const doc = new Y.Doc()
  const cache = await storage.openDocument(id, doc)
  const continues = await continueOwnChain(doc, user, locked, storage, id)
  const chain = continues ? locked : await newOwnChain(storage, id, draw)
  doc.clientID = chain.client
  await adoptOrphans(doc, user, chain, storage, id, continues ? undefined : locked)
  if (!continues) {
    await storage.removePool(id, locked.client)
    locked.release()
  }
  return { doc, chain, cache, storage, outbox: await storage.outbox(id) }
}

/** Appends to the own chain what only the outbox has of chains that nobody uses any more. Ids make a second copy harmless. */
async function adoptOrphans(
  doc: Y.Doc,
  user: UserId,
  chain: OwnChain,
  storage: ClientStorage,
  id: ConversationId,
  retired: OwnChain | undefined,
): Promise<void> {
  for (const row of await storage.outbox(id)) {
    if (row.client === chain.client || row.clock < Y.getState(doc.store, row.client)) continue
    const isRetired = row.client === retired?.client
    const parsed = parseEntry(row.payload)
    // Settings may have been set anew since, and only messages have ids that make a second copy harmless.
    const isMessage = parsed.kind === 'entry' && parsed.entry.kind === 'message'
    const release = isRetired || !storage.canLock ? () => undefined : await storage.lockChain(id, row.client)
    if (release === undefined) continue
    if (isMessage) {
      await storage.putOutbox(id, { ...nextOwnPlace(doc), payload: row.payload })
      appendOwn(doc, user, row.payload)
    }
    await storage.removeOutbox(id, row)
    release()
  }
}
