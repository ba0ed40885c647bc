/**
 * Records: the elements of the server's own chain. JSON ones are a format byte 1 and an object with a `kind`; a stamp
 * is binary, for there is one per commit:
 *
 *     uint8 3 • varUint seq • varUint timeMs • runs × (varUint client • varUint clock • varUint count • count × uint32 crc)
 *
 * and so is what is said of superseded entries, for there is one per receipt:
 *
 *     uint8 4 • runs × (varUint client • varUint clock • varUint length)
 */

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import { limits } from '../limits.ts'
import type { ClockRange } from './chain-update/chain-struct.ts'
import { type ClientId, parseClientId, parseUserId, type UserId } from './ids.ts'
import { format } from './payload-format.ts'
import { readUint } from './read-uint.ts'

/** Consecutive clocks of one chain that were accepted one after another. */
export interface StampRun {
  readonly client: ClientId
  readonly clock: number
  /** CRC-32 of each payload, format byte included; 0 where there were no bytes. */
  readonly crcs: readonly number[]
}

/** Gives the entries of its runs the places `seq`, `seq + 1`, … and the server's time. */
export interface Stamp {
  readonly kind: 'stamp'
  readonly seq: number
  readonly timeMs: number
  readonly runs: readonly StampRun[]
}

export interface Genesis {
  readonly kind: 'genesis'
  readonly epoch: number
  readonly owner: UserId
  /** Server time in ms. */
  readonly createdAt: number
}

/** The entry at this place took its clock and its seq, and nothing else. */
export interface Void {
  readonly kind: 'void'
  readonly client: ClientId
  readonly clock: number
  readonly reason: string
}

/** The entry at this place was erased because `of` (a message id) was redacted by `by`. */
export interface Erased {
  readonly kind: 'erased'
  readonly client: ClientId
  readonly clock: number
  readonly of: string
  readonly by: UserId
  /** What is left of a message that stood there; absent for other entries. JSON that only chat knows. */
  readonly left?: Readonly<Record<string, unknown>>
}

/**
 * All entries up to `through` (a seq) have left the document, with their records. It takes the place of the checkpoint
 * before it, and its state that of all it was folded from: of these entries and of those up to its own commit.
 */
export interface Checkpoint {
  readonly kind: 'checkpoint'
  readonly through: number
  /** What they came to, messages aside; JSON that only chat knows. */
  readonly state: Readonly<Record<string, unknown>>
}

/** The entries at these places have lost their bytes: what they said a later entry of the same author says too. */
export interface Superseded {
  readonly kind: 'superseded'
  readonly runs: readonly (ClockRange & { readonly client: ClientId })[]
}

export type ServerRecord = Stamp | Genesis | Void | Erased | Superseded | Checkpoint

/** Writes a record as the payload of an element of the server chain. */
export function encodeRecord(record: ServerRecord): Uint8Array {
  const encoder = encoding.createEncoder()
  if (record.kind === 'stamp') {
    encoding.writeUint8(encoder, format.stamp)
    encoding.writeVarUint(encoder, record.seq)
    encoding.writeVarUint(encoder, record.timeMs)
    for (const run of record.runs) {
      encoding.writeVarUint(encoder, run.client)
      encoding.writeVarUint(encoder, run.clock)
      encoding.writeVarUint(encoder, run.crcs.length)
      for (const crc of run.crcs) encoding.writeUint32(encoder, crc)
    }
  } else if (record.kind === 'superseded') {
    encoding.writeUint8(encoder, format.superseded)
    for (const { client, clock, length } of record.runs)
      for (const number of [client, clock, length]) encoding.writeVarUint(encoder, number)
  } else {
    encoding.writeUint8(encoder, format.json)
    encoding.writeUint8Array(encoder, encodeUtf8(JSON.stringify(record)))
  }
  return encoding.toUint8Array(encoder)
}

/** Reads a record back; undefined for bytes that are none, and for kinds of a later version. */
export function parseRecord(bytes: Uint8Array): ServerRecord | undefined {
  try {
    const decoder = decoding.createDecoder(bytes)
    const first = decoding.readUint8(decoder)
    if (first === format.stamp) return readStamp(decoder)
    if (first === format.superseded) return readSuperseded(decoder)
    if (first !== format.json) return undefined
    return readJsonRecord(JSON.parse(decodeUtf8(bytes.subarray(1))))
  } catch {
    // Not a record: a truncated stamp or text that is not JSON. The answer says so.
    return undefined
  }
}

function readStamp(decoder: decoding.Decoder): Stamp | undefined {
  const seq = readUint(decoder)
  const timeMs = readUint(decoder)
  const runs: StampRun[] = []
  while (decoding.hasContent(decoder)) {
    const client = parseClientId(readUint(decoder))
    const clock = readUint(decoder)
    const count = readUint(decoder)
    if (client === undefined || count === 0 || count > bytesLeft(decoder) >>> 2) return undefined
    const crcs: number[] = []
    for (let index = 0; index < count; index++) crcs.push(decoding.readUint32(decoder))
    runs.push({ client, clock, crcs })
  }
  return { kind: 'stamp', seq, timeMs, runs }
}

function readSuperseded(decoder: decoding.Decoder): Superseded | undefined {
  const runs: Superseded['runs'][number][] = []
  let places = 0
  while (decoding.hasContent(decoder)) {
    const client = parseClientId(readUint(decoder))
    const [clock, length] = [readUint(decoder), readUint(decoder)]
    places += length
    if (client === undefined || length === 0 || places > limits.supersededPerRecord) return undefined
    runs.push({ client, clock, length })
  }
  return { kind: 'superseded', runs }
}

function bytesLeft(decoder: decoding.Decoder): number {
  return decoder.arr.length - decoder.pos
}

function readJsonRecord(value: unknown): ServerRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const fields: Readonly<Record<string, unknown>> = { ...value }
  const client = parseClientId(fields['client'])
  const clock = readCount(fields['clock'])
  switch (fields['kind']) {
    case 'genesis': {
      const epoch = readCount(fields['epoch'])
      const owner = parseUserId(fields['owner'])
      const createdAt = readCount(fields['createdAt'])
      if (epoch === undefined || owner === undefined || createdAt === undefined) return undefined
      return { kind: 'genesis', epoch, owner, createdAt }
    }
    case 'void': {
      const reason = fields['reason']
      if (client === undefined || clock === undefined || typeof reason !== 'string') return undefined
      return { kind: 'void', client, clock, reason }
    }
    case 'erased': {
      const by = parseUserId(fields['by'])
      const of = fields['of']
      if (client === undefined || clock === undefined || by === undefined || typeof of !== 'string') return undefined
      const left = readObject(fields['left'])
      return { kind: 'erased', client, clock, of, by, ...(left === undefined ? {} : { left }) }
    }
    case 'checkpoint': {
      const through = readCount(fields['through'])
      const state = readObject(fields['state'])
      return through === undefined || state === undefined ? undefined : { kind: 'checkpoint', through, state }
    }
    default:
      return undefined
  }
}

function readCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

function readObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
}
