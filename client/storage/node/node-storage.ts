/** What a Node program keeps: a LevelDB folder per server and user. */

import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as Y from 'yjs'
import { parseVoidReason, type VoidReason } from '../../../shared/chat/policy.ts'
import type { Profile, ProfileChange } from '../../../shared/chat/profile.ts'
import {
  type ConversationId,
  parseClientId,
  parseConversationId,
  parseUserId,
  type UserId,
} from '../../../shared/sync/ids.ts'
import {
  type ClientStorage,
  type ConversationRow,
  defaultPageBudgetBytes,
  type DocumentCache,
  type OutboxPlace,
  type OutboxRow,
  type PoolRow,
  type Replacement,
  type StorageOptions,
  storeName,
} from '../client-storage.ts'
import { createHeldLocks } from '../held-locks.ts'
import { createPageStore } from '../pages/create-page-store.ts'
import { type Database, fromJson, last, openDatabase, padded, toJson, values } from './database.ts'
import { createNodePages } from './node-pages.ts'

const choiceKey = 'own-choice'

/** Updates kept one by one before they are merged at the next open. */
const updatesPerCompaction = 200

/** Opens the store of `user` at `server` below `folder`. LevelDB lets one process in at a time; another gets an error. */
export async function openNodeStorage(
  folder: string,
  server: string,
  user: UserId,
  { pageBudgetBytes = defaultPageBudgetBytes, now = Date.now }: StorageOptions = {},
): Promise<ClientStorage> {
  const location = join(folder, folderName(storeName(server, user)))
  const { db, isNew } = await openDatabase(location)
  const locks = createHeldLocks()
  let replacing: Promise<void> | undefined
  return {
    status: { phase: 'persistent' },
    isNew,
    // Nobody clears a folder behind its owner's back.
    wasLost: false,
    pages: createPageStore(createNodePages(db), { budgetBytes: pageBudgetBytes, now }),
    conversations: () => readConversations(db),
    putConversation: (row) => db.put(`conversation/${row.id}`, toJson(row)),
    removeConversation: (id) => db.del(`conversation/${id}`),

    profiles: () => readProfiles(db),
    putProfiles: async (rows) => {
      const batch = db.batch()
      for (const row of rows) batch.put(`profile/${row.user}`, toJson(row))
      await batch.write()
    },
    ownChoice: async () => {
      const kept = await db.get(choiceKey)
      return kept === undefined ? undefined : choiceIn(fromJson(kept))
    },
    putOwnChoice: (choice) => (choice === undefined ? db.del(choiceKey) : db.put(choiceKey, toJson(choice))),

    generation: (id) => readGeneration(db, id),
    openDocument: (id, doc, generation = 0) => openDocument(db, documentPrefix(id, generation), doc),
    readDocument: async (id, doc, generation = 0) => {
      applyAll(doc, await values(db, documentPrefix(id, generation)))
    },
    replaceDocument: (id, replacement) => {
      replacing = replaceDocument(db, id, replacement)
      return replacing
    },
    dropDocument: (id, generation) => {
      const prefix = documentPrefix(id, generation)
      return db.clear({ gt: prefix, lt: prefix + last })
    },

    pool: async (id) => (await values(db, `pool/${id}/`)).map(fromJson).filter(isPoolRow),
    putPool: (id, row) => db.put(`pool/${id}/${row.client}`, toJson(row)),
    removePool: (id, client) => db.del(`pool/${id}/${client}`),
    unsent: () => readUnsent(db),
    outbox: (id) => readOutbox(db, id),
    putOutbox: async (id, row) => {
      // What is put behind a replacement must not be overtaken by it: both tell the length of a chain.
      if (replacing !== undefined) await replacing.catch(() => undefined)
      const pool: PoolRow = { client: row.client, next: row.clock + 1 }
      const puts = db.batch().put(outboxKey(id, row), row.payload).put(`pool/${id}/${row.client}`, toJson(pool))
      await puts.write({ sync: true })
    },
    removeOutbox: async (id, place) => {
      // It may be what that puts.
      if (replacing !== undefined) await replacing.catch(() => undefined)
      await db.batch().del(outboxKey(id, place)).del(failedKey(id, place)).write()
    },

    canLock: true,
    lockChain: async (id, client) => locks.take(`${id}/${client}`),
    lockRebuild: (id) => locks.wait(id),
    close: () => db.close(),
    destroy: async () => {
      await db.close()
      await rm(location, { recursive: true, force: true })
    },
  }
}

/** One folder for one store, on any file system: some do not tell `Ann` from `ann`, none likes `..` or 300 characters. */
function folderName(store: string): string {
  const readable = store.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  return `${readable.slice(0, 80)}-${createHash('sha256').update(store).digest('hex').slice(0, 32)}`
}

function outboxKey(id: ConversationId, { client, clock }: OutboxPlace): string {
  return `outbox/${id}/${padded(client)}/${padded(clock)}`
}

/** Of the reason beside a row that has one. */
function failedKey(id: ConversationId, { client, clock }: OutboxPlace): string {
  return `failed/${id}/${padded(client)}/${padded(clock)}`
}

/** The first generation has the keys it had when there was no other; `.` sorts before `/`, so none is within another. */
function documentPrefix(id: ConversationId, generation: number): string {
  return generation === 0 ? `document/${id}/` : `document/${id}.${generation}/`
}

