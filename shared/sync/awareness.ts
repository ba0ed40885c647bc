/**
 * Awareness updates of y-protocols: who is there, and what they are doing. JSON states, each under a number of its own.
 *
 *     varUint count • count × (varUint client • varUint clock • varString json)
 */

import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { limits } from '../limits.ts'
import { readUint } from './read-uint.ts'

/** Numbers that a server draws lie beyond those of documents, which have 32 bits: so nobody is ever shown under one of those. */
export const firstDrawnClient = 0x1_0000_0000

export interface AwarenessState {
  readonly client: number
  readonly clock: number
  /** JSON text; `null` when it has left. */
  readonly json: string
}

/** Reads at most `limits.awarenessStates` of them; undefined for what is no awareness update. Total. */
export function parseAwareness(bytes: Uint8Array): AwarenessState[] | undefined {
  if (bytes.length > limits.awarenessBytes) return undefined
  const decoder = decoding.createDecoder(bytes)
  const states: AwarenessState[] = []
  try {
    const count = Math.min(readUint(decoder), limits.awarenessStates)
    while (states.length < count) {
      const client = readUint(decoder)
      const clock = readUint(decoder)
      states.push({ client, clock, json: decoding.readVarString(decoder) })
    }
    return states
  } catch {
    // Nothing depends on it: whoever sends nonsense is not shown.
    return undefined
  }
}

export function encodeAwareness(states: readonly AwarenessState[]): Uint8Array {
  return joinAwareness(states.length, states.map(encodeAwarenessState))
}

/** One of the states of an update. */
export function encodeAwarenessState({ client, clock, json }: AwarenessState): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, client)
  encoding.writeVarUint(encoder, clock)
  encoding.writeVarString(encoder, json)
  return encoding.toUint8Array(encoder)
}

/** The update of `count` states, whose bytes the parts are. */
export function joinAwareness(count: number, parts: readonly Uint8Array[]): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, count)
  for (const part of parts) encoding.writeUint8Array(encoder, part)
  return encoding.toUint8Array(encoder)
}
