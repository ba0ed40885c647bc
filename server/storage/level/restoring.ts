/**
 * Puts a store back from a backup: copied beside its place, marked as restored, and only then moved there, so that an
 * older copy is never in place without its mark. Removes nothing that it did not make.
 */

import { copyFile, mkdir, open, readdir, rename, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StoreError } from '../conversation-store.ts'
import { assertExisting, syncFolder } from './folder.ts'
import { openLevelStore } from './level-store.ts'

/** LevelDB makes it anew. */
const lockFile = 'LOCK'

/**
 * Copies the store of a data folder, or a store, that nobody writes, to `location`, where there is none yet. The new
 * generation. Throws StoreError `failed` when something is there, `damaged` when the backup is no whole store.
 */
export async function restoreFrom(backup: string, location: string, nowMs: number): Promise<number> {
  if ((await namesIn(location)).length > 0) {
    throw new StoreError('failed', `${location} is not empty: move it away first, nothing was changed`)
  }
  const inner = join(backup, 'store')
  const source = (await namesIn(inner)).length > 0 ? inner : backup
  await assertStore(source)
  const staging = `${location}.restoring`
  if ((await namesIn(staging)).length > 0) {
    throw new StoreError('failed', `${staging} is left of a restore that was interrupted: remove it and try again`)
  }
  await mkdir(staging, { recursive: true })
  for (const name of await namesIn(source)) {
    if (name !== lockFile) await copySynced(join(source, name), join(staging, name))
  }
  await syncFolder(staging)
  const generation = await markRestored(staging, nowMs)
  // An empty folder, which not every system moves another one over.
  await rmdir(location).catch(unlessMissing)
  await rename(staging, location)
  await syncFolder(dirname(location))
  return generation
}

/** Marks the store that is at `location` as one that was put back. The new generation; StoreError `locked` while it is in use. */
export async function markRestored(location: string, nowMs: number): Promise<number> {
  await assertStore(location)
  const store = await openLevelStore({ location })
  try {
    return await store.markRestored(nowMs)
  } finally {
    await store.close()
  }
}

async function assertStore(location: string): Promise<void> {
  if ((await namesIn(location)).length === 0) throw new StoreError('failed', `there is no store in ${location}`)
  await assertExisting(location)
}

/** Empty where there is nothing. */
async function namesIn(location: string): Promise<readonly string[]> {
  return (await readdir(location).catch(unlessMissing)) ?? []
}

async function copySynced(from: string, to: string): Promise<void> {
  await copyFile(from, to)
  const file = await open(to, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}
