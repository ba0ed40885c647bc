/** The LevelDB of a user at a server, and how its keys and values are written. The client's only importer of `level`. */

import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { NewerSchema } from '../../api.ts'

export type Database = Level<string, Uint8Array>

/** Highest character of every key part: ids, decimal digits. */
export const last = '~'

/**
 * Of keys and values. Whoever changes them raises it, and brings stores of the version before to it in `migrate`, in one
 * synced batch, with a fixture of what 0.1.0 and each release since has left (tests/fixtures/local-schema, SPEC SCHEMA1).
 */
const schemaVersion = 1
const schemaKey = 'schema'

/** `isNew`: there was none in this folder. Rejects when another process has it open, and with NewerSchema. */
export async function openDatabase(location: string): Promise<{ readonly db: Database; readonly isNew: boolean }> {
  // The one file that every LevelDB has, and that appears when all others are there.
  const isNew = await access(join(location, 'CURRENT')).then(
    () => false,
    () => true,
  )
  const db: Database = new Level<string, Uint8Array>(location, { valueEncoding: 'view' })
  await db.open()
  try {
    await migrate(db, isNew)
  } catch (error) {
    await db.close()
    throw error
  }
  return { db, isNew }
}

/** Brings a store that an earlier version has left to what this one knows: all of it or nothing. */
async function migrate(db: Database, isNew: boolean): Promise<void> {
  const noted = await db.get(schemaKey)
  // 0.1.0 did not note it.
  const before = noted === undefined ? 1 : Number(fromJson(noted))
  if (!isNew && before > schemaVersion) throw new NewerSchema(schemaVersion)
  if (noted === undefined) await db.batch().put(schemaKey, toJson(schemaVersion)).write({ sync: true })
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
