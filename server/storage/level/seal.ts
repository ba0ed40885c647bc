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
const roomForCrc = new Uint8Array(crcBytes)
const noBytes = new Uint8Array(0)

/** The body is what `writeFields` writes, and `tail` behind it, which is copied once however long it is. */
export function sealRow(key: Key, writeFields: (body: encoding.Encoder) => void, tail: Uint8Array = noBytes): Row {
  const keyBytes = encodeKey(key)
  const encoder = encoding.createEncoder()
  writeFields(encoder)
  const content = Buffer.concat([keyBytes, encoding.toUint8Array(encoder), tail, roomForCrc])
  const end = content.length - crcBytes
  content.writeUInt32BE(crc32(content.subarray(0, end)), end)
  return { key: keyBytes, value: content.subarray(keyBytes.length) }
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
  const crc = Buffer.from(value.buffer, value.byteOffset, value.length).readUInt32BE(end)
  return crc === crc32(Buffer.concat([key, value.subarray(0, end)]))
}

function isOfKind<Kind extends Key['kind']>(key: Key | undefined, kind: Kind): key is KeyOf<Kind> {
  return key?.kind === kind
}

/** Says where the damage is, and nothing of what the row holds. */
function damagedRow(key: Key, options?: ErrorOptions): StoreError {
  if (key.kind === 'format' || key.kind === 'generation') {
    return new StoreError('damaged', `the ${key.kind} row of the store is damaged`, options)
  }
  if (key.kind === 'profile') return new StoreError('damaged', `the profile row of ${key.user} is damaged`, options)
  const { kind, conversation } = key
  const article = /^[aeiou]/.test(kind) ? 'an' : 'a'
  return new StoreError('damaged', `${article} ${kind} row of conversation ${conversation} is damaged`, {
    ...options,
    conversation,
  })
}
