/**
 * What a browser keeps: one IndexedDB database for outbox, chains and summaries, and one per document, written by
 * y-indexeddb. The only importer of `idb`.
 */

import { type DBSchema, type IDBPDatabase, openDB } from 'idb'
import type { ClientId, ConversationId, UserId } from '../../../shared/sync/ids.ts'
import { type ClientStorage, type ConversationRow, type OutboxRow, type PoolRow, storeName } from '../client-storage.ts'
import { createMemoryStorage } from '../memory/memory-storage.ts'
import { openBrowserDocument } from './browser-document.ts'
import { hasWebLocks, lockByName } from './web-lock.ts'

interface Schema extends DBSchema {
  conversations: { key: string; value: ConversationRow }
  pool: { key: [ConversationId, ClientId]; value: PoolRow }
  outbox: { key: [ConversationId, ClientId, number]; value: OutboxRow }
}

const schemaVersion = 1

/** Opens the store of `user` at `server`; memory, with the reason as status, where the browser refuses to keep anything. */
export async function openBrowserStorage(server: string, user: UserId): Promise<ClientStorage> {
  const name = storeName(server, user)
  try {
    return browserStorage(name, await openDatabase(name))
  } catch (error) {
    // Private mode, no space, a blocked upgrade: the status says so and sending goes on.
    return createMemoryStorage({ phase: 'memory', reason: error instanceof Error ? error.message : String(error) })
  }
}

function openDatabase(name: string): Promise<IDBPDatabase<Schema>> {
  return openDB<Schema>(name, schemaVersion, {
    upgrade: (db) => {
      db.createObjectStore('conversations', { keyPath: 'id' })
      db.createObjectStore('pool')
      db.createObjectStore('outbox')
    },
  })
}

/** Every key that begins with `id`: arrays sort behind numbers. */
function rowsOf(id: ConversationId): IDBKeyRange {
  return IDBKeyRange.bound([id], [id, []])
}

function browserStorage(name: string, db: IDBPDatabase<Schema>): ClientStorage {
  // A later version of this page, in another tab, may need to change the schema.
  db.addEventListener('versionchange', () => db.close())
  return {
    status: { phase: 'persistent' },
    conversations: () => db.getAll('conversations'),
    putConversation: async (row) => void (await db.put('conversations', row)),
    removeConversation: (id) => db.delete('conversations', id),

    openDocument: (id, doc) => openBrowserDocument(`${name}:document:${id}`, doc),

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
    close: async () => db.close(),
  }
}
