/**
 * LevelDB's tables, read past LevelDB: it does not look at the checksums of blocks when it reads them, so that a changed
 * key can hide a row without a trace, and a changed index can end the process. Blocks need not be decompressed for that,
 * but for the index.
 *
 *     blocks, without gaps: data, filter, index of filters, index of data • footer of 48 bytes
 *     block: data • uint8 compression • uint32 masked CRC-32C of both (LevelDB, doc/table_format.md)
 */

import { type FileHandle, open } from 'node:fs/promises'
import { isChecksumOf } from './crc32c.ts'
import { decompressSnappy, readVarint } from './snappy.ts'

export const footerBytes = 48
const magicBytes = 8
const magic = 0xdb47_7524_8b80_fb57n
export const trailerBytes = 5
const snappy = 1

/** Where a block lies, its trailer not counted. */
export interface Handle {
  readonly offset: number
  readonly size: number
}

interface Footer {
  readonly filters: Handle
  readonly index: Handle
}

const endDamage = 'its end is damaged'
const indexDamage = 'its index is damaged'

/** What is wrong with a table, in words; undefined when every byte of it is as it was written. */
export function findTableDamage(table: Buffer): string | undefined {
  const footerAt = table.length - footerBytes
  const footer = footerAt < 0 ? undefined : readFooter(table.subarray(footerAt))
  if (footer === undefined) return endDamage
  const block = (handle: Handle): Buffer => table.subarray(handle.offset, handle.offset + handle.size + trailerBytes)
  const data = handlesIn(block(footer.index), footer.index)
  const more = handlesIn(block(footer.filters), footer.filters)
  if (data === undefined || more === undefined) return indexDamage
  let end = 0
  for (const handle of [...data, ...more, footer.filters, footer.index]) {
    if (handle.offset !== end) return `something else lies at byte ${end}`
    if (!isWholeBlock(block(handle), handle)) return `the block at byte ${end} is damaged`
    end += handle.size + trailerBytes
  }
  return end === footerAt ? undefined : `something else lies at byte ${end}`
}

/** The same of what LevelDB finds its way by, and not of the data, which is nearly all of it. */
export async function findIndexDamage(path: string): Promise<string | undefined> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const footer = size < footerBytes ? undefined : readFooter(await readAt(file, size - footerBytes, footerBytes))
    if (footer === undefined) return endDamage
    const block = async (handle: Handle): Promise<Buffer> => {
      // An offset or a length beyond the file is damage, and not a reason to ask for so much memory.
      if (handle.offset + handle.size > size) return Buffer.alloc(0)
      return await readAt(file, handle.offset, handle.size + trailerBytes)
    }
    const filters = handlesIn(await block(footer.filters), footer.filters)
    if (filters === undefined || handlesIn(await block(footer.index), footer.index) === undefined) return indexDamage
    for (const handle of filters) if (!isWholeBlock(await block(handle), handle)) return indexDamage
    return undefined
  } finally {
    await file.close()
  }
}

export async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset)
  return buffer.subarray(0, bytesRead)
}

export function readFooter(footer: Buffer): Footer | undefined {
  if (footer.readBigUInt64LE(footerBytes - magicBytes) !== magic) return undefined
  const filters = readHandle(footer, 0)
  const index = filters && readHandle(footer, filters.end)
  if (filters === undefined || index === undefined) return undefined
  const padding = footer.subarray(index.end, footerBytes - magicBytes)
  return padding.every((byte) => byte === 0) ? { filters: filters.handle, index: index.handle } : undefined
}

export function readHandle(bytes: Buffer, at: number): { readonly handle: Handle; readonly end: number } | undefined {
  const offset = readVarint(bytes, at)
  const size = offset && readVarint(bytes, offset.end)
  if (offset === undefined || size === undefined) return undefined
  return { handle: { offset: offset.value, size: size.value }, end: size.end }
}

/** `block` has its trailer. */
function isWholeBlock(block: Buffer, { size }: Handle): boolean {
  return block.length === size + trailerBytes && isChecksumOf(block.readUInt32LE(size + 1), block.subarray(0, size + 1))
}

/** What a stored block holds, decompressed; undefined when it is damaged. */
export function openBlock(stored: Buffer, handle: Handle): Buffer | undefined {
  if (!isWholeBlock(stored, handle)) return undefined
  const data = stored.subarray(0, handle.size)
  const block = stored[handle.size] === snappy ? decompressSnappy(data) : data
  return block === undefined || block.length < 4 ? undefined : block
}

/** The values of an index block; undefined when it is damaged. */
function handlesIn(stored: Buffer, handle: Handle): Handle[] | undefined {
  const block = openBlock(stored, handle)
  if (block === undefined) return undefined
  const restarts = block.readUInt32LE(block.length - 4)
  const end = block.length - 4 - 4 * restarts
  const handles: Handle[] = []
  //     entry: varint shared • varint unshared • varint value bytes • unshared bytes of the key • value
  for (let at = 0; at < end;) {
    const shared = readVarint(block, at)
    const unshared = shared && readVarint(block, shared.end)
    const length = unshared && readVarint(block, unshared.end)
    if (unshared === undefined || length === undefined) return undefined
    const valueAt = length.end + unshared.value
    const found = readHandle(block, valueAt)
    if (found === undefined || found.end !== valueAt + length.value) return undefined
    handles.push(found.handle)
    at = found.end
  }
  return end < 0 ? undefined : handles
}
