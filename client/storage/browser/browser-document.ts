/** A document's copy in IndexedDB. The only importer of y-indexeddb, which reports no errors and compacts too rarely. */

import { IndexeddbPersistence, storeState } from 'y-indexeddb'
import type { Doc } from 'yjs'
import type { DocumentCache } from '../client-storage.ts'

/** y-indexeddb adds a row per update and waits for a quiet second that steady writes never bring. */
const updatesPerCompaction = 300

export async function openBrowserDocument(name: string, doc: Doc): Promise<DocumentCache> {
  const persistence = new IndexeddbPersistence(name, doc)
  // Its promise for "loaded" never settles when the database cannot be opened, and only a private field tells.
  // oxlint-disable-next-line no-underscore-dangle
  await Promise.race([persistence.whenSynced, persistence._db.then(() => persistence.whenSynced)])
  // It has just added a row for the state before loading, as at every open. On a full disk the rows stay as they are.
  await storeState(persistence, true).catch(() => undefined)

  let updates = 0
  const compactNowAndThen = (_update: Uint8Array, origin: unknown): void => {
    if (origin === persistence || ++updates % updatesPerCompaction !== 0) return
    // When it fails nothing is lost: the rows stay as they are until the next time.
    storeState(persistence, true).catch(() => undefined)
  }
  doc.on('update', compactNowAndThen)

  return {
    flushed: () => flushed(persistence),
    close: async () => {
      doc.off('update', compactNowAndThen)
      await flushed(persistence)
      await persistence.destroy()
    },
  }
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
