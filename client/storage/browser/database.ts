/** The IndexedDB database of a user at a server: its stores and their versions. The only importer of `idb`. */

import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from 'idb'
import type { Profile, ProfileChange } from '../../../shared/chat/profile.ts'
import type { ClientId, ConversationId, UserId } from '../../../shared/sync/ids.ts'
import type { ConversationRow, OutboxRow, PoolRow } from '../client-storage.ts'
import type { PageRun } from '../page-store.ts'
import type { BlockFacts } from '../pages/page-medium.ts'

interface Schema extends DBSchema {
  conversations: { key: string; value: ConversationRow }
  pool: { key: [ConversationId, ClientId]; value: PoolRow }
  outbox: { key: [ConversationId, ClientId, number]; value: OutboxRow }
  /** Of documents that were rebuilt. */
  generations: { key: ConversationId; value: number }
  profiles: { key: UserId; value: Profile }
  /** One row, if any. */
  ownChoice: { key: typeof choiceKey; value: ProfileChange }
  /** Archived messages, by number of their block. */
  pages: { key: [ConversationId, number]; value: PageRun }
  pageFacts: { key: [ConversationId, number]; value: BlockFacts; indexes: { readAt: number } }
  /** What is kept of a conversation, and up to which seq it takes account of entries; `unknown`, for it may be of before. */
  pageAsOf: { key: ConversationId; value: unknown }
  /** One row: the bytes of all pages. */
  pageTotal: { key: typeof totalKey; value: number }
}

export type Database = IDBPDatabase<Schema>
type PageStoreName = 'pages' | 'pageFacts' | 'pageAsOf' | 'pageTotal'
export type PageTransaction<Mode extends IDBTransactionMode> = IDBPTransaction<Schema, PageStoreName[], Mode>

export const totalKey = 'bytes'
export const choiceKey = 'profile'
export const pageStores: PageStoreName[] = ['pages', 'pageFacts', 'pageAsOf', 'pageTotal']

/** 2 since documents have generations, 3 since pages are kept, 4 since profiles are. */
const schemaVersion = 4

/** `isNew`: there was none of this name. */
export async function openDatabase(name: string): Promise<{ readonly db: Database; readonly isNew: boolean }> {
  let isNew = false
  const db = await openDB<Schema>(name, schemaVersion, {
    upgrade: (upgraded, before) => {
      isNew = before === 0
      if (before < 1) {
        upgraded.createObjectStore('conversations', { keyPath: 'id' })
        upgraded.createObjectStore('pool')
        upgraded.createObjectStore('outbox')
      }
      if (before < 2) upgraded.createObjectStore('generations')
      if (before < 3) {
        upgraded.createObjectStore('pages')
        upgraded.createObjectStore('pageFacts').createIndex('readAt', 'readAt')
        upgraded.createObjectStore('pageAsOf')
        upgraded.createObjectStore('pageTotal')
      }
      if (before < 4) {
        upgraded.createObjectStore('profiles', { keyPath: 'user' })
        upgraded.createObjectStore('ownChoice')
      }
    },
  })
  return { db, isNew }
}
