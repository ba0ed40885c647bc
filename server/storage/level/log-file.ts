/**
 * LevelDB's write-ahead log, read before LevelDB reads it: where a record is damaged LevelDB drops it, and the rest of
 * its block, without a word. Damage at the very end is a write that a crash cut short, and nobody was told that it was
 * durable; with another record begun behind it, it was.
 *
 *     blocks of 32 KiB, each: records × (uint32 masked CRC-32C of type ‖ data • uint16 length • uint8 type • data)
 *     and less than 7 bytes left over; numbers are little endian (LevelDB, doc/log_format.md)
 */

import { readFile } from 'node:fs/promises'
import { StoreError } from '../conversation-store.ts'

const blockBytes = 32_768
const headerBytes = 7
const typeOffset = 6
/** A whole record, or the first, a middle or the last part of one. */
const fragmentTypes = new Set([1, 2, 3, 4])
const beginningTypes = new Set([1, 2])

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

/** Where the record that begins at `at` ends; undefined when it is not whole. */
function endOfRecord(block: Buffer, at: number): number | undefined {
  const type = block[at + typeOffset]
  const end = at + headerBytes + block.readUInt16LE(at + 4)
  if (type === undefined || !fragmentTypes.has(type) || end > block.length) return undefined
  return unmask(block.readUInt32LE(at)) === crc32c(block.subarray(at + typeOffset, end)) ? end : undefined
}

function unmask(masked: number): number {
  const rotated = (masked - 0xa282_ead8) >>> 0
  return ((rotated >>> 17) | (rotated << 15)) >>> 0
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0x82f6_3b78 : remainder >>> 1
  return remainder
})

/** CRC-32C (Castagnoli), which is LevelDB's and not ours. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (let index = 0; index < bytes.length; index++) {
    crc = (table[(crc ^ (bytes[index] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8)
  }
  return (crc ^ 0xffff_ffff) >>> 0
}
