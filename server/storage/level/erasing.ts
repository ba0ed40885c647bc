/**
 * Makes earlier versions of rows vanish from the medium (SPEC ERASE1). LevelDB keeps them in its tables until a compaction
 * meets both versions, and the tables until nobody can read them and it next looks for obsolete ones. Knows ranges of
 * keys, and nothing of rows.
 *
 * A memtable that held both versions makes one table of both, and where that lies deepest a compaction of the range leaves
 * it alone. So the memtable is emptied first, and then the range is put between two deletions of keys that do not exist:
 * their table lies above, spans the range, and has to be merged with all that lies below it.
 */

import { readdir } from 'node:fs/promises'
import { StoreError } from '../conversation-store.ts'
import type { RowSink } from './batch.ts'
import { compact, type Database } from './database.ts'
import { earlierVersions } from './files/row-versions.ts'
import { listStoreFiles } from './files/store-files.ts'
import type { KeyRange } from './keys.ts'

export interface Medium {
  readonly database: Database
  readonly location: string
  /** Writes a batch durably. */
  readonly write: (fill: (batch: RowSink) => void) => Promise<void>
  /** Ends what is under way at the next step. */
  readonly signal: AbortSignal
}

/** What is merged in one go, and where in it nothing of before may be left. */
export interface Stretch {
  readonly whole: KeyRange
  readonly within: readonly KeyRange[]
}

/** How often it looks for what should be gone, and tries again, before it gives up. */
const looks = 10

/** Sorts behind every key: compacting it is nothing but emptying the memtable, and removing obsolete files. */
const nothing: KeyRange = { gte: Uint8Array.of(0xff), lt: Uint8Array.of(0xff) }

/**
 * Of the rows within these stretches only the last version is left when it resolves, and of deleted ones none; unless it
 * was aborted. Throws StoreError `failed` when they do not go, or the files that held them.
 */
export async function eraseEarlier(stretches: readonly Stretch[], medium: Medium): Promise<void> {
  const { database, signal } = medium
  // Whoever reads what was there before the rows were written keeps it, whatever is compacted.
  await untilReadersEnded(medium)
  if (signal.aborted) return
  await compact(database, nothing)
  for (const stretch of stretches) {
    if (signal.aborted) return
    await mergeAll(stretch, medium)
  }
  await removeObsolete(medium)
}

/** Merges and looks whether that was all: LevelDB compacts by itself meanwhile, and may move a table out of the way. */
async function mergeAll({ whole, within }: Stretch, medium: Medium): Promise<void> {
  let earlier: ReadonlySet<string> | undefined
  for (let look = 0; look < looks; look++) {
    await mergeOnce(whole, medium)
    const found: string[] = []
    for (const range of within) found.push(...(await lookForEarlier(range, medium)))
    if (medium.signal.aborted) return
    // Versions that came after the first look are of later commits.
    earlier = new Set(found.filter((version) => earlier?.has(version) !== false))
    if (earlier.size === 0) return
    await untilReadersEnded(medium)
    if (medium.signal.aborted) return
  }
  throw new StoreError('failed', 'earlier versions of rows stay in the tables of the store')
}

async function lookForEarlier(range: KeyRange, { location, signal }: Medium): Promise<ReadonlySet<string>> {
  for (let look = 0; look < looks && !signal.aborted; look++) {
    const found = await earlierVersions(location, range)
    if (found !== undefined) return found
  }
  if (signal.aborted) return new Set()
  throw new StoreError('failed', 'the tables of the store change too fast to be looked at')
}

async function mergeOnce({ gte, lt }: KeyRange, { database, write }: Medium): Promise<void> {
  // A key is never the beginning of another one of its kind, nor another one and a 0 byte.
  const below = gte.subarray(0, -1)
  const above = Buffer.concat([lt, Buffer.of(0)])
  await write((batch) => {
    batch.del(below)
    batch.del(above)
  })
  await compact(database, { gte: below, lt: above })
}

/** Waits until the files that are obsolete now are gone. */
async function removeObsolete(medium: Medium): Promise<void> {
  const { database, location, signal } = medium
  let left = await obsoleteIn(location)
  for (let look = 0; look < looks; look++) {
    await untilReadersEnded(medium)
    if (signal.aborted) return
    await compact(database, nothing)
    const obsolete = new Set(await obsoleteIn(location))
    left = left.filter((name) => obsolete.has(name))
    if (left.length === 0) return
  }
  throw new StoreError('failed', `files of the store that are obsolete are not removed: ${left.join(', ')}`)
}

/** Tables and logs that lie in the folder and do not belong to the store; also those that LevelDB is just writing. */
async function obsoleteIn(location: string): Promise<string[]> {
  const there = await readdir(location)
  const { names } = await listStoreFiles(location)
  const live = new Set(names)
  return there.filter((name) => /^[0-9]+\.(?:ldb|sst|log)$/.test(name) && !live.has(name))
}

async function untilReadersEnded({ database, signal }: Medium): Promise<void> {
  if (signal.aborted) return
  const waited = new AbortController()
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { signal: waited.signal })
  })
  await Promise.race([database.readers.untilEnded(), aborted])
  waited.abort()
}
