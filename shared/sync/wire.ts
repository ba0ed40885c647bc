/**
 * The messages of the stock y-websocket protocol, one per binary frame:
 *
 *     sync       varUint 0 • (varUint 0 • bytes stateVector | varUint 1 • bytes update | varUint 2 • bytes update)
 *     awareness  varUint 1 • bytes
 *     auth       varUint 2 • …
 *     query      varUint 3
 */

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { readUint } from './read-uint.ts'

export type WireMessage =
  | { readonly kind: 'step1'; readonly stateVector: Uint8Array }
  | { readonly kind: 'step2'; readonly update: Uint8Array }
  | { readonly kind: 'update'; readonly update: Uint8Array }
  | { readonly kind: 'awareness'; readonly update: Uint8Array }
  | { readonly kind: 'query-awareness' }
  /** Auth: nothing that a server answers. */
  | { readonly kind: 'aside' }
  | { readonly kind: 'malformed'; readonly why: string }

const messageSync = 0
const messageAwareness = 1
const messageQueryAwareness = 3
const syncStep1 = 0
const syncStep2 = 1
const syncUpdate = 2

/** Reads one frame; total. The bytes inside are views of `frame`. */
export function parseWireMessage(frame: Uint8Array): WireMessage {
  try {
    const decoder = decoding.createDecoder(frame)
    const type = readUint(decoder)
    if (type > messageQueryAwareness) return { kind: 'malformed', why: 'unknown message' }
    if (type === messageQueryAwareness) return { kind: 'query-awareness' }
    if (type === messageAwareness) return { kind: 'awareness', update: readRest(decoder, frame) }
    if (type !== messageSync) return { kind: 'aside' }
    const subtype = readUint(decoder)
    const bytes = readRest(decoder, frame)
    if (subtype === syncStep1) return { kind: 'step1', stateVector: bytes }
    if (subtype === syncStep2) return { kind: 'step2', update: bytes }
    if (subtype === syncUpdate) return { kind: 'update', update: bytes }
    return { kind: 'malformed', why: 'unknown sync message' }
  } catch (error) {
    return { kind: 'malformed', why: error instanceof Error ? error.message : String(error) }
  }
}

/** Bytes with their length in front, which must be all that is left. */
function readRest(decoder: decoding.Decoder, frame: Uint8Array): Uint8Array {
  const length = readUint(decoder)
  if (length !== frame.length - decoder.pos) throw new Error('length is not that of the frame')
  return frame.subarray(decoder.pos)
}

export function encodeStep1(stateVector: Uint8Array): Uint8Array {
  return encodeSync(syncStep1, stateVector)
}

export function encodeStep2(update: Uint8Array): Uint8Array {
  return encodeSync(syncStep2, update)
}

export function encodeUpdateMessage(update: Uint8Array): Uint8Array {
  return encodeSync(syncUpdate, update)
}

export function encodeAwarenessMessage(update: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, messageAwareness)
  encoding.writeVarUint8Array(encoder, update)
  return encoding.toUint8Array(encoder)
}

/** An awareness update that names nobody: the smallest frame that feeds a stock provider's 30 s watchdog. */
export const heartbeat: Uint8Array = Uint8Array.of(messageAwareness, 1, 0)

function encodeSync(subtype: number, bytes: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, messageSync)
  encoding.writeVarUint(encoder, subtype)
  encoding.writeVarUint8Array(encoder, bytes)
  return encoding.toUint8Array(encoder)
}
