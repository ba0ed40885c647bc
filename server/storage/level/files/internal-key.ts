/**
 * The keys of LevelDB's own files: each has the number of the write behind it, so that a row can lie there in several
 * versions.
 *
 *     key • uint64 of sequence << 8 | type, little endian (LevelDB, db/dbformat.h)
 */

const trailerBytes = 8

/** The key as the database was given it. */
export function userKeyOf(internal: Uint8Array): Uint8Array {
  return internal.subarray(0, Math.max(0, internal.length - trailerBytes))
}

/** The number of the write; undefined for what is no key. */
export function sequenceOf(internal: Uint8Array): bigint | undefined {
  if (internal.length < trailerBytes) return undefined
  const view = Buffer.from(internal.buffer, internal.byteOffset, internal.length)
  return view.readBigUInt64LE(internal.length - trailerBytes) >> 8n
}
