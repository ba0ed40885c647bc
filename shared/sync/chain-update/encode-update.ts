/**
 * Writes Yjs updates (V1) from chains: the canonical form in which everything leaves the server. What was accepted is
 * encoded anew here; no client bytes are passed on.
 */

import * as encoding from 'lib0/encoding'
import type { ClientId } from '../ids.ts'
import type { ChainStruct, ClockRange } from './chain-struct.ts'
import { structLength } from './chain-struct.ts'
import { contentRef } from './skip-content.ts'

/** A contiguous piece of one chain. */
export interface ChainPart {
  readonly client: ClientId
  /** Name of the chain's root type; written only when the part begins at clock 0. */
  readonly root: string
  /** Clock of the first struct. */
  readonly clock: number
  readonly structs: readonly ChainStruct[]
}

export type DeleteSet = ReadonlyMap<ClientId, readonly ClockRange[]>

const originBit = 0b1000_0000

/** An update that carries nothing. */
export const emptyUpdate: Uint8Array = Uint8Array.of(0, 0)

/** Encodes parts (at most one per client; empty ones are left out) and a delete set as one update. */
export function encodeUpdate(parts: readonly ChainPart[], deletes: DeleteSet = new Map()): Uint8Array {
  const encoder = encoding.createEncoder()
  const filled = parts.filter((part) => part.structs.length > 0).toSorted((a, b) => b.client - a.client)
  encoding.writeVarUint(encoder, filled.length)
  for (const part of filled) writePart(encoder, part)
  writeDeleteSet(encoder, deletes)
  return encoding.toUint8Array(encoder)
}

function writePart(encoder: encoding.Encoder, part: ChainPart): void {
  encoding.writeVarUint(encoder, part.structs.length)
  encoding.writeVarUint(encoder, part.client)
  encoding.writeVarUint(encoder, part.clock)
  let clock = part.clock
  for (const struct of part.structs) {
    const ref = struct.kind === 'payload' ? contentRef.binary : contentRef.deleted
    if (clock === 0) {
      encoding.writeUint8(encoder, ref)
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarString(encoder, part.root)
    } else {
      encoding.writeUint8(encoder, ref | originBit)
      encoding.writeVarUint(encoder, part.client)
      encoding.writeVarUint(encoder, clock - 1)
    }
    if (struct.kind === 'payload') encoding.writeVarUint8Array(encoder, struct.bytes)
    else encoding.writeVarUint(encoder, struct.length)
    clock += structLength(struct)
  }
}

function writeDeleteSet(encoder: encoding.Encoder, deletes: DeleteSet): void {
  const clients = [...deletes].filter(([, ranges]) => ranges.length > 0).toSorted(([a], [b]) => b - a)
  encoding.writeVarUint(encoder, clients.length)
  for (const [client, ranges] of clients) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, ranges.length)
    for (const range of ranges) {
      encoding.writeVarUint(encoder, range.clock)
      encoding.writeVarUint(encoder, range.length)
    }
  }
}
