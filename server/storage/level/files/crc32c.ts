/** CRC-32C (Castagnoli) as LevelDB stores it in its files: masked, for a checksum of data that holds checksums is weak. */

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0x82f6_3b78 : remainder >>> 1
  return remainder
})

/** Whether `masked` is the checksum of `bytes`. */
export function isChecksumOf(masked: number, bytes: Uint8Array): boolean {
  return unmask(masked) === crc32c(bytes)
}

function unmask(masked: number): number {
  const rotated = (masked - 0xa282_ead8) >>> 0
  return ((rotated >>> 17) | (rotated << 15)) >>> 0
}

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (let index = 0; index < bytes.length; index++) {
    crc = (table[(crc ^ (bytes[index] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8)
  }
  return (crc ^ 0xffff_ffff) >>> 0
}
