/** The LevelDB of a user at a server, and how its keys and values are written. The client's only importer of `level`. */

import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'

export type Database = Level<string, Uint8Array>

/** Highest character of every key part: ids, decimal digits. */
export const last = '~'

/** `isNew`: there was none in this folder. Rejects when another process has it open. */
export async function openDatabase(location: string): Promise<{ readonly db: Database; readonly isNew: boolean }> {
  // The one file that every LevelDB has, and that appears when all others are there.
  const isNew = await access(join(location, 'CURRENT')).then(
    () => false,
    () => true,
  )
  const db: Database = new Level<string, Uint8Array>(location, { valueEncoding: 'view' })
  await db.open()
  return { db, isNew }
}

export function values(db: Database, prefix: string): Promise<Uint8Array[]> {
  return db.values({ gt: prefix, lt: prefix + last }).all()
}

/** Fixed width, so that keys sort as their numbers do; wide enough for every safe integer. */
export function padded(value: number): string {
  return String(value).padStart(16, '0')
}

export function toJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

export function fromJson(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes))
}
