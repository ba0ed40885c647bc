/**
 * The seal of a row: a checksum over where it lies and what it holds, so that a row that was changed, and a row that
 * was found under another key, are both damage and are never served (SPEC STORE3). Knows nothing of what rows mean.
 *
 *     value = body • uint32 CRC-32 of key ‖ body (big endian)
 */

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { crc32 } from '../../../shared/sync/crc32.ts'
import { StoreError } from '../conversation-store.ts'
import { decodeKey, encodeKey, type Key } from './keys.ts'

/** A row as the database keeps it. */
export interface Row {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export type KeyOf<Kind extends Key['kind']> = Extract<Key, { readonly kind: Kind }>

const crcBytes = 4

export function sealRow(key: Key, writeBody: (body: encoding.Encoder) => void): Row {
  const keyBytes = encodeKey(key)
  const encoder = encoding.createEncoder()
  encoding.writeUint8Array(encoder, keyBytes)
  writeBody(encoder)
  encoding.writeUint32(encoder, 0)
  const bytes = encoding.toUint8Array(encoder)
  const end = bytes.length - crcBytes
  viewOf(bytes).setUint32(end, crc32(bytes.subarray(0, end)))
  return { key: keyBytes, value: bytes.subarray(keyBytes.length) }
}

/** Checks the seal and reads the body, to its end; StoreError `damaged` when either fails. */
export function openRow<Kind extends Key['kind'], T>(
  row: Row,
  kind: Kind,
  readBody: (body: decoding.Decoder, key: KeyOf<Kind>) => T | undefined,
): T {
  const key = decodeKey(row.key)
  if (!isOfKind(key, kind)) throw new StoreError('damaged', `the key of a ${kind} row is damaged`)
  if (!isSealed(row)) throw damagedRow(key)
  try {
    const body = decoding.createDecoder(row.value.subarray(0, -crcBytes))
    const content = readBody(body, key)
    if (content !== undefined && !decoding.hasContent(body)) return content
  } catch (cause) {
    throw damagedRow(key, { cause })
  }
  throw damagedRow(key)
}

function isSealed({ key, value }: Row): boolean {
  const end = value.length - crcBytes
  if (end < 0) return false
  const bytes = new Uint8Array(key.length + end)
  bytes.set(key)
  bytes.set(value.subarray(0, end), key.length)
  return viewOf(value).getUint32(end) === crc32(bytes)
}

function isOfKind<Kind extends Key['kind']>(key: Key | undefined, kind: Kind): key is KeyOf<Kind> {
  return key?.kind === kind
}

/** Says where the damage is, and nothing of what the row holds. */
function damagedRow(key: Key, options?: ErrorOptions): StoreError {
  const where = key.kind === 'format' ? 'the store' : `conversation ${key.conversation}`
  return new StoreError('damaged', `a ${key.kind} row of ${where} is damaged`, options)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
