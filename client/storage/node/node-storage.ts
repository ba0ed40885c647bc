/** What a Node program keeps: a LevelDB folder per server and user. The client's only importer of `level`. */

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { Level } from 'level'
import * as Y from 'yjs'
import { type ConversationId, parseClientId, parseConversationId, type UserId } from '../../../shared/sync/ids.ts'
import {
  type ClientStorage,
  type ConversationRow,
  type DocumentCache,
  type OutboxRow,
  type PoolRow,
  storeName,
} from '../client-storage.ts'
import { createHeldLocks } from '../held-locks.ts'

type Database = Level<string, Uint8Array>

/** Updates kept one by one before they are merged at the next open. */
const updatesPerCompaction = 200

/** Highest character of every key part: ids, decimal digits. */
const last = '~'

/** Opens the store of `user` at `server` below `folder`. LevelDB lets one process in at a time; another gets an error. */
export async function openNodeStorage(folder: string, server: string, user: UserId): Promise<ClientStorage> {
  const location = join(folder, folderName(storeName(server, user)))
  const db: Database = new Level<string, Uint8Array>(location, { valueEncoding: 'view' })
  await db.open()
  const tryLock = createHeldLocks()
  return {
    status: { phase: 'persistent' },
    conversations: async () => (await values(db, 'conversation/')).map(fromJson).filter(isConversationRow),
    putConversation: (row) => db.put(`conversation/${row.id}`, toJson(row)),
    removeConversation: (id) => db.del(`conversation/${id}`),

    openDocument: (id, doc) => openDocument(db, id, doc),

    pool: async (id) => (await values(db, `pool/${id}/`)).map(fromJson).filter(isPoolRow),
    putPool: (id, row) => db.put(`pool/${id}/${row.client}`, toJson(row)),
    removePool: (id, client) => db.del(`pool/${id}/${client}`),
    unsent: () => readUnsent(db),
    outbox: (id) => readOutbox(db, id),
    putOutbox: async (id, row) => {
      const pool: PoolRow = { client: row.client, next: row.clock + 1 }
      const puts = db.batch().put(outboxKey(id, row), row.payload).put(`pool/${id}/${row.client}`, toJson(pool))
      await puts.write({ sync: true })
    },
    removeOutbox: (id, row) => db.del(outboxKey(id, row)),

    canLock: true,
    lockChain: async (id, client) => tryLock(`${id}/${client}`),
    close: () => db.close(),
  }
}

/** One folder for one store, on any file system: some do not tell `Ann` from `ann`, none likes `..` or 300 characters. */
function folderName(store: string): string {
  const readable = store.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  return `${readable.slice(0, 80)}-${createHash('sha256').update(store).digest('hex').slice(0, 32)}`
}

function outboxKey(id: ConversationId, { client, clock }: Pick<OutboxRow, 'client' | 'clock'>): string {
  return `outbox/${id}/${padded(client)}/${padded(clock)}`
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
  const prefix = `outbox/${id}/`
  for await (const [key, payload] of db.iterator({ gt: prefix, lt: prefix + last })) {
    const [clientText, clockText] = key.slice(prefix.length).split('/')
    const client = parseClientId(Number(clientText))
    if (client !== undefined) rows.push({ client, clock: Number(clockText), payload: Uint8Array.from(payload) })
  }
  return rows
}

async function openDocument(db: Database, id: ConversationId, doc: Y.Doc): Promise<DocumentCache> {
  const prefix = `document/${id}/`
  const keys: string[] = []
  const kept: Uint8Array[] = []
  for await (const [key, update] of db.iterator({ gt: prefix, lt: prefix + last })) {
    keys.push(key)
    kept.push(update)
  }
  doc.transact(() => {
    for (const update of kept) Y.applyUpdate(doc, update)
  })
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
  return {
    flushed: () => written,
    close: async () => {
      doc.off('update', keep)
      await written
    },
  }
}

async function values(db: Database, prefix: string): Promise<Uint8Array[]> {
  return db.values({ gt: prefix, lt: prefix + last }).all()
}

/** Fixed width, so that keys sort as their numbers do; wide enough for every safe integer. */
function padded(value: number): string {
  return String(value).padStart(16, '0')
}

function toJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

function fromJson(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes))
}

/** Of rows that this module has written; damaged ones are left out, for what they tell comes back with the next sync. */
function isConversationRow(value: unknown): value is ConversationRow {
  return typeof value === 'object' && value !== null && 'id' in value && parseConversationId(value.id) !== undefined
}

function isPoolRow(value: unknown): value is PoolRow {
  if (typeof value !== 'object' || value === null || !('client' in value) || !('next' in value)) return false
  return parseClientId(value.client) !== undefined && typeof value.next === 'number'
}
