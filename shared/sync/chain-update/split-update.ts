/**
 * Cuts an update (V1) at struct borders into smaller ones that say the same when they are applied in order. For frames
 * with a limit; knows nothing of frames.
 */

import * as decoding from 'lib0/decoding'
import { type ClientId, parseClientId } from '../ids.ts'
import { readUint } from '../read-uint.ts'
import { type ChainStruct, type ClockRange, structLength } from './chain-struct.ts'
import { type ChainPart, encodeUpdate } from './encode-update.ts'
import { parseUpdate, type Section } from './parse-update.ts'

/** Bounds of what the encoding adds, in bytes: a varUint of 32 bits takes 5, one of 53 bits takes 8. */
const updateBytes = 5 + 5
const sectionBytes = 5 + 5 + 8
const structBytes = 1 + 5 + 8 + 8
const deletesBytes = 5 + 5
const rangeBytes = 8 + 8

/**
 * The update itself when it is no longer than `maxBytes`; else several that are not, and the delete set behind all structs.
 * Sections that have not the shape of a chain are left out, and of a chain what stands behind a payload that no part can
 * hold. Empty for what is no update.
 */
export function splitUpdate(update: Uint8Array, maxBytes: number): Uint8Array[] {
  if (update.length <= maxBytes) return [update]
  const parsed = parseUpdate(update)
  if (parsed.kind === 'malformed') return []
  const cutter = new Cutter(maxBytes)
  for (const section of parsed.sections) cutter.addSection(section)
  cutter.addDeletes(update.subarray(parsed.deletesAt))
  return cutter.end()
}

interface OpenPart extends ChainPart {
  readonly structs: ChainStruct[]
}

class Cutter {
  readonly #maxBytes: number
  readonly #done: Uint8Array[] = []
  #parts: OpenPart[] = []
  #deletes = new Map<ClientId, ClockRange[]>()
  #bytes = updateBytes

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  addSection({ client: number, clock, root = '', flaw, structs }: Section): void {
    const client = parseClientId(number)
    // Without its name a root cannot be written.
    if (client === undefined || flaw !== undefined || (clock === 0 && root === '')) return
    let next = clock
    let part: OpenPart | undefined
    for (const struct of structs) {
      const bytes =
        structBytes + (struct.kind === 'payload' ? struct.bytes.length : 0) + (next === 0 ? 3 * root.length : 0)
      if (updateBytes + sectionBytes + bytes > this.#maxBytes) return
      if (!this.#fits(bytes + (part === undefined ? sectionBytes : 0))) {
        this.#cut()
        part = undefined
      }
      part ??= this.#begin({ client, root, clock: next, structs: [] })
      part.structs.push(struct)
      this.#bytes += bytes
      next += structLength(struct)
    }
  }

  /** Reads a delete set that was parsed before. */
  addDeletes(bytes: Uint8Array): void {
    const decoder = decoding.createDecoder(bytes)
    for (let clients = readUint(decoder); clients > 0; clients--) {
      const client = parseClientId(readUint(decoder))
      for (let ranges = readUint(decoder); ranges > 0; ranges--) {
        const range = { clock: readUint(decoder), length: readUint(decoder) }
        if (client !== undefined) this.#addRange(client, range)
      }
    }
  }

  end(): Uint8Array[] {
    this.#cut()
    return this.#done
  }

  #addRange(client: ClientId, range: ClockRange): void {
    if (!this.#fits(deletesBytes + rangeBytes)) this.#cut()
    const ranges = this.#deletes.get(client) ?? []
    this.#bytes += rangeBytes + (ranges.length === 0 ? deletesBytes : 0)
    ranges.push(range)
    this.#deletes.set(client, ranges)
  }

  #begin(part: OpenPart): OpenPart {
    this.#parts.push(part)
    this.#bytes += sectionBytes
    return part
  }

  #fits(bytes: number): boolean {
    return this.#bytes + bytes <= this.#maxBytes
  }

  #cut(): void {
    this.#done.push(encodeUpdate(this.#parts, this.#deletes))
    this.#parts = []
    this.#deletes = new Map()
    this.#bytes = updateBytes
  }
}
