/**
 * What a browser keeps: one IndexedDB database for outbox, chains, summaries and pages, and one per document, written by
 * y-indexeddb.
 */

import { type ConversationId, parseConversationId, type UserId } from '../../../shared/sync/ids.ts'
import { NewerSchema } from '../../api.ts'
import {
  type ClientStorage,
  type ConversationRow,
  defaultPageBudgetBytes,
  type Replacement,
  type StorageOptions,
  storeName,
} from '../client-storage.ts'
import { createMemoryStorage } from '../memory/memory-storage.ts'
import { createPageStore } from '../pages/create-page-store.ts'
import { dropBrowserDocument, openBrowserDocument } from './browser-document.ts'
import { readBrowserDocument } from './read-document.ts'
import { createBrowserPages } from './browser-pages.ts'
import { choiceKey, type Database, deleteDatabase, openDatabase } from './database.ts'
import { begunWipes, endWipe, markStorage, noteWipe, unmarkStorage } from './storage-marker.ts'
import { hasWebLocks, lockByName, waitForLock } from './web-lock.ts'

/** Opens the store of `user` at `server`; memory, with the reason as status, where the browser refuses to keep anything. Rejects with NewerSchema. */
export async function openBrowserStorage(
  server: string,
  user: UserId,
  options: StorageOptions = {},
): Promise<ClientStorage> {
  const name = storeName(server, user)
  try {
    await finishWipes(name)
    const { db, isNew } = await openDatabase(name)
    const wasMarked = markStorage(name)
    return browserStorage(name, db, { isNew, wasLost: isNew && wasMarked }, options)
  } catch (error) {
    // What would be written into memory only is better written by the version that can keep it.
    if (error instanceof NewerSchema) throw error
    // Private mode, no space, a blocked upgrade: the status says so and sending goes on.
    const reason = error instanceof Error ? error.message : String(error)
    // The budget was meant for a disk.
    const memory = createMemoryStorage({ phase: 'memory', reason }, { now: options.now })
    return { ...memory, destroy: () => destroyBrowserStorage(name) }
  }
}

/** The first generation has the name it had when there was no other. */
function documentName(name: string, id: ConversationId, generation: number): string {
  return `${name}:document:${id}${generation === 0 ? '' : `:${generation}`}`
}

/** Every key that begins with `id`: arrays sort behind numbers. */
function rowsOf(id: ConversationId): IDBKeyRange {
  return IDBKeyRange.bound([id], [id, []])
}

function browserStorage(
  name: string,
  db: Database,
  origin: Pick<ClientStorage, 'isNew' | 'wasLost'>,
  { pageBudgetBytes = defaultPageBudgetBytes, now = Date.now }: StorageOptions,
): ClientStorage {
  // A later version of this page, in another tab, may need to change the schema.
  const destroyed = new Promise<void>((resolve) => {
    db.addEventListener('versionchange', ({ newVersion }) => {
      db.close()
      if (newVersion === null) resolve()
    })
  })
  return {
    status: { phase: 'persistent' },
    ...origin,
    pages: createPageStore(createBrowserPages(db), { budgetBytes: pageBudgetBytes, now }),
    conversations: () => readConversations(name, db),
    putConversation: async (row) => void (await db.put('conversations', row)),
    removeConversation: (id) => db.delete('conversations', id),

    profiles: () => db.getAll('profiles'),
    putProfiles: async (rows) => {
      const transaction = db.transaction('profiles', 'readwrite')
      await Promise.all([...rows.map((row) => transaction.store.put(row)), transaction.done])
    },
    ownChoice: () => db.get('ownChoice', choiceKey),
    putOwnChoice: async (choice) => {
      if (choice === undefined) await db.delete('ownChoice', choiceKey)
      else await db.put('ownChoice', choice, choiceKey)
    },

    generation: async (id) => (await db.get('generations', id)) ?? 0,
    openDocument: (id, doc, generation = 0) => openBrowserDocument(documentName(name, id, generation), doc),
    readDocument: (id, doc, generation = 0) => readBrowserDocument(documentName(name, id, generation), doc),
    replaceDocument: (id, replacement) => replaceDocument(db, id, replacement),
    dropDocument: (id, generation) => dropBrowserDocument(documentName(name, id, generation)),

    pool: (id) => db.getAll('pool', rowsOf(id)),
    putPool: async (id, row) => void (await db.put('pool', row, [id, row.client])),
    removePool: (id, client) => db.delete('pool', [id, client]),
    unsent: async () => [...new Set((await db.getAllKeys('outbox')).map(([id]) => id))],
    outbox: (id) => db.getAll('outbox', rowsOf(id)),
    putOutbox: async (id, row) => {
      const transaction = db.transaction(['outbox', 'pool'], 'readwrite', { durability: 'strict' })
      const { client, clock } = row
      const puts = [
        transaction.objectStore('outbox').put(row, [id, client, clock]),
        transaction.objectStore('pool').put({ client, next: clock + 1 }, [id, client]),
      ]
      // Without it a tab that freezes now would keep every other tab waiting.
      transaction.commit()
      await Promise.all([...puts, transaction.done])
    },
    removeOutbox: (id, { client, clock }) => db.delete('outbox', [id, client, clock]),

    canLock: hasWebLocks(),
    lockChain: (id, client) => lockByName(`${name}:chain:${id}:${client}`),
    lockRebuild: (id) => waitForLock(`${name}:rebuild:${id}`),
    close: async () => db.close(),
    destroy: async () => {
      db.close()
      await destroyBrowserStorage(name)
    },
    destroyed,
  }
}

