/** Reads what y-indexeddb has kept of a document, and leaves it as it is: opening it would add a row, and compact it. */

import { applyUpdate, type Doc } from 'yjs'

export async function readBrowserDocument(name: string, doc: Doc): Promise<void> {
  const db = await openExisting(name)
  if (db === undefined) return
  try {
    const updates = await readUpdates(db)
    doc.transact(() => {
      for (const update of updates) applyUpdate(doc, update)
    })
  } finally {
    db.close()
  }
}

/** Undefined when there is none, and none is made. */
function openExisting(name: string): Promise<IDBDatabase | undefined> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name)
    let isNew = false
    opening.addEventListener('upgradeneeded', () => {
      isNew = true
      opening.transaction?.abort()
    })
    opening.addEventListener('success', () => resolve(opening.result))
    opening.addEventListener('error', () => {
      if (isNew) resolve(undefined)
      else reject(opening.error ?? new Error('the document cannot be opened'))
    })
  })
}

function readUpdates(db: IDBDatabase): Promise<readonly Uint8Array[]> {
  return new Promise((resolve, reject) => {
    // Another tab may drop it.
    db.addEventListener('versionchange', () => db.close())
    const rows: IDBRequest<unknown[]> = db.transaction('updates', 'readonly').objectStore('updates').getAll()
    rows.addEventListener('success', () => resolve(rows.result.filter((row) => row instanceof Uint8Array)))
    rows.addEventListener('error', () => reject(rows.error ?? new Error('the document cannot be read')))
  })
}
