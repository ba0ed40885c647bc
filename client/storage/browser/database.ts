/** The IndexedDB database of a user at a server: its stores and their versions. The only importer of `idb`. */

import { type DBSchema, deleteDB, type IDBPDatabase, type IDBPTransaction, openDB } from 'idb'
import type { Profile, ProfileChange } from '../../../shared/chat/profile.ts'
import type { ClientId, ConversationId, UserId } from '../../../shared/sync/ids.ts'
import { NewerSchema, StillOpen } from '../../api.ts'
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

type Upgraded = IDBPDatabase<Schema>

/**
 * What makes each version of the schema of the one before; the last is the one this code knows. They run in one transaction,
 * so that a store is as it was before or whole. They add, and never drop a row of the outbox; what a release has left is a
 * fixture (tests/fixtures/local-schema, SPEC SCHEMA1).
 */
const migrations: readonly ((db: Upgraded) => void)[] = [
  (db) => {
    db.createObjectStore('conversations', { keyPath: 'id' })
    db.createObjectStore('pool')
    db.createObjectStore('outbox')
  },
  // Documents have generations.
  (db) => void db.createObjectStore('generations'),
  // Pages are kept.
  (db) => {
    db.createObjectStore('pages')
    db.createObjectStore('pageFacts').createIndex('readAt', 'readAt')
    db.createObjectStore('pageAsOf')
    db.createObjectStore('pageTotal')
  },
  // Profiles are kept, and what the user has chosen to be called.
  (db) => {
    db.createObjectStore('profiles', { keyPath: 'user' })
    db.createObjectStore('ownChoice')
  },
]

/** How long a tab of an earlier version may take to let go of the database: what it is writing, it ends first. */
const patienceMs = 5000

/**
 * `isNew`: there was none of this name. Rejects with NewerSchema, or with StillOpen when another tab does not let go of a
 * database that has to be upgraded: it is as it was then.
 */
export async function openDatabase(
  name: string,
  waitMs = patienceMs,
): Promise<{ readonly db: Database; readonly isNew: boolean }> {
  let isNew = false
  const giveUp = createGiveUp(waitMs)
  const opening = openDB<Schema>(name, migrations.length, {
    upgrade: (upgraded, before) => {
      isNew = before === 0
      for (const migrate of migrations.slice(before)) migrate(upgraded)
    },
    blocked: giveUp.begin,
  })
  try {
    return { db: await Promise.race([opening, giveUp.over]), isNew }
  } catch (error) {
    // What comes of it later nobody waits for any more, and nobody else should.
    opening.then(
      (db) => db.close(),
      () => undefined,
    )
    const isNewer = error instanceof DOMException && error.name === 'VersionError'
    throw isNewer ? new NewerSchema(migrations.length, { cause: error }) : error
  } finally {
    giveUp.end()
  }
}

/** Deletes a database. Connections of other tabs are asked to close; rejects with StillOpen when one does not. */
export async function deleteDatabase(name: string, waitMs = patienceMs): Promise<void> {
  const giveUp = createGiveUp(waitMs)
  try {
    await Promise.race([deleteDB(name, { blocked: giveUp.begin }), giveUp.over])
  } finally {
    giveUp.end()
  }
}

/** Rejects a while after it has begun. */
function createGiveUp(waitMs: number): {
  readonly begin: () => void
  readonly end: () => void
  readonly over: Promise<never>
} {
  let timer: ReturnType<typeof setTimeout> | undefined
  const spent = new AbortController()
  const over = new Promise<never>((_, reject) => {
    spent.signal.addEventListener('abort', () => reject(new StillOpen()))
  })
  return {
    begin: () => {
      timer ??= setTimeout(() => spent.abort(), waitMs)
    },
    end: () => clearTimeout(timer),
    over,
  }
}
