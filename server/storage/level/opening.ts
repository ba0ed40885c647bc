/**
 * Opening a LevelDB store with care: what was a store is never taken for a new one (SPEC STORE4), and one of another
 * format is left alone. Knows nothing of conversations.
 */

import { StoreError } from '../conversation-store.ts'
import { type Database, getRowSync, openDatabase } from './database.ts'
import { assertExisting, prepareFolder, unmarkFolder } from './folder.ts'
import { encodeKey } from './keys.ts'
import { readFormat, writeFormat } from './rows.ts'

/** Version of the format of keys and rows. */
const formatVersion = 1

export interface Place {
  readonly location: string
  /** Opens a database; tests put a faulty one in its place. */
  readonly open?: typeof openDatabase
}

/** Opens the store in a folder, or makes one where there is nothing. Throws StoreError `locked`, `damaged` or `failed`. */
export async function openOrMake({ location, open = openDatabase }: Place): Promise<Database> {
  return await orStoreError(location, async () => {
    const folder = await prepareFolder(location)
    const isNew = folder === 'new'
    const database = await open(location, { createIfMissing: isNew })
    return await orClosed(database, async () => {
      await checkFormat(database, location, isNew)
      if (isNew) await unmarkFolder(location)
    })
  })
}

/** Opens a store that was open a moment ago, and makes nothing. The same errors. */
export async function openAgain({ location, open = openDatabase }: Place): Promise<Database> {
  return await orStoreError(location, async () => {
    await assertExisting(location)
    const database = await open(location, { createIfMissing: false })
    return await orClosed(database, async () => await checkFormat(database, location, false))
  })
}

async function checkFormat(database: Database, location: string, isNew: boolean): Promise<void> {
  const row = getRowSync(database, encodeKey({ kind: 'format' }))
  if (row === undefined) {
    if (!isNew) throw new StoreError('damaged', `${location} holds a database, but no store`)
    const { key, value } = writeFormat(formatVersion)
    await database.put(key, value, { sync: true })
    return
  }
  const version = readFormat(row)
  if (version !== formatVersion) {
    const text = `the store in ${location} has format ${version}; this program reads format ${formatVersion}`
    throw new StoreError('failed', text)
  }
}

async function orClosed(database: Database, check: () => Promise<void>): Promise<Database> {
  try {
    await check()
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

async function orStoreError(location: string, open: () => Promise<Database>): Promise<Database> {
  try {
    return await open()
  } catch (cause) {
    if (cause instanceof StoreError) throw cause
    throw new StoreError('failed', `the store in ${location} could not be opened`, { cause })
  }
}
