/**
 * Snappy, the compression of LevelDB's blocks: enough to read an index block (github.com/google/snappy,
 * format_description.txt). Total: bytes that are none give undefined.
 *
 *     varint length • elements × (tag byte, low two bits: 0 literal, 1–3 copy from what came before)
 */

/** A block is a few kilobytes; an index has some bytes for each. */
const maxBytes = 64 * 1024 * 1024

export function decompressSnappy(bytes: Buffer): Buffer | undefined {
  const start = readVarint(bytes, 0)
  if (start === undefined || start.value > maxBytes) return undefined
  const out = Buffer.alloc(start.value)
  let to = 0
  for (let at = start.end; at < bytes.length;) {
    const tag = bytes[at++] ?? 0
    if ((tag & 3) === 0) {
      const extra = (tag >>> 2) - 59
      if (extra > 0 && at + extra > bytes.length) return undefined
      const length = 1 + (extra > 0 ? bytes.readUIntLE(at, extra) : tag >>> 2)
      at += Math.max(0, extra)
      if (at + length > bytes.length || to + length > out.length) return undefined
      bytes.copy(out, to, at, at + length)
      at += length
      to += length
      continue
    }
    const copy = readCopy(bytes, at, tag)
    if (copy === undefined || copy.offset === 0 || copy.offset > to || to + copy.length > out.length) return undefined
    // Byte by byte: a copy may reach into what it writes.
    for (let index = 0; index < copy.length; index++, to++) out[to] = out[to - copy.offset] ?? 0
    at = copy.end
  }
  return to === out.length ? out : undefined
}

interface Copy {
  readonly length: number
  readonly offset: number
  readonly end: number
}

function readCopy(bytes: Buffer, at: number, tag: number): Copy | undefined {
  const kind = tag & 3
  const offsetBytes = kind === 3 ? 4 : kind
  const end = at + offsetBytes
  if (end > bytes.length) return undefined
  if (kind === 1) return { length: 4 + ((tag >>> 2) & 7), offset: ((tag >>> 5) << 8) | (bytes[at] ?? 0), end }
  return { length: 1 + (tag >>> 2), offset: bytes.readUIntLE(at, offsetBytes), end }
}

/** An unsigned number as LevelDB and Snappy write it, in as few bytes as it takes, below 2^53; undefined for anything else. */
export function readVarint(
  bytes: Uint8Array,
  at: number,
): { readonly value: number; readonly end: number } | undefined {
  let value = 0
  let factor = 1
  for (let end = at; end < bytes.length; end++) {
    const byte = bytes[end] ?? 0
    value += (byte & 0x7f) * factor
    if (!Number.isSafeInteger(value)) return undefined
    if (byte < 0x80) return byte === 0 && end > at ? undefined : { value, end: end + 1 }
    factor *= 0x80
  }
  return undefined
}
