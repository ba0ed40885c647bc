/** How the parts of a key are written down and read back: ids, numbers, and where a range of keys ends. */

/** From `gte`, inclusive, to `lt`, exclusive. */
export interface KeyRange {
  readonly gte: Uint8Array
  readonly lt: Uint8Array
}

export const uuidBytes = 16
export const numberBytes = 8
const [hyphen, digit0, letterA] = [0x2d, 0x30, 0x61]

/** By hand, for every row has one or two: `write(…, 'hex')` costs a string without hyphens and a call into C++. */
export function writeUuid(bytes: Buffer, uuid: string, at: number): void {
  let to = at
  for (let index = 0; index < uuid.length; index += 2) {
    if (uuid.charCodeAt(index) === hyphen) index++
    bytes[to++] = (nibble(uuid.charCodeAt(index)) << 4) | nibble(uuid.charCodeAt(index + 1))
  }
}

/** The value of a hexadecimal digit in lower case. */
function nibble(digit: number): number {
  return digit < letterA ? digit - digit0 : digit - letterA + 10
}

export function readUuid(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + uuidBytes)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

export function writeNumber(bytes: Buffer, number: number, at: number): void {
  if (!Number.isSafeInteger(number) || number < 0) throw new RangeError(`${number} is no seq or clock`)
  bytes.writeUInt32BE(Math.floor(number / 0x1_0000_0000), at)
  bytes.writeUInt32BE(number % 0x1_0000_0000, at + 4)
}

export function readLastNumber(bytes: Buffer, at: number): number | undefined {
  if (bytes.length !== at + numberBytes) return undefined
  const number = bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4)
  return Number.isSafeInteger(number) ? number : undefined
}

export function prefixRange(prefix: Buffer): KeyRange {
  const end = Buffer.from(prefix)
  let last = end.length - 1
  // A byte that cannot be counted up is dropped: what is longer sorts before the next shorter prefix.
  while (end[last] === 0xff) last--
  end[last] = (end[last] ?? 0) + 1
  return { gte: prefix, lt: end.subarray(0, last + 1) }
}
