/** CRC-32 (IEEE 802.3, reflected, as in zlib): guards payloads in stamps and rows against damage, not against malice. */

/** Eight bytes at a time: a whole window of payloads is checked whenever a conversation is opened. */
const slices = 8

/** `tables[slice * 256 + byte]`: what a byte comes to that `slice` more bytes follow. */
const tables = new Int32Array(slices * 256)
for (let byte = 0; byte < 256; byte++) {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1
  tables[byte] = remainder
}
for (let index = 256; index < tables.length; index++) {
  const before = tables[index - 256] ?? 0
  tables[index] = at(before) ^ (before >>> 8)
}

/** The CRC-32 of `bytes` as an unsigned 32-bit integer; of no bytes at all it is 0. */
export function crc32(bytes: Uint8Array): number {
  const { length } = bytes
  let crc = -1
  let index = 0
  for (; index + slices <= length; index += slices) {
    const low = crc ^ fourFrom(bytes, index)
    const high = fourFrom(bytes, index + 4)
    crc =
      at(low, 7) ^
      at(low >>> 8, 6) ^
      at(low >>> 16, 5) ^
      at(low >>> 24, 4) ^
      at(high, 3) ^
      at(high >>> 8, 2) ^
      at(high >>> 16, 1) ^
      at(high >>> 24)
  }
  for (; index < length; index++) crc = at(crc ^ (bytes[index] ?? 0)) ^ (crc >>> 8)
  return ~crc >>> 0
}

/** Of the lowest byte of `value`. */
function at(value: number, slice = 0): number {
  return tables[(slice << 8) | (value & 0xff)] ?? 0
}

function fourFrom(bytes: Uint8Array, index: number): number {
  const low = (bytes[index] ?? 0) | ((bytes[index + 1] ?? 0) << 8)
  return low | ((bytes[index + 2] ?? 0) << 16) | ((bytes[index + 3] ?? 0) << 24)
}
