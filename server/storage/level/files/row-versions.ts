/**
 * The versions of rows that lie in the tables of a store, read past LevelDB, which tells only of the last one. Knows keys
 * as bytes.
 */

import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../../conversation-store.ts'
import type { KeyRange } from '../keys.ts'
import { sequenceOf, userKeyOf } from './internal-key.ts'
import { readVarint } from './snappy.ts'
import { listStoreFiles } from './store-files.ts'
import { footerBytes, type Handle, openBlock, readAt, readFooter, readHandle, trailerBytes } from './table-file.ts'

interface Entry {
  readonly key: Buffer
  readonly value: Buffer
}

/**
 * Names of the versions of rows of a range that have a later one in the tables, deletions counted. Undefined when a table
 * went meanwhile: to be asked again. Throws StoreError `damaged` for a table that cannot be read.
 */
export async function earlierVersions(location: string, range: KeyRange): Promise<Set<string> | undefined> {
  const { tables } = await listStoreFiles(location)
  const versions = new Map<string, bigint[]>()
  for (const { name, first, last } of tables) {
    if (Buffer.compare(last, range.gte) < 0 || Buffer.compare(first, range.lt) >= 0) continue
    const file = await open(join(location, name)).catch(undefinedIfMissing)
    if (file === undefined) return undefined
    try {
      for await (const { key } of entriesIn(file, range)) {
        const text = Buffer.from(userKeyOf(key)).toString('hex')
        versions.set(text, [...(versions.get(text) ?? []), sequenceOf(key) ?? 0n])
      }
    } finally {
      await file.close()
    }
  }
  const earlier = new Set<string>()
  for (const [key, sequences] of versions) {
    const newest = sequences.reduce((a, b) => (a > b ? a : b))
    for (const sequence of sequences) if (sequence !== newest) earlier.add(`${key}/${sequence}`)
  }
  return earlier
}

/** The entries of a range in a table. */
async function* entriesIn(file: FileHandle, { gte, lt }: KeyRange): AsyncGenerator<Entry> {
  const { size } = await file.stat()
  const footer = size < footerBytes ? undefined : readFooter(await readAt(file, size - footerBytes, footerBytes))
  if (footer === undefined) throw damagedTable()
  const block = async (handle: Handle): Promise<Buffer> => {
    if (handle.offset + handle.size > size) throw damagedTable()
    const found = openBlock(await readAt(file, handle.offset, handle.size + trailerBytes), handle)
    if (found === undefined) throw damagedTable()
    return found
  }
  for (const { key: separator, value } of blockEntries(await block(footer.index))) {
    // No key of the block is behind it, and none of those that follow is before it.
    const end = userKeyOf(separator)
    if (Buffer.compare(end, gte) < 0) continue
    const found = readHandle(value, 0)
    if (found === undefined) throw damagedTable()
    for (const entry of blockEntries(await block(found.handle))) {
      const key = userKeyOf(entry.key)
      if (Buffer.compare(key, gte) >= 0 && Buffer.compare(key, lt) < 0) yield entry
    }
    if (Buffer.compare(end, lt) >= 0) return
  }
}

//     entry: varint shared • varint unshared • varint value bytes • unshared bytes of the key • value
function* blockEntries(block: Buffer): Generator<Entry> {
  const end = block.length - 4 - 4 * block.readUInt32LE(block.length - 4)
  let key = Buffer.alloc(0)
  for (let at = 0; at < end;) {
    const shared = readVarint(block, at)
    const unshared = shared && readVarint(block, shared.end)
    const length = unshared && readVarint(block, unshared.end)
    if (shared === undefined || unshared === undefined || length === undefined) throw damagedTable()
    const valueAt = length.end + unshared.value
    key = Buffer.concat([key.subarray(0, shared.value), block.subarray(length.end, valueAt)])
    at = valueAt + length.value
    yield { key, value: block.subarray(valueAt, at) }
  }
}

function undefinedIfMissing(error: unknown): undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
}

function damagedTable(): StoreError {
  return new StoreError('damaged', 'a table of the store is damaged')
}
