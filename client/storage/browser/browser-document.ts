/** A document's copy in IndexedDB. The only importer of y-indexeddb, which reports no errors and compacts too rarely. */

import { clearDocument, IndexeddbPersistence, storeState } from 'y-indexeddb'
import type { Doc } from 'yjs'
import type { DocumentCache } from '../client-storage.ts'

/** y-indexeddb adds a row per update and waits for a quiet second that steady writes never bring. */
const updatesPerCompaction = 300

export async function openBrowserDocument(name: string, doc: Doc): Promise<DocumentCache> {
  const persistence = new IndexeddbPersistence(name, doc)
  let updates = 0
  let isDropped = false
  const compactNowAndThen = (_update: Uint8Array, origin: unknown): void => {
    if (origin === persistence || ++updates % updatesPerCompaction !== 0) return
    // When it fails nothing is lost: the rows stay as they are until the next time.
    storeState(persistence, true).catch(() => undefined)
  }
  // oxlint-disable-next-line no-underscore-dangle -- only this private field tells when the database cannot be opened
  const opened = persistence._db
  const dropped = opened.then(async (db) => {
    await new Promise((resolve) => db.addEventListener('versionchange', resolve))
    isDropped = true
    doc.off('update', compactNowAndThen)
    // The database has closed by itself; without this every update would still be written to it, and throw.
    await persistence.destroy()
  })
  // Its promise for "loaded" never settles when the database cannot be opened, or was dropped meanwhile.
  await Promise.race([opened.then(() => persistence.whenSynced), dropped])
  if (!isDropped) {
    doc.on('update', compactNowAndThen)
    // It has just added a row for the state before loading, as at every open. On a full disk the rows stay as they are.
    await storeState(persistence, true).catch(() => undefined)
  }

  const settled = async (): Promise<void> => {
    if (!isDropped) await flushed(persistence)
  }
  return {
    dropped,
    flushed: settled,
    close: async () => {
      doc.off('update', compactNowAndThen)
      await settled()
      await persistence.destroy()
    },
  }
}

/** Deletes the copy. Tabs that have it open close it when they hear of that, and it is gone then. */
export async function dropBrowserDocument(name: string): Promise<void> {
  await clearDocument(name)
}

/** Transactions on one store run in order: when a read that was asked for now is answered, all writes before it are done. */
function flushed({ db }: IndexeddbPersistence): Promise<void> {
  if (db === null) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const transaction = db.transaction('updates', 'readonly')
    transaction.objectStore('updates').count()
    transaction.addEventListener('complete', () => resolve())
    transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('the transaction was aborted')))
  })
}
