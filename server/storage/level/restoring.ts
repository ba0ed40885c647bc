/**
 * Puts a store back from a backup: copied beside its place, marked as restored, and only then moved there, so that an
 * older copy is never in place without its mark. Removes nothing that it did not make.
 */

import { copyFile, lstat, mkdir, open, readdir, realpath, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { StoreError } from '../conversation-store.ts'
import { listStoreFiles } from './files/store-files.ts'
import { assertExisting, syncFolder } from './folder.ts'
import { openLevelStore } from './level-store.ts'
import { whileLocked } from './lock.ts'

/**
 * Copies the store of a data folder, or a store, that nobody writes, to `location`, where there is none yet. The new
 * generation. Throws StoreError `failed` when something is there, `damaged` when the backup is no whole store, `locked`
 * when a server has it open. When it throws, nothing was changed.
 */
export async function restoreFrom(backup: string, location: string, nowMs: number): Promise<number> {
  const inner = join(backup, 'store')
  const source = (await namesIn(inner)).length > 0 ? inner : backup
  const staging = `${location}.restoring`
  await assertFree(location)
  await assertThere(source)
  if ((await namesIn(staging)).length > 0) {
    throw new StoreError('failed', `${staging} is left of a restore that was interrupted: remove it and try again`)
  }
  return await whileLocked(source, async () => {
    await assertExisting(source)
    if ((await realPlace(location)).startsWith(`${await realpath(source)}${sep}`)) {
      throw new StoreError('failed', `${location} lies in the backup: choose a folder outside of it`)
    }
    const made = await mkdir(staging, { recursive: true })
    try {
      const { names } = await listStoreFiles(source)
      for (const name of names) await copySynced(join(source, name), join(staging, name))
      await syncFolder(staging)
      const generation = await markRestored(staging, nowMs)
      // An empty folder, which not every system moves another one over.
      await rmdir(location).catch(unlessMissing)
      await rename(staging, location)
      await syncFolder(dirname(location))
      return generation
    } catch (error) {
      await rm(staging, { recursive: true, force: true })
      if (made !== undefined) await removeEmpty(dirname(staging), made)
      throw error
    }
  })
}

/** Nothing but, perhaps, an empty folder. */
async function assertFree(location: string): Promise<void> {
  if ((await namesIn(location)).length > 0) {
    throw new StoreError('failed', `${location} is not empty: move it away first, nothing was changed`)
  }
  // A link to nowhere, too, is something.
  const there = await lstat(location).catch(unlessMissing)
  if (there?.isDirectory() === false) throw new StoreError('failed', `${location} is no folder: move it away first`)
}

/** Where a path leads, as far as it exists, through links. */
async function realPlace(path: string): Promise<string> {
  const real = await realpath(path).catch(unlessMissing)
  return real ?? join(await realPlace(dirname(path)), basename(path))
}

/** Removes empty folders from `folder` up to `top`, which is above it, or it. */
async function removeEmpty(folder: string, top: string): Promise<void> {
  for (let at = folder; at.length >= top.length; at = dirname(at)) {
    // What somebody has put there meanwhile is theirs.
    await rmdir(at).catch(() => undefined)
  }
}

/** Marks the store that is at `location` as one that was put back. The new generation; StoreError `locked` while it is in use. */
export async function markRestored(location: string, nowMs: number): Promise<number> {
  await assertThere(location)
  await assertExisting(location)
  const store = await openLevelStore({ location })
  try {
    return await store.markRestored(nowMs)
  } finally {
    await store.close()
  }
}

async function assertThere(location: string): Promise<void> {
  if ((await namesIn(location)).length === 0) throw new StoreError('failed', `there is no store in ${location}`)
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
