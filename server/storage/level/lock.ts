/** The lock of a store that is not to be opened: held by an empty database in a folder beside it, which shares its lock file. */

import { link, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../conversation-store.ts'
import { type Database, openDatabase } from './database.ts'

/** LevelDB locks this file in the folder of a database; a link to it is the same lock. */
const lockName = 'LOCK'

/** Holds the lock until the answer is closed; StoreError `locked` while it is held elsewhere. `folder` is empty. */
export async function lockStore(location: string, folder: string): Promise<Database> {
  await link(join(location, lockName), join(folder, lockName)).catch(unless('ENOENT'))
  try {
    return await openDatabase(folder, { createIfMissing: true })
  } catch (cause) {
    if (!(cause instanceof StoreError) || cause.code !== 'locked') throw cause
    throw new StoreError('locked', `the store in ${location} is open in another process`, { cause })
  }
}

/**
 * Runs `job` while nobody else has the store open. Where nothing can be written or linked beside it, as on a disk that is
 * only read, it cannot be locked, and is not.
 */
export async function whileLocked<T>(location: string, job: () => Promise<T>): Promise<T> {
  const folder = await mkdtemp(`${location}.lock-`).catch(unless('EACCES', 'EPERM', 'EROFS'))
  if (folder === undefined) return await job()
  try {
    const held = await lockStore(location, folder).catch(unless('EACCES', 'ENOTSUP', 'EPERM'))
    try {
      return await job()
    } finally {
      await held?.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function unless(...codes: readonly string[]): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof Error && 'code' in error && codes.includes(String(error.code))) return undefined
    throw error
  }
}
