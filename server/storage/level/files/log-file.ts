/**
 * LevelDB's log format, of the write-ahead log and of the manifest, read before LevelDB reads it: where a record is
 * damaged LevelDB drops it, and the rest of its block, without a word. Damage at the very end may be a write that a crash
 * cut short, and nobody was told that it was durable; with another record begun behind it, it was.
 *
 *     blocks of 32 KiB, each: records × (uint32 masked CRC-32C of type ‖ data • uint16 length • uint8 type • data)
 *     and less than 7 bytes left over; numbers are little endian (LevelDB, doc/log_format.md)
 */

import { readFile } from 'node:fs/promises'
import { StoreError } from '../../conversation-store.ts'
import { isChecksumOf } from './crc32c.ts'

const blockBytes = 32_768
const headerBytes = 7
const typeOffset = 6
/** A whole record, or the first, a middle or the last part of one. */
const [full, first, middle, last] = [1, 2, 3, 4]
const fragmentTypes = new Set([full, first, middle, last])
const beginningTypes = new Set([full, first])
/** What a disk writes at once: where it lost something there are at least so many zeros. */
const sectorBytes = 512

/** Throws StoreError `damaged` when a log is damaged anywhere but at its end (SPEC STORE4). */
export async function assertWholeLog(path: string): Promise<void> {
  const damagedAt = findDamage(await readFile(path))
  if (damagedAt !== undefined) throw new StoreError('damaged', `${path} is damaged at byte ${damagedAt}`)
}

/**
 * The offset of the first damage that has the beginning of a whole record behind it. A later part of a record proves
 * nothing: it may belong to the batch that was in flight, whose pages reach the disk in any order.
 */
export function findDamage(log: Buffer): number | undefined {
  let damagedAt: number | undefined
  for (let start = 0; start < log.length; start += blockBytes) {
    const block = log.subarray(start, start + blockBytes)
    for (let at = 0; at + headerBytes <= block.length;) {
      const end = endOfRecord(block, at)
      if (end === undefined) damagedAt ??= start + at
      else if (damagedAt !== undefined && beginningTypes.has(block[at + typeOffset] ?? 0)) return damagedAt
      // The length is in doubt with the rest of a damaged record, so the next one may begin anywhere.
      at = end ?? at + 1
    }
  }
  return undefined
}

/** How a log ends. `torn`: in a write that a crash can have cut short. `damaged`: in one that no crash leaves so. */
export type LogEnd =
  | { readonly kind: 'whole'; readonly records: readonly Buffer[] }
  | { readonly kind: 'torn' | 'damaged'; readonly at: number; readonly records: readonly Buffer[] }

/** The records of a log, as far as they are whole, and how it ends. */
export function readLog(log: Buffer): LogEnd {
  const records: Buffer[] = []
  let parts: Buffer[] | undefined
  let begun = 0
  for (let at = 0; at < log.length;) {
    const start = at - (at % blockBytes)
    const block = log.subarray(start, start + blockBytes)
    if (at - start + headerBytes > blockBytes) {
      at = start + blockBytes
      continue
    }
    const end = endOfRecord(block, at - start)
    if (end === undefined) return { kind: couldBeTorn(log, at) ? 'torn' : 'damaged', at: begun, records }
    const type = block[at - start + typeOffset]
    // A part without its beginning, or a beginning before the end of another.
    if (beginningTypes.has(type ?? 0) === (parts !== undefined)) return { kind: 'damaged', at: begun, records }
    parts = [...(parts ?? []), block.subarray(at - start + headerBytes, end)]
    at = start + end
    if (type === full || type === last) {
      records.push(Buffer.concat(parts))
      parts = undefined
      begun = at
    }
  }
  return parts === undefined ? { kind: 'whole', records } : { kind: 'torn', at: begun, records }
}

/** Whether what lies from `at` on, which is no whole record, can be all that a crash left of one. */
function couldBeTorn(log: Buffer, at: number): boolean {
  if (findDamage(log) !== undefined) return false
  const rest = log.subarray(at)
  if (hasZeroSector(log, at) || rest.every((byte) => byte === 0) || rest.length < headerBytes) return true
  const end = headerBytes + rest.readUInt16LE(4)
  const fitsBlock = (at % blockBytes) + end <= blockBytes
  // It would be whole if it were not for its length: that was changed.
  const isWhole = isChecksumOf(rest.readUInt32LE(0), rest.subarray(typeOffset))
  return fitsBlock && end > rest.length && fragmentTypes.has(rest[typeOffset] ?? 0) && !isWhole
}

function hasZeroSector(log: Buffer, from: number): boolean {
  for (let at = Math.ceil(from / sectorBytes) * sectorBytes; at + sectorBytes <= log.length; at += sectorBytes) {
    if (log.subarray(at, at + sectorBytes).every((byte) => byte === 0)) return true
  }
  return false
}

/** Where the record that begins at `at` ends; undefined when it is not whole. */
function endOfRecord(block: Buffer, at: number): number | undefined {
  if (at + headerBytes > block.length) return undefined
  const type = block[at + typeOffset]
  const end = at + headerBytes + block.readUInt16LE(at + 4)
  if (type === undefined || !fragmentTypes.has(type) || end > block.length) return undefined
  return isChecksumOf(block.readUInt32LE(at), block.subarray(at + typeOffset, end)) ? end : undefined
}
