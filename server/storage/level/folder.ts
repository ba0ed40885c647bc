/**
 * The folder of a store, looked at before LevelDB opens it: LevelDB takes a folder that lost its files for a new one, and
 * skips what it cannot read of its log. Knows file names, and nothing of rows.
 */

import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StoreError } from '../conversation-store.ts'
import { assertWholeLog } from './files/log-file.ts'
import { assertReadableFiles } from './files/store-files.ts'

/** Lies in the folder while a store is being made, so that one that was interrupted can be told from one that was lost. */
export const markerName = 'creating'

/** The write-ahead log; LevelDB opens without it, and without what was in it. */
const logFile = /^[0-9]+\.log$/

/**
 * `new`: nothing was ever acknowledged here; the folder exists and is marked. `existing`: the files of a store are there.
 * Throws StoreError `damaged` for anything else, `failed` when the location is no folder (SPEC STORE4), and what the
 * file system throws.
 */
export async function prepareFolder(location: string): Promise<'new' | 'existing'> {
  const names = await namesIn(location)
  if (names === undefined || names.length === 0 || names.includes(markerName)) {
    await markFolder(location)
    return 'new'
  }
  await assertWholeFolder(location, names)
  return 'existing'
}

/** The same for a folder in which there was a store a moment ago: nothing is made. */
export async function assertExisting(location: string): Promise<void> {
  const names = (await namesIn(location)) ?? []
  if (names.includes(markerName)) throw new StoreError('damaged', `${location} holds a store that was never finished`)
  await assertWholeFolder(location, names)
}

async function assertWholeFolder(location: string, names: readonly string[]): Promise<void> {
  for (const file of [/^CURRENT$/, /^MANIFEST-/, logFile]) {
    if (!names.some((name) => file.test(name))) throw lost(location, file)
  }
  for (const name of names.filter((one) => logFile.test(one))) await assertWholeLog(join(location, name))
  await assertReadableFiles(location)
}

/** The store has been made: from now on a folder without it is one that lost it. */
export async function unmarkFolder(location: string): Promise<void> {
  await rm(join(location, markerName), { force: true })
  await syncFolder(location)
}

async function markFolder(location: string): Promise<void> {
  await mkdir(location, { recursive: true })
  await writeFile(join(location, markerName), '')
  await syncFolder(location)
  await syncFolder(dirname(location))
}

async function namesIn(location: string): Promise<string[] | undefined> {
  try {
    return await readdir(location)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') return undefined
    if (code === 'ENOTDIR') throw new StoreError('failed', `${location} is no folder`, { cause: error })
    throw error
  }
}

/** Makes the names in a folder durable. Windows has no such call and needs none. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function lost(location: string, file: RegExp): StoreError {
  return new StoreError('damaged', `${location} holds files, but no whole store: no file is named ${file.source}`)
}
