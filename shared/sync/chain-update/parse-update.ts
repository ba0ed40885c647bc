/**
 * The total parser of Yjs updates (V1). Whatever a client sends meets this and nothing else: it never throws, never
 * hangs and never allocates more than the order of its input. It tells which sections have the shape of a chain and
 * what they hold; whose chains they are is decided by acceptance.
 *
 *     varUint sections • sections × (varUint structs • varUint client • varUint clock • structs)
 *     varUint clients • clients × (varUint client • varUint ranges • ranges × (varUint clock • varUint length))
 *
 * A section has the shape of a chain when its struct at clock 0 names a root and every later one names, as its origin
 * and only parent, the clock before it; and each holds binary or deleted content.
 */

import * as decoding from 'lib0/decoding'
import { decodeUtf8 } from 'lib0/string'
import { limits } from '../../limits.ts'
import { readUint } from '../read-uint.ts'
import { type ChainStruct, structLength } from './chain-struct.ts'
import { contentRef, skipBytes, skipContent } from './skip-content.ts'

export interface Section {
  readonly client: number
  /** Clock of the first struct. */
  readonly clock: number
  /** The root type that the first struct names as its parent, when it names one. */
  readonly root: string | undefined
  /** Why this section cannot be part of a chain; undefined when it can. */
  readonly flaw: string | undefined
  /**
   * Empty when there is a flaw. Read from the update's bytes at every iteration: an object for each of the millions of
   * structs that a frame can hold would cost fifty times the frame.
   */
  readonly structs: Iterable<ChainStruct>
  /** A Skip was met: the structs behind it were left out. */
  readonly cut: boolean
}

export type ParsedUpdate =
  | {
      readonly kind: 'update'
      readonly sections: readonly Section[]
      /** Whether the delete set names any range. */
      readonly deletes: boolean
      /** Where the delete set begins. */
      readonly deletesAt: number
    }
  | { readonly kind: 'malformed'; readonly why: string }

/** Longer root names are not ours: `chain/` + 10 digits + `/` + 128 characters of a user id. */
const maxRootNameBytes = 6 + 10 + 1 + 128

const refBits = 0b0001_1111
const originBit = 0b1000_0000
const rightOriginBit = 0b0100_0000
const parentSubBit = 0b0010_0000
const gcRef = 0
const skipRef = 10

export function parseUpdate(bytes: Uint8Array): ParsedUpdate {
  const decoder = decoding.createDecoder(bytes)
  const sections: Section[] = []
  const seen = new Set<number>()
  let deletes = false
  let deletesAt = 0
  try {
    const count = readUint(decoder)
    if (count > limits.sectionsPerUpdate) return { kind: 'malformed', why: 'too many sections' }
    for (let index = 0; index < count; index++) {
      const section = readSection(decoder)
      if (seen.has(section.client)) return { kind: 'malformed', why: 'two sections of one client' }
      seen.add(section.client)
      sections.push(section)
    }
    deletesAt = decoder.pos
    deletes = skipDeleteSet(decoder)
  } catch (error) {
    return { kind: 'malformed', why: error instanceof Error ? error.message : String(error) }
  }
  if (decoding.hasContent(decoder)) return { kind: 'malformed', why: 'trailing bytes' }
  return { kind: 'update', sections, deletes, deletesAt }
}

/** Whether the set names any range; what it names does not matter, clients do not delete. */
function skipDeleteSet(decoder: decoding.Decoder): boolean {
  let any = false
  const clients = readUint(decoder)
  for (let client = 0; client < clients; client++) {
    readUint(decoder)
    const ranges = readUint(decoder)
    for (let range = 0; range < ranges; range++) {
      readUint(decoder)
      readUint(decoder)
      any = true
    }
  }
  return any
}

function readSection(decoder: decoding.Decoder): Section {
  const count = readUint(decoder)
  const client = readUint(decoder)
  const clock = readUint(decoder)
  const start = decoder.pos
  let links = 0
  let root: string | undefined
  let flaw: string | undefined
  let cut = false
  let next = clock
  for (let index = 0; index < count; index++) {
    const struct = readStruct(decoder, client, next, index === 0)
    if (index === 0) root = struct.root
    if (flaw !== undefined || cut) continue
    if (struct.kind === 'skip') cut = true
    else if (struct.kind === 'other') flaw = struct.flaw
    else {
      links++
      next += structLength(struct.content)
      if (next > Number.MAX_SAFE_INTEGER) throw new Error('clock overflow')
    }
  }
  const kept = flaw === undefined ? links : 0
  const structs = { [Symbol.iterator]: () => rereadLinks(decoder.arr, start, kept, client, clock) }
  return { client, clock, root, flaw, structs, cut }
}

