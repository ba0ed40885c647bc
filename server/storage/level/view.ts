/**
 * A look at a store that is not running, without changing it: opening LevelDB moves its log into a table and may compact,
 * so what is opened is a second folder with links to the same tables. The store's own lock is held meanwhile, so that
 * nobody writes to it.
 */

import { copyFile, link, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ConversationStore, isDamage, StoreError } from '../conversation-store.ts'
import { type Database, openDatabase } from './database.ts'
import { listStoreFiles, type StoreFiles } from './files/store-files.ts'
import { markerName } from './folder.ts'
import { levelStoreOn } from './level-store.ts'
import { lockStore } from './lock.ts'

export interface StoreView {
  /** What belongs to the store, in its own folder. */
  readonly files: StoreFiles
  /** Undefined when LevelDB does not open them. To be asked for whole files only: others may end the process. */
  readonly open: () => Promise<OpenView | undefined>
  /** Takes the links away, and gives the lock back. */
  readonly close: () => Promise<void>
}

export interface OpenView {
  readonly database: Database
  readonly store: ConversationStore
}

/** Throws StoreError `locked`, or `failed` when there is no store or it cannot be looked at. */
export async function openView(location: string): Promise<StoreView> {
  await assertStore(location)
  const folders: string[] = []
  const databases: Database[] = []
  const makeFolder = async (): Promise<string> => {
    const folder = await mkdtemp(`${location}.view-`)
    folders.push(folder)
    return folder
  }
  const close = async (): Promise<void> => {
    for (const database of databases) await database.close()
    for (const folder of folders) await rm(folder, { recursive: true, force: true })
  }
  try {
    databases.push(await lockStore(location, await makeFolder()))
    const files = await listStoreFiles(location)
    const open = async (): Promise<OpenView | undefined> => {
      const folder = await makeFolder()
      await bringFiles(location, folder, files)
      const database = await openDatabase(folder, { createIfMissing: false }).catch(undefinedIfDamaged)
      if (database === undefined) return undefined
      databases.push(database)
      return { database, store: await levelStoreOn(database, { location: folder }) }
    }
    return { files, open, close }
  } catch (cause) {
    await close()
    if (cause instanceof StoreError) throw cause
    throw new StoreError('failed', `the store in ${location} cannot be looked at`, { cause })
  }
}

async function assertStore(location: string): Promise<void> {
  const names = await readdir(location).catch((cause: unknown) => {
    throw new StoreError('failed', `there is no store in ${location}`, { cause })
  })
  if (names.length === 0) throw new StoreError('failed', `there is no store in ${location}`)
  if (names.includes(markerName)) throw new StoreError('failed', `the store in ${location} was never finished`)
}

/** Tables are never written to again; the others LevelDB may write to, so they are copied. */
async function bringFiles(location: string, folder: string, { names, tables }: StoreFiles): Promise<void> {
  const linked = new Set(tables.map(({ name }) => name))
  for (const name of names) {
    const bring = linked.has(name) ? link : copyFile
    await bring(join(location, name), join(folder, name)).catch(ignoreMissing)
  }
}

function undefinedIfDamaged(error: unknown): undefined {
  if (!isDamage(error)) throw error
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
}
