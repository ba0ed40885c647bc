/**
 * Yjs state vectors: for every clientID the next clock that is lacking.
 *
 *     varUint count • count × (varUint client • varUint clock)
 */

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { limits } from '../limits.ts'
import { readUint } from './read-uint.ts'

export type StateVector = ReadonlyMap<number, number>

export type ParsedStateVector =
  | { readonly kind: 'state-vector'; readonly clocks: StateVector }
  | { readonly kind: 'malformed'; readonly why: string }

/** Reads a state vector; total: any bytes give an answer, in time and memory of the order of their length. */
export function parseStateVector(bytes: Uint8Array): ParsedStateVector {
  const decoder = decoding.createDecoder(bytes)
  const clocks = new Map<number, number>()
  try {
    const count = readUint(decoder)
    if (count > limits.stateVectorEntries) return { kind: 'malformed', why: 'state vector: too long' }
    for (let index = 0; index < count; index++) {
      const client = readUint(decoder)
      clocks.set(client, readUint(decoder))
    }
  } catch (error) {
    return { kind: 'malformed', why: `state vector: ${error instanceof Error ? error.message : String(error)}` }
  }
  if (decoding.hasContent(decoder)) return { kind: 'malformed', why: 'state vector: trailing bytes' }
  return { kind: 'state-vector', clocks }
}

/** Writes a state vector as Yjs does: highest clientID first. */
export function encodeStateVector(clocks: StateVector): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, clocks.size)
  for (const [client, clock] of [...clocks].toSorted(([a], [b]) => b - a)) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, clock)
  }
  return encoding.toUint8Array(encoder)
}
