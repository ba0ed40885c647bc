/**
 * lib0's varUint, made total: lib0 itself answers NaN when enough padding bytes (0x80) stand before the last one, and
 * numbers beyond 2^53 - 1 when the eighth byte ends them.
 */

import * as decoding from 'lib0/decoding'

/** Reads an unsigned integer; throws when the bytes end early or it is not exact in a double. */
export function readUint(decoder: decoding.Decoder): number {
  const value = decoding.readVarUint(decoder)
  if (!Number.isSafeInteger(value)) throw new Error('integer out of range')
  return value
}
