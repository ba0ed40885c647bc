/**
 * The LevelDB database: opening it, reading it, and what its errors mean. Knows bytes, and nothing of what they hold.
 */

import { Level } from 'level'
import { StoreError } from '../conversation-store.ts'
import type { KeyRange } from './keys.ts'
import { OpenReaders } from './open-readers.ts'
import type { Row } from './seal.ts'

export class Database extends Level<Uint8Array, Uint8Array> {
  /** All that is read here and not at once is among them. */
  readonly readers = new OpenReaders()
}

export type Batch = ReturnType<Database['batch']>
export type Snapshot = ReturnType<Database['snapshot']>

/** Rows that one turn of the event loop takes from a scan: less than a millisecond of work. */
const rowsAtOnce = 256

/** Keys that are read at once, without another thread. */
const keysAtOnce = 2

/** Opens the database in a folder; StoreError `locked`, `damaged` or `failed` when it cannot. Repairs nothing. */
export async function openDatabase(
  location: string,
  options: { readonly createIfMissing: boolean },
): Promise<Database> {
  const database = new Database(location, { keyEncoding: 'view', valueEncoding: 'view', ...options })
  try {
    await database.open()
    return database
  } catch (error) {
    throw openError(location, error)
  }
}

/** The rows of keys in their order; undefined where there is none. */
export async function getRows(
  database: Database,
  keys: readonly Uint8Array[],
  snapshot?: Snapshot,
): Promise<(Row | undefined)[]> {
  // Handing so little to another thread and back costs more than reading it, which is mostly from memory.
  if (keys.length <= keysAtOnce && snapshot === undefined) return keys.map((key) => getRowSync(database, key))
  const end = database.readers.begin()
  try {
    const values: (Uint8Array | undefined)[] = await database.getMany([...keys], { snapshot })
    return keys.map((key, index) => rowOf(key, values[index]))
  } catch (error) {
    throw readError(error)
  } finally {
    end()
  }
}

/** One row, at once. It blocks while it reads a block of a file, in the worst case. */
export function getRowSync(database: Database, key: Uint8Array): Row | undefined {
  try {
    return rowOf(key, database.getSync(key))
  } catch (error) {
    throw readError(error)
  }
}

export interface ScanOptions {
  readonly reverse?: boolean
  readonly limit?: number
  readonly snapshot?: Snapshot
}

/** The rows of a range in the order of their keys, some at a time, all as they were when the scan began. */
export async function* scan(
  database: Database,
  range: Partial<KeyRange>,
  options: ScanOptions = {},
): AsyncGenerator<Row[]> {
  const end = database.readers.begin()
  try {
    const iterator = database.iterator({ ...range, ...options })
    try {
      for (;;) {
        const entries = await iterator.nextv(rowsAtOnce)
        if (entries.length === 0) return
        yield entries.map(([key, value]) => ({ key, value }))
      }
    } finally {
      await iterator.close()
    }
  } catch (error) {
    throw readError(error)
  } finally {
    end()
  }
}

/**
 * Empties the memtable into a table, merges the tables of a range level by level, and removes files that are obsolete. Says
 * nothing of failures: the next write does.
 */
export async function compact(database: Database, { gte, lt }: KeyRange): Promise<void> {
  if (!canCompact(database)) throw new Error('this LevelDB cannot be told to compact')
  await database.compactRange(gte, lt)
}

interface Compactable {
  readonly compactRange: (start: Uint8Array, end: Uint8Array) => Promise<void>
}

/** The types of `level` leave out what browsers cannot do. */
function canCompact(database: object): database is Compactable {
  return 'compactRange' in database && typeof database.compactRange === 'function'
}

function rowOf(key: Uint8Array, value: Uint8Array | undefined): Row | undefined {
  return value === undefined ? undefined : { key, value }
}

const closedCodes = new Set(['LEVEL_DATABASE_NOT_OPEN', 'LEVEL_ITERATOR_NOT_OPEN'])

function readError(cause: unknown): StoreError {
  const code = codeOf(cause)
  if (code !== undefined && closedCodes.has(code)) return new StoreError('closed', 'the store is closed', { cause })
  if (code === 'LEVEL_CORRUPTION') return new StoreError('damaged', 'a file of the store is damaged', { cause })
  return new StoreError('failed', 'the store could not be read', { cause })
}

function openError(location: string, error: unknown): StoreError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  switch (codeOf(cause)) {
    case 'LEVEL_LOCKED':
      return new StoreError('locked', `the store in ${location} is open in another process`, { cause })
    case 'LEVEL_CORRUPTION':
      return new StoreError('damaged', `the store in ${location} is damaged`, { cause })
    default:
      return new StoreError('failed', `the store in ${location} could not be opened`, { cause })
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
