/**
 * The files of a LevelDB database as they lie in its folder: which ones belong to it, and whether every byte of them is as
 * it was written. Reads only; knows nothing of rows.
 */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../../conversation-store.ts'
import { readLog } from './log-file.ts'
import { readManifest } from './manifest.ts'
import { findIndexDamage, findTableDamage } from './table-file.ts'

export interface StoreTable {
  readonly name: string
  readonly bytes: number
  /** Its first and its last key. */
  readonly first: Uint8Array
  readonly last: Uint8Array
}

export interface StoreFiles {
  /** Names of all that belong to it, CURRENT and manifest included; those that can be known, when something is wrong. */
  readonly names: readonly string[]
  readonly tables: readonly StoreTable[]
  readonly logs: readonly string[]
  /** What is wrong with the list of files itself. */
  readonly problems: readonly string[]
  /** The list ends in a change that was cut short. */
  readonly isTorn: boolean
}

/** Throws StoreError `damaged` when LevelDB would lose its way in them: that ends the process. The data is not looked at. */
export async function assertReadableFiles(location: string): Promise<void> {
  const { problems, tables } = await listStoreFiles(location)
  for (const what of problems) throw new StoreError('damaged', `the store in ${location} is damaged: ${what}`)
  for (const { name } of tables) {
    const what = await findIndexDamage(join(location, name)).catch(missing)
    if (what !== undefined)
      throw new StoreError('damaged', `the store in ${location} is damaged: table ${name}: ${what}`)
  }
}

function missing(error: unknown): string {
  if (isMissing(error)) return 'it is missing'
  throw error
}

/** What was found in the files; `notes` are of what a crash may leave and nobody was told to be durable. */
export interface FileFinding {
  readonly kind: 'problem' | 'note'
  readonly text: string
  /** LevelDB may lose its way in it, and end the process. */
  readonly endsReading: boolean
}

const currentName = 'CURRENT'

/** What CURRENT and the manifest say. Throws what the file system throws when the folder cannot be read. */
export async function listStoreFiles(location: string): Promise<StoreFiles> {
  const there = await readdir(location)
  const current = await readIfThere(join(location, currentName))
  const manifestName = /^(MANIFEST-[0-9]+)\n$/.exec(current?.toString('latin1') ?? '')?.[1]
  if (manifestName === undefined) return broken([], `${currentName} is missing or damaged`)
  const manifest = await readIfThere(join(location, manifestName))
  if (manifest === undefined) return broken([currentName], `${manifestName} is missing`)
  const end = readLog(manifest)
  const live = readManifest(end.records)
  if (end.kind === 'damaged') return broken([currentName, manifestName], `${manifestName} is damaged at byte ${end.at}`)
  if (live === undefined) return broken([currentName, manifestName], `${manifestName} is damaged`)
  const tables = live.tables.map(({ number, bytes, first, last }) => ({
    name: tableName(number, there),
    bytes,
    first,
    last,
  }))
  const logs = there.filter((name) => /^[0-9]+\.log$/.test(name) && Number.parseInt(name, 10) >= live.firstLog)
  const names = [currentName, manifestName, ...tables.map(({ name }) => name), ...logs]
  const problems = logs.length === 0 ? ['no file is named .log'] : []
  return { names, tables, logs, problems, isTorn: end.kind === 'torn' }
}

/** Checks every byte of the tables and the logs, a file at a time. */
export async function* checkStoreFiles(location: string, files: StoreFiles): AsyncGenerator<FileFinding> {
  for (const text of files.problems) yield problem(text)
  if (files.isTorn) yield problem('the list of tables ends in a change that was cut short')
  for (const { name, bytes } of files.tables) {
    const table = await readIfThere(join(location, name))
    const what = table === undefined ? 'it is missing' : damageOf(table, bytes)
    if (what !== undefined) yield problem(`table ${name}: ${what}`)
  }
  for (const name of files.logs) {
    const end = readLog(await readFile(join(location, name)))
    // LevelDB checks what it reads of a log.
    if (end.kind === 'damaged') yield { ...problem(`log ${name} is damaged at byte ${end.at}`), endsReading: false }
    if (end.kind === 'torn') {
      yield {
        kind: 'note',
        endsReading: false,
        text: `log ${name} ends in a write that was cut short, at byte ${end.at}: it never was durable`,
      }
    }
  }
}

function damageOf(table: Buffer, bytes: number): string | undefined {
  return table.length === bytes ? findTableDamage(table) : `it has ${table.length} bytes, not ${bytes}`
}

/** LevelDB's older name for tables is still read. */
function tableName(number: number, there: readonly string[]): string {
  const digits = String(number).padStart(6, '0')
  const old = `${digits}.sst`
  return there.includes(old) ? old : `${digits}.ldb`
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function broken(names: readonly string[], what: string): StoreFiles {
  return { names, tables: [], logs: [], problems: [what], isTorn: false }
}

function problem(text: string): FileFinding {
  return { kind: 'problem', text, endsReading: true }
}
