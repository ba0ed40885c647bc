// A folder with a store, and hands on what lies in it below the store.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Level } from 'level'

import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import type { Row } from '../../../server/storage/level/seal.ts'
import type { Commit } from '../../../server/storage/conversation-store.ts'

/** Runs a test in a folder of its own, which does not exist yet. */
export async function inFolder(run: (location: string) => Promise<void>): Promise<void> {
  const parent = await mkdtemp(join(tmpdir(), 'parley-store-'))
  try {
    await run(join(parent, 'store'))
  } finally {
    await rm(parent, { recursive: true })
  }
}

/** Makes or opens the store, commits, and closes it. */
export async function commitAndClose(location: string, ...calls: readonly (readonly Commit[])[]): Promise<void> {
  const store = await openLevelStore({ location })
  for (const commits of calls) await store.commit(commits)
  await store.close()
}

/** Opens the database past the store. */
export async function withDatabase<T>(
  location: string,
  use: (database: Level<Uint8Array, Uint8Array>) => Promise<T>,
): Promise<T> {
  const database = new Level<Uint8Array, Uint8Array>(location, { keyEncoding: 'view', valueEncoding: 'view' })
  await database.open()
  try {
    return await use(database)
  } finally {
    await database.close()
  }
}

/** Every row of the database, by key. */
export async function rowsIn(location: string): Promise<Row[]> {
  return await withDatabase(location, async (database) => {
    const rows = await database.iterator().all()
    return rows.map(([key, value]) => ({ key, value }))
  })
}

export async function putRow(location: string, { key, value }: Row): Promise<void> {
  await withDatabase(location, async (database) => await database.put(key, value))
}

/** The names of the files whose names end so; at least one, or the test proves nothing. */
export async function filesEnding(location: string, end: string): Promise<string[]> {
  const names = (await readdir(location)).filter((name) => name.endsWith(end))
  if (names.length === 0) throw new Error(`no file ends with ${end}`)
  return names.map((name) => join(location, name))
}

/** Turns over one bit of a file; a negative place is counted from its end. */
export async function flipBit(path: string, at: number): Promise<void> {
  const bytes = await readFile(path)
  const place = at < 0 ? bytes.length + at : at
  bytes[place] = (bytes[place] ?? 0) ^ 1
  await writeFile(path, bytes)
}
