// What a device keeps, as text that can be put back: IndexedDB databases, and the rows of a LevelDB folder. Knows no test
// runner.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import { Level } from 'level'

interface StoreDump {
  readonly name: string
  readonly keyPath: string | null
  readonly autoIncrement: boolean
  readonly indexes: readonly { readonly name: string; readonly keyPath: string }[]
  /** Keys and values, tagged where JSON has no such thing. */
  readonly rows: readonly (readonly [unknown, unknown])[]
}

export interface DatabaseDump {
  readonly name: string
  readonly version: number
  readonly stores: readonly StoreDump[]
}

/** By key, values in base64. */
export type LevelDump = Readonly<Record<string, string>>

export async function dumpDatabases(): Promise<readonly DatabaseDump[]> {
  const dumps: DatabaseDump[] = []
  for (const { name = '', version } of await indexedDB.databases()) {
    const db = await answerOf(indexedDB.open(name))
    const stores: StoreDump[] = []
    for (const each of db.objectStoreNames) {
      const store = db.transaction(each).objectStore(each)
      const [keys, values] = await Promise.all([answerOf(store.getAllKeys()), answerOf(store.getAll())])
      stores.push({
        name: each,
        keyPath: store.keyPath as string | null,
        autoIncrement: store.autoIncrement,
        indexes: [...store.indexNames].map((index) => ({ name: index, keyPath: store.index(index).keyPath as string })),
        rows: keys.map((key, at) => [tag(key), tag(values[at])]),
      })
    }
    db.close()
    dumps.push({ name, version: version ?? 0, stores })
  }
  return dumps.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

export async function loadDatabases(dumps: readonly DatabaseDump[]): Promise<void> {
  for (const { name, version, stores } of dumps) {
    const request = indexedDB.open(name, version)
    request.addEventListener('upgradeneeded', () => {
      for (const { name: store, keyPath, autoIncrement, indexes, rows } of stores) {
        const made = request.result.createObjectStore(store, { keyPath, autoIncrement })
        for (const index of indexes) made.createIndex(index.name, index.keyPath)
        for (const [key, value] of rows) {
          if (keyPath === null) made.put(untag(value), untag(key) as IDBValidKey)
          else made.put(untag(value))
        }
      }
    })
    const db = await answerOf(request)
    db.close()
  }
}

/** Of the only store below `folder`, which nobody has open. */
export async function dumpLevel(folder: string): Promise<LevelDump> {
  return withLevel(folder, async (db) => {
    const rows = await db.iterator().all()
    return Object.fromEntries(rows.map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
  })
}

/** In the place of all that the store has. */
export async function loadLevel(folder: string, dump: LevelDump): Promise<void> {
  await withLevel(folder, async (db) => {
    await db.clear()
    for (const [key, value] of Object.entries(dump)) await db.put(key, Uint8Array.from(Buffer.from(value, 'base64')))
  })
}

async function withLevel<T>(folder: string, use: (db: Level<string, Uint8Array>) => Promise<T>): Promise<T> {
  const [name = '', ...others] = await readdir(folder)
  if (others.length > 0) throw new Error('more than one store')
  const db = new Level<string, Uint8Array>(join(folder, name), { valueEncoding: 'view' })
  try {
    return await use(db)
  } finally {
    await db.close()
  }
}

function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('the request failed')))
  })
}

function tag(value: unknown): unknown {
  if (value === undefined) return { $undefined: true }
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map(tag)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, tag(each)]))
}

function untag(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(untag)
  if (typeof value !== 'object' || value === null) return value
  if ('$undefined' in value) return undefined
  if ('$bytes' in value) return Uint8Array.from(Buffer.from(String(value.$bytes), 'base64'))
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, untag(each)]))
}