/** Reads `count` structs again that are known to be links of a chain. */
function* rereadLinks(
  bytes: Uint8Array,
  start: number,
  count: number,
  client: number,
  clock: number,
): Generator<ChainStruct> {
  const decoder = decoding.createDecoder(bytes)
  decoder.pos = start
  let next = clock
  for (let index = 0; index < count; index++) {
    const struct = readStruct(decoder, client, next, false)
    if (struct.kind !== 'link') throw new Error('the bytes have changed')
    next += structLength(struct.content)
    yield struct.content
  }
}

type ReadStruct =
  | { readonly kind: 'skip'; readonly root: undefined }
  | { readonly kind: 'link'; readonly root: string | undefined; readonly content: ChainStruct }
  | { readonly kind: 'other'; readonly root: string | undefined; readonly flaw: string }

/** `isNamed`: the name of a root is read; else only skipped, for millions of them would cost seconds. */
function readStruct(decoder: decoding.Decoder, client: number, clock: number, isNamed: boolean): ReadStruct {
  const info = decoding.readUint8(decoder)
  const ref = info & refBits
  if (ref === skipRef || ref === gcRef) {
    // Yjs's own two readers disagree about these with further bits set; none of its writers sets them.
    if (info !== ref) throw new Error('unknown struct')
    readUint(decoder)
    return ref === skipRef ? { kind: 'skip', root: undefined } : { kind: 'other', root: undefined, flaw: 'gc' }
  }
  let root: string | undefined
  let flaw: string | undefined
  if (info & originBit) {
    const originClient = readUint(decoder)
    const originClock = readUint(decoder)
    if (clock === 0 || originClient !== client || originClock !== clock - 1) flaw = 'origin is not the clock before'
  }
  if (info & rightOriginBit) {
    readUint(decoder)
    readUint(decoder)
    flaw = 'right origin'
  }
  if ((info & (originBit | rightOriginBit)) === 0) {
    const parent = readParent(decoder, (info & parentSubBit) !== 0, isNamed)
    root = parent.root
    flaw = clock === 0 ? parent.flaw : 'parent named after clock 0'
  } else if (info & parentSubBit) {
    flaw = 'parentSub'
  }
  if (ref !== contentRef.binary && ref !== contentRef.deleted) {
    skipContent(decoder, ref)
    return { kind: 'other', root, flaw: flaw ?? 'content is neither binary nor deleted' }
  }
  const content = readContent(decoder, ref)
  if (content === undefined) return { kind: 'other', root, flaw: flaw ?? 'deleted run of length 0' }
  return flaw === undefined ? { kind: 'link', root, content } : { kind: 'other', root, flaw }
}

function readParent(
  decoder: decoding.Decoder,
  hasParentSub: boolean,
  isNamed: boolean,
): { root: string | undefined; flaw: string | undefined } {
  let root: string | undefined
  // Yjs writes 1 for a root name and 0 for an id, and reads every number but 1 as "id".
  if (readUint(decoder) === 1) {
    if (isNamed) root = readRootName(decoder)
    else skipBytes(decoder)
    root ??= ''
  } else {
    readUint(decoder)
    readUint(decoder)
  }
  if (hasParentSub) skipBytes(decoder)
  return { root, flaw: hasParentSub ? 'parentSub' : root === undefined ? 'parent is not a root' : undefined }
}

/** A root's name; the empty string, which names none of ours, when it is too long to be one. */
function readRootName(decoder: decoding.Decoder): string {
  const start = decoder.pos
  const length = readUint(decoder)
  decoder.pos = start
  skipBytes(decoder)
  return length > maxRootNameBytes ? '' : decodeUtf8(decoder.arr.subarray(decoder.pos - length, decoder.pos))
}

function readContent(decoder: decoding.Decoder, ref: number): ChainStruct | undefined {
  if (ref === contentRef.deleted) {
    const length = readUint(decoder)
    return length === 0 ? undefined : { kind: 'deleted', length }
  }
  const length = readUint(decoder)
  const start = decoder.pos
  if (length > decoder.arr.length - start) throw new Error('unexpected end')
  decoder.pos += length
  return { kind: 'payload', bytes: decoder.arr.subarray(start, start + length) }
}