async function readConversations(db: Database): Promise<ConversationRow[]> {
  const rows = (await values(db, 'conversation/')).map(fromJson).filter(isConversationRow)
  return Promise.all(
    rows.map(async ({ version, ...row }) => {
      if (version === undefined) return row
      const prefix = documentPrefix(row.id, await readGeneration(db, row.id))
      const kept = await db.keys({ gt: prefix, lt: prefix + last, limit: 1 }).all()
      return kept.length === 0 ? row : { ...row, version }
    }),
  )
}

/** A user id may have any visible character, so it is the one behind the slash that ends the range. */
async function readProfiles(db: Database): Promise<Profile[]> {
  return (await db.values({ gt: 'profile/', lt: 'profile0' }).all()).map(fromJson).filter(isProfile)
}

async function readGeneration(db: Database, id: ConversationId): Promise<number> {
  const kept = await db.get(`generation/${id}`)
  const generation = kept === undefined ? 0 : fromJson(kept)
  return typeof generation === 'number' ? generation : 0
}

async function replaceDocument(db: Database, id: ConversationId, replacement: Replacement): Promise<void> {
  const { put, remove, chain, retired } = replacement
  const generation = Math.max(replacement.generation, await readGeneration(db, id))
  const batch = db.batch().put(`generation/${id}`, toJson(generation))
  for (const place of remove) batch.del(outboxKey(id, place)).del(failedKey(id, place))
  for (const row of put) {
    batch.put(outboxKey(id, row), row.payload)
    if (row.failed !== undefined) batch.put(failedKey(id, row), toJson(row.failed))
  }
  for (const client of retired) batch.del(`pool/${id}/${client}`)
  await batch.put(`pool/${id}/${chain.client}`, toJson(chain)).write({ sync: true })
}

async function readUnsent(db: Database): Promise<ConversationId[]> {
  const ids = new Set<ConversationId>()
  for await (const key of db.keys({ gt: 'outbox/', lt: `outbox/${last}` })) {
    const id = parseConversationId(key.split('/')[1])
    if (id !== undefined) ids.add(id)
  }
  return [...ids]
}

async function readOutbox(db: Database, id: ConversationId): Promise<OutboxRow[]> {
  const rows: OutboxRow[] = []
  const failed = new Map<string, VoidReason>()
  for await (const [key, reason] of db.iterator({ gt: `failed/${id}/`, lt: `failed/${id}/${last}` })) {
    failed.set(key.slice(`failed/${id}/`.length), parseVoidReason(String(fromJson(reason))))
  }
  const prefix = `outbox/${id}/`
  for await (const [key, payload] of db.iterator({ gt: prefix, lt: prefix + last })) {
    const place = key.slice(prefix.length)
    const [clientText, clockText] = place.split('/')
    const client = parseClientId(Number(clientText))
    const reason = failed.get(place)
    if (client === undefined) continue
    const row = { client, clock: Number(clockText), payload: Uint8Array.from(payload) }
    rows.push(reason === undefined ? row : { ...row, failed: reason })
  }
  return rows
}

async function openDocument(db: Database, prefix: string, doc: Y.Doc): Promise<DocumentCache> {
  const keys: string[] = []
  const kept: Uint8Array[] = []
  for await (const [key, update] of db.iterator({ gt: prefix, lt: prefix + last })) {
    keys.push(key)
    kept.push(update)
  }
  const hasMore = doc.store.clients.size > 0
  applyAll(doc, kept)
  let next = Number(keys.at(-1)?.slice(prefix.length) ?? -1) + 1
  if (keys.length > updatesPerCompaction) {
    const merged = db.batch().put(prefix + padded(next++), Y.encodeStateAsUpdate(doc))
    for (const key of keys) merged.del(key)
    await merged.write()
  }
  let written: Promise<void> = Promise.resolve()
  const keep = (update: Uint8Array): void => {
    const key = prefix + padded(next++)
    written = written.then(() => db.put(key, update))
    // Whoever needs to know asks `flushed`; the outbox has what the server does not.
    written.catch(() => undefined)
  }
  doc.on('update', keep)
  // What it had before is in no update to come.
  if (hasMore) keep(Y.encodeStateAsUpdate(doc))
  return {
    flushed: () => written,
    close: async () => {
      doc.off('update', keep)
      await written
    },
  }
}

function applyAll(doc: Y.Doc, updates: readonly Uint8Array[]): void {
  doc.transact(() => {
    for (const update of updates) Y.applyUpdate(doc, update)
  })
}

/** Of rows that this module has written; damaged ones are left out, for what they tell comes back with the next sync. */
function isConversationRow(value: unknown): value is ConversationRow {
  return typeof value === 'object' && value !== null && 'id' in value && parseConversationId(value.id) !== undefined
}

function choiceIn(value: unknown): ProfileChange {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function isProfile(value: unknown): value is Profile {
  return typeof value === 'object' && value !== null && 'user' in value && parseUserId(value.user) !== undefined
}

function isPoolRow(value: unknown): value is PoolRow {
  if (typeof value !== 'object' || value === null || !('client' in value) || !('next' in value)) return false
  return parseClientId(value.client) !== undefined && typeof value.next === 'number'
}
