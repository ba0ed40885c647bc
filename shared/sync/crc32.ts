/** CRC-32 (IEEE 802.3, reflected, as in zlib): guards payloads in stamps and rows against damage, not against malice. */

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1
  return remainder
})

/** The CRC-32 of `bytes` as an unsigned 32-bit integer; of no bytes at all it is 0. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (let index = 0; index < bytes.length; index++) {
    crc = (table[(crc ^ (bytes[index] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8)
  }
  return (crc ^ 0xffff_ffff) >>> 0
}
