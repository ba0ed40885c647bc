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
  /** Which of the conversation's documents it is. */
  readonly generation: number
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
  const { doc, cache, generation } = await loadDocument(storage, id)
  const continues = await continueOwnChain(doc, user, locked, storage, id)
  const chain = continues ? locked : await newOwnChain(storage, id, draw)
  doc.clientID = chain.client
  await adoptOrphans(doc, user, chain, storage, id, continues ? undefined : locked)
  if (!continues) {
    await storage.removePool(id, locked.client)
    locked.release()
  }
  const outbox = await storage.outbox(id)
  if (!storage.canLock) await prunePool(storage, id, chain, outbox)
  return { doc, chain, cache, generation, storage, outbox }
}

type Loaded = Pick<LocalConversation, 'doc' | 'cache' | 'generation'>

/** Another tab may replace the document at any moment: then the next one is loaded. */
async function loadDocument(storage: ClientStorage, id: ConversationId): Promise<Loaded> {
  for (;;) {
    const generation = await storage.generation(id)
    const doc = new Y.Doc()
    const cache = await storage.openDocument(id, doc, generation)
    const counts = (await storage.generation(id)) === generation
    if (!counts) await cache.close()
    // A tab that was closed right after it replaced the document has left the one before.
    if (!counts || generation > 0) dropDocument(storage, id, counts ? generation - 1 : generation)
    if (counts) return { doc, cache, generation }
    doc.destroy()
  }
}

/** Not waited for: a tab that is frozen may have it open. What is left is dropped at the next opening. */
function dropDocument(storage: ClientStorage, id: ConversationId, generation: number): void {
  storage.dropDocument(id, generation).catch(() => undefined)
}

/** Without locks every opening draws a chain, and nobody will take it again: those with nothing to bring are forgotten. */
async function prunePool(
  storage: ClientStorage,
  id: ConversationId,
  own: OwnChain,
  outbox: readonly OutboxRow[],
): Promise<void> {
  const needed = new Set([own.client, ...outbox.map(({ client }) => client)])
  for (const { client } of await storage.pool(id)) if (!needed.has(client)) await storage.removePool(id, client)
}

/**
 * Appends to the own chain the messages that only the outbox has, of chains that nobody uses any more: they are shown at
 * once, and their ids make a second copy harmless. What else there is waits until it is known what the server has.
 */
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
    const parsed = parseEntry(row.payload)
    if (row.failed !== undefined || parsed.kind === 'unreadable' || parsed.entry.kind !== 'message') continue
    const isRetired = row.client === retired?.client
    const release = isRetired || !storage.canLock ? () => undefined : await storage.lockChain(id, row.client)
    if (release === undefined) continue
    await storage.putOutbox(id, { ...nextOwnPlace(doc), payload: row.payload })
    appendOwn(doc, user, row.payload)
    await storage.removeOutbox(id, row)
    release()
  }
}
