// LevelDB on a disk that can be told to fail: refuses writes, loses the answer to one, writes a part of one, and at a
// crash keeps of what was not synced nothing, a part, or all. Takes no write without `sync: true`. Knows no test runner.
import { cp, readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'

import { type Batch, type Database, openDatabase } from '../../server/storage/level/database.ts'
import type { Random } from './seeded-random.ts'

/** What becomes of a write. */
export type WriteFate =
  /** Refused, and nothing of it written. */
  | 'refused'
  /** Written and synced, but the answer says that it failed. */
  | 'unanswered'
  /** A part of it written, as no database does: to see that it is noticed. */
  | 'torn'
  /** Written and not synced, and no answer comes before `release`. */
  | 'hanging'

export interface FaultyWrite {
  readonly rows: number
  readonly options: unknown
}

export interface FaultyDisk {
  /** For `openLevelStore`. */
  readonly open: typeof openDatabase
  /** The database that is open, to go past the store. */
  readonly database: () => Database
  readonly writes: readonly FaultyWrite[]
  /** The fate of the write after `skip` others that go well. */
  readonly failWrite: (fate: WriteFate, skip?: number) => void
  /** The next attempt to open fails. */
  readonly failOpening: (error: Error) => void
  /** Resolves when a write hangs. */
  readonly hangs: () => Promise<void>
  /** Answers a hanging write: it failed. */
  readonly release: () => void
  /**
   * What lies on the disk when the power fails now: a copy in the folder `into`. Of what was written and not synced it
   * has `kept`, from 0, nothing, to 1, all; a page of the rest may be zeros.
   */
  readonly crash: (into: string, kept: number, random: Random) => Promise<void>
}

type Operation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array }

const diskError = new Error('IO error: No space left on device')

export function createFaultyDisk(): FaultyDisk {
  const writes: FaultyWrite[] = []
  const fates: (WriteFate | undefined)[] = []
  const synced = new Map<string, number>()
  let folder = ''
  let current: Database | undefined
  let openingError: Error | undefined
  let release = (): void => undefined
  let noteHanging = (): void => undefined
  const hanging = new Promise<void>((resolve) => (noteHanging = resolve))

  async function noteSynced(): Promise<void> {
    for (const [name, bytes] of await logsIn(folder)) synced.set(name, bytes)
  }

  async function write(
    database: Database,
    operations: readonly Operation[],
    options: { readonly sync?: boolean },
  ): Promise<void> {
    writes.push({ rows: operations.length, options })
    if (options.sync !== true) throw new Error('a write that is not synced')
    switch (fates.shift()) {
      case undefined:
        await database.batch([...operations], options)
        return noteSynced()
      case 'refused':
        throw diskError
      case 'unanswered':
        await database.batch([...operations], options)
        await noteSynced()
        throw diskError
      case 'torn':
        await database.batch(operations.slice(0, Math.ceil(operations.length / 2)), options)
        throw diskError
      case 'hanging':
        await database.batch([...operations], { ...options, sync: false })
        await new Promise<void>((resolve) => {
          release = resolve
          noteHanging()
        })
        throw diskError
    }
  }

  /** As much of a chained batch as the store uses. */
  function chainedBatch(database: Database): Batch {
    const operations: Operation[] = []
    const batch: object = {
      get length() {
        return operations.length
      },
      put: (key: Uint8Array, value: Uint8Array) => {
        operations.push({ type: 'put', key, value })
        return batch
      },
      del: (key: Uint8Array) => {
        operations.push({ type: 'del', key })
        return batch
      },
      write: (options: { readonly sync?: boolean } = {}) => write(database, operations, options),
      close: () => Promise.resolve(),
    }
    return batch as Batch
  }

  return {
    writes,
    open: async (location, options) => {
      if (openingError !== undefined) {
        const error = openingError
        openingError = undefined
        throw error
      }
      folder = location
      const database = await openDatabase(location, options)
      const makeBatch = database.batch.bind(database) as (...rest: unknown[]) => unknown
      const put = database.put.bind(database)
      Object.assign(database, {
        put: async (key: Uint8Array, value: Uint8Array, putOptions: { readonly sync?: boolean } = {}) => {
          await put(key, value, putOptions)
          if (putOptions.sync === true) await noteSynced()
        },
        batch: (...rest: unknown[]) => (rest.length === 0 ? chainedBatch(database) : makeBatch(...rest)),
      })
      current = database
      await noteSynced()
      return database
    },
    database: () => {
      if (current === undefined) throw new Error('no database was opened')
      return current
    },
    failWrite: (fate, skip = 0) => {
      fates.push(...Array.from({ length: skip }, () => undefined), fate)
    },
    failOpening: (error) => {
      openingError = error
    },
    hangs: () => hanging,
    release: () => release(),
    crash: async (into, kept, random) => {
      await cp(folder, into, { recursive: true })
      for (const [name, bytes] of await logsIn(into)) {
        const safe = synced.get(name) ?? 0
        const end = safe + Math.round((bytes - safe) * kept)
        await truncate(join(into, name), end)
        // Pages reach the disk in any order: the file may have its length, and zeros in it.
        if (end > safe && end < bytes && random.chance(0.5)) await truncate(join(into, name), bytes)
      }
    },
  }
}

async function logsIn(folder: string): Promise<[name: string, bytes: number][]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.log'))
  return Promise.all(
    names.map(async (name): Promise<[string, number]> => [name, (await stat(join(folder, name))).size]),
  )
}
