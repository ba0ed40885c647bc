/**
 * The chain this device appends to in one conversation. A device reuses its chains, so that their number stays that of
 * devices and tabs: lock one of the pool, then load the document, then take its id (SPEC CHAIN*). In any other order an
 * ordinary tab close would fork it.
 */

import * as Y from 'yjs'
import { type ClientId, type ConversationId, parseClientId, type UserId } from '../../shared/sync/ids.ts'
import { chainRoot } from '../../shared/sync/roots.ts'
import type { ClientStorage, OutboxRow } from '../storage/client-storage.ts'

export interface OwnChain {
  readonly client: ClientId
  readonly release: () => void
}

/** Draws a random clientID. */
export type DrawClientId = () => ClientId

export function drawClientId(): ClientId {
  const [drawn] = crypto.getRandomValues(new Uint32Array(1))
  const client = parseClientId(drawn)
  if (client === undefined) throw new Error('not an unsigned 32-bit integer')
  return client
}

/** Locks a chain of this device: one with entries to bring first, else any that is free, else a new one. */
export async function lockOwnChain(storage: ClientStorage, id: ConversationId, draw: DrawClientId): Promise<OwnChain> {
  const [pool, outbox] = await Promise.all([storage.pool(id), storage.outbox(id)])
  const waiting = new Set(outbox.filter(({ failed }) => failed === undefined).map(({ client }) => client))
  const candidates = pool.toSorted((a, b) => Number(waiting.has(b.client)) - Number(waiting.has(a.client)))
  for (const { client } of candidates) {
    const release = await storage.lockChain(id, client)
    if (release !== undefined) return { client, release }
  }
  return newOwnChain(storage, id, draw)
}

export async function newOwnChain(storage: ClientStorage, id: ConversationId, draw: DrawClientId): Promise<OwnChain> {
  const client = draw()
  // Without locks nothing is released, and nobody takes the id again.
  const release = (await storage.lockChain(id, client)) ?? (() => undefined)
  await storage.putPool(id, { client, next: 0 }).catch(() => undefined)
  return { client, release }
}

/** Appends a payload to the chain of `doc.clientID`; returns its place. */
export function appendOwn(doc: Y.Doc, user: UserId, payload: Uint8Array): Pick<OutboxRow, 'client' | 'clock'> {
  const place = nextOwnPlace(doc)
  // Making the root would be a transaction of its own, whose listeners might append before this entry is in.
  doc.transact(() => doc.getArray<Uint8Array>(chainRoot(place.client, user)).push([payload]))
  return place
}

/** Where the next own entry will stand. */
export function nextOwnPlace(doc: Y.Doc): Pick<OutboxRow, 'client' | 'clock'> {
  const client = parseClientId(doc.clientID)
  if (client === undefined) throw new Error('a clientID beyond 32 bits')
  return { client, clock: Y.getState(doc.store, client) }
}

/**
 * Makes `doc` continue the locked chain: takes its id and appends again, at the same clocks, what the outbox has and the
 * document lost. False when the chain has been longer than both know: then it must not be used, for another entry could
 * stand where the next one would go.
 */
export async function continueOwnChain(
  doc: Y.Doc,
  user: UserId,
  chain: OwnChain,
  storage: ClientStorage,
  id: ConversationId,
): Promise<boolean> {
  doc.clientID = chain.client
  const [pool, outbox] = await Promise.all([storage.pool(id), storage.outbox(id)])
  for (const row of outbox) {
    const isNext = row.client === chain.client && row.clock === nextOwnPlace(doc).clock
    if (isNext && row.failed === undefined) appendOwn(doc, user, row.payload)
  }
  const remembered = pool.find(({ client }) => client === chain.client)?.next ?? 0
  return nextOwnPlace(doc).clock >= remembered
}
