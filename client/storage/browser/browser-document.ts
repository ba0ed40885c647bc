/** A document's copy in IndexedDB. The only importer of y-indexeddb, which reports no errors and compacts too rarely. */

import { clearDocument, fetchUpdates, IndexeddbPersistence } from 'y-indexeddb'
import { type Doc, encodeStateAsUpdate } from 'yjs'
import type { DocumentCache } from '../client-storage.ts'

/** y-indexeddb adds a row per update and waits for a quiet second that steady writes never bring. */
const updatesPerCompaction = 300
/** After an opening: by then what was read has been drawn. */
const firstCompactionMs = 1000

/* oxlint-disable no-underscore-dangle -- only private fields tell when the database is open, and what it stores */

export async function openBrowserDocument(name: string, doc: Doc): Promise<DocumentCache> {
  const persistence = new IndexeddbPersistence(name, doc)
  addUpdates(persistence)
  let updates = 0
  let isDropped = false
  let firstCompaction: ReturnType<typeof setTimeout> | undefined
  const compactNowAndThen = (_update: Uint8Array, origin: unknown): void => {
    if (origin === persistence || ++updates % updatesPerCompaction !== 0) return
    compact(persistence).catch(() => undefined)
  }
  const opened = persistence._db
  const aborted = opened.then(whenAborted)
  // Whoever needs to know asks `flushed`.
  aborted.catch(() => undefined)
  const dropped = opened.then(async (db) => {
    await new Promise((resolve) => db.addEventListener('versionchange', resolve))
    isDropped = true
    clearTimeout(firstCompaction)
    doc.off('update', compactNowAndThen)
    // The database has closed by itself; without this every update would still be written to it, and throw.
    await persistence.destroy()
  })
  // Its promise for "loaded" never settles when the database cannot be opened or read, or was dropped meanwhile.
  await Promise.race([opened.then(() => persistence.whenSynced), dropped, aborted])
  if (!isDropped) {
    doc.on('update', compactNowAndThen)
    // It has just added a row for the state before loading, as at every open.
    firstCompaction = setTimeout(() => {
      firstCompaction = undefined
      compact(persistence).catch(() => undefined)
    }, firstCompactionMs)
  }

  const settled = async (): Promise<void> => {
    if (!isDropped) await Promise.race([aborted, flushed(persistence)])
  }
  return {
    dropped,
    flushed: settled,
    close: async () => {
      doc.off('update', compactNowAndThen)
      try {
        await settled()
        if (firstCompaction !== undefined && !isDropped) await compact(persistence).catch(() => undefined)
      } finally {
        clearTimeout(firstCompaction)
        await persistence.destroy()
      }
    },
  }
}

/** As y-indexeddb does, which leaves a rejected promise behind for each update that the device refuses. */
function addUpdates(persistence: IndexeddbPersistence): void {
  const { doc } = persistence
  doc.off('update', persistence._storeUpdate)
  persistence._storeUpdate = (update, origin) => {
    if (origin !== persistence) persistence.db?.transaction('updates', 'readwrite').objectStore('updates').add(update)
  }
  doc.on('update', persistence._storeUpdate)
}

/** Puts one row in the place of all, other tabs' too. When it fails the rows stay as they are. */
async function compact(persistence: IndexeddbPersistence): Promise<void> {
  const updates = await fetchUpdates(persistence)
  updates.add(encodeStateAsUpdate(persistence.doc))
  updates.delete(IDBKeyRange.upperBound(persistence._dbref, true))
}
/* oxlint-enable no-underscore-dangle */

/** Rejects when something was not kept, a full disk most of all: the copy lacks it from then on. */
function whenAborted(db: IDBDatabase): Promise<never> {
  return new Promise((_, reject) => {
    db.addEventListener('abort', ({ target }) => {
      const error = target instanceof IDBTransaction ? target.error : null
      reject(error ?? new Error('the browser did not keep it'))
    })
  })
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
