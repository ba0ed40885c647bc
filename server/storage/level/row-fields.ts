/** The fields of which bodies of rows are made. Knows nothing of what rows mean. */

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** A body without fields: the key says it all, or there is only a tail. */
export function noFields(): void {}

export function writeCount(body: encoding.Encoder, count: number): void {
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`${count} is no count`)
  encoding.writeVarUint(body, count)
}

export function readCount(body: decoding.Decoder): number {
  return decoding.readVarUint(body)
}

/** A last field that rows written before it was thought of lack: it was `missing` then. */
export function readLaterCount(body: decoding.Decoder, missing = 0): number {
  return decoding.hasContent(body) ? readCount(body) : missing
}

export function writeOptional<T>(
  body: encoding.Encoder,
  value: T | undefined,
  write: (body: encoding.Encoder, value: T) => void,
): void {
  encoding.writeUint8(body, value === undefined ? 0 : 1)
  if (value !== undefined) write(body, value)
}

export function readOptional<T>(body: decoding.Decoder, read: (body: decoding.Decoder) => T): T | undefined {
  return decoding.readUint8(body) === 0 ? undefined : read(body)
}