/** The database that all tabs have open first: they hear of it, and open nothing more. */
async function destroyBrowserStorage(name: string): Promise<void> {
  // Where there is no such thing nothing was kept.
  if (typeof indexedDB === 'undefined') return
  noteWipe(name)
  const documents = new Set(await documentNames(name))
  unmarkStorage(name)
  await deleteDatabase(name)
  // Another tab may have begun one before it heard.
  for (const document of await listedDocuments(name)) documents.add(document)
  for (const document of documents) await deleteDatabase(document)
  endWipe(name)
}

/** What pages that were closed in the middle of it have left, of whomever: the next one to sign in may be somebody else. */
async function finishWipes(own: string): Promise<void> {
  for (const name of begunWipes()) {
    const finished = destroyBrowserStorage(name)
    if (name === own) await finished
    // Another tab holds something: the next page tries again.
    else finished.catch(() => undefined)
  }
}

/** As the browser tells, or else as far as they are known from the rows. */
async function documentNames(name: string): Promise<readonly string[]> {
  if ((await databaseNames()) !== undefined) return listedDocuments(name)
  const opened = await openDatabase(name)
  const [rows, generations] = await Promise.all([opened.db.getAllKeys('conversations'), readGenerations(opened.db)])
  opened.db.close()
  const ids = rows.flatMap((key) => parseConversationId(key) ?? [])
  return [...ids, ...generations.keys()].map((id) => documentName(name, id, generations.get(id) ?? 0))
}

async function readConversations(name: string, db: Database): Promise<ConversationRow[]> {
  const [rows, generations, known] = await Promise.all([
    db.getAll('conversations'),
    readGenerations(db),
    databaseNames(),
  ])
  if (known === undefined) return rows
  return rows.map(({ version, ...row }) => {
    const isKept = version !== undefined && known.has(documentName(name, row.id, generations.get(row.id) ?? 0))
    return isKept ? { ...row, version } : row
  })
}

/** All at once: a list of a thousand is read while somebody waits, and few documents were ever rebuilt. */
async function readGenerations(db: Database): Promise<ReadonlyMap<ConversationId, number>> {
  const { store } = db.transaction('generations')
  const [ids, numbers] = await Promise.all([store.getAllKeys(), store.getAll()])
  return new Map(ids.map((id, index) => [id, numbers[index] ?? 0]))
}

/** Undefined where the browser does not tell. */
async function databaseNames(): Promise<ReadonlySet<string> | undefined> {
  const { databases } = indexedDB as Partial<IDBFactory>
  const found = await databases?.call(indexedDB).catch(() => undefined)
  return found && new Set(found.flatMap(({ name }) => name ?? []))
}

async function replaceDocument(db: Database, id: ConversationId, replacement: Replacement): Promise<void> {
  const { generation, put, remove, chain, retired } = replacement
  const transaction = db.transaction(['generations', 'outbox', 'pool'], 'readwrite', { durability: 'strict' })
  const [generations, outbox, pool] = [
    transaction.objectStore('generations'),
    transaction.objectStore('outbox'),
    transaction.objectStore('pool'),
  ]
  const writes: Promise<unknown>[] = [
    generations.get(id).then((known = 0) => generations.put(Math.max(known, generation), id)),
  ]
  for (const { client, clock } of remove) writes.push(outbox.delete([id, client, clock]))
  for (const row of put) writes.push(outbox.put(row, [id, row.client, row.clock]))
  for (const client of retired) writes.push(pool.delete([id, client]))
  writes.push(pool.put(chain, [id, chain.client]))
  await Promise.all([...writes, transaction.done])
}

/** None where the browser does not tell. */
async function listedDocuments(name: string): Promise<readonly string[]> {
  return [...((await databaseNames()) ?? [])].filter((each) => each.startsWith(`${name}:document:`))
}
