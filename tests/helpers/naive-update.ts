// Reads Yjs updates (V1) the plain way, into lists of objects: written from the format, not with the code under test, to
// be held against it. Throws at what is no update. Knows no test runner, and nothing of chains but their shape.
import { limits } from '../../shared/limits.ts'
import type { Place } from './update-forge.ts'

export interface NaiveStruct {
  readonly kind: 'item' | 'gc' | 'skip'
  readonly length: number
  readonly origin?: Place
  readonly rightOrigin?: Place
  /** A root's name, or `other` for a parent given by its id. */
  readonly parent?: { readonly root: string } | 'other'
  readonly hasParentSub: boolean
  /** Content reference of Yjs: 1 deleted, 3 binary. */
  readonly ref: number
  readonly payload?: Uint8Array
}

export interface NaiveSection {
  readonly client: number
  readonly clock: number
  readonly structs: readonly NaiveStruct[]
}

/** What of a section can be part of a chain: everything before the first Skip; undefined when any of that cannot. */
export type ChainShape = readonly (Uint8Array | { readonly deleted: number })[] | undefined

const deletedRef = 1
const binaryRef = 3
/** `chain/`, ten digits, `/`, a user id: longer names are not even decoded. */
const longestRootBytes = 6 + 10 + 1 + 128
/** lib0 loses count there: 128 ** 147 is Infinity. */
const longestNumberBytes = 147

class Reader {
  readonly bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  byte(): number {
    const byte = this.bytes[this.at++]
    if (byte === undefined) throw new Error('the bytes end')
    return byte
  }

  number(): number {
    let value = 0n
    for (let index = 0; index < longestNumberBytes; index++) {
      const byte = this.byte()
      value |= BigInt(byte & 127) << BigInt(7 * index)
      if (byte > 127) continue
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) break
      return Number(value)
    }
    throw new Error('no number')
  }

  /** Signed: the first byte has six bits. Only stepped over. */
  skipInteger(): void {
    let magnitude = 0n
    for (let index = 0; ; index++) {
      const byte = this.byte()
      magnitude |= BigInt(byte & (index === 0 ? 63 : 127)) << BigInt(index === 0 ? 0 : 7 * index - 1)
      if (byte <= 127) return
      if (magnitude > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error('no integer')
    }
  }

  take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at) throw new Error('the bytes end')
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  run(): Uint8Array {
    return this.take(this.number())
  }

  place(): Place {
    return { client: this.number(), clock: this.number() }
  }
}

/** The sections of an update. */
export function readUpdate(bytes: Uint8Array): NaiveSection[] {
  const reader = new Reader(bytes)
  const count = reader.number()
  if (count > limits.sectionsPerUpdate) throw new Error('too many sections')
  const sections: NaiveSection[] = []
  for (let index = 0; index < count; index++) {
    const section = readSection(reader)
    chainShape(section)
    sections.push(section)
  }
  if (new Set(sections.map(({ client }) => client)).size < sections.length) throw new Error('one client twice')
  for (let clients = reader.number(); clients > 0; clients--) {
    reader.number()
    for (let ranges = reader.number(); ranges > 0; ranges--) reader.place()
  }
  if (reader.at !== bytes.length) throw new Error('trailing bytes')
  return sections
}

/** Throws when the clocks of its chain are beyond numbers. */
export function chainShape({ client, clock, structs }: NaiveSection): ChainShape {
  const contents: (Uint8Array | { readonly deleted: number })[] = []
  let next = clock
  for (const struct of structs) {
    if (struct.kind === 'skip') break
    if (!isLink(struct, client, next)) return undefined
    contents.push(struct.payload ?? { deleted: struct.length })
    next += struct.length
    if (next > Number.MAX_SAFE_INTEGER) throw new Error('no clock')
  }
  return contents
}

/** The root that the first struct names. */
export function rootOfSection({ structs: [first] }: NaiveSection): string | undefined {
  return typeof first?.parent === 'object' ? first.parent.root : undefined
}

function isLink(struct: NaiveStruct, client: number, clock: number): boolean {
  if (struct.kind !== 'item' || struct.rightOrigin !== undefined || struct.hasParentSub) return false
  if (struct.length === 0 || (struct.ref !== deletedRef && struct.ref !== binaryRef)) return false
  if (clock === 0) return struct.origin === undefined && typeof struct.parent === 'object'
  return struct.origin?.client === client && struct.origin.clock === clock - 1
}

function readSection(reader: Reader): NaiveSection {
  const count = reader.number()
  const { client, clock } = reader.place()
  const structs: NaiveStruct[] = []
  for (let index = 0; index < count; index++) structs.push(readStruct(reader, index === 0))
  return { client, clock, structs }
}

/** Only the first struct of a section has to name its root; the names of others are not looked at. */
function readStruct(reader: Reader, isFirst: boolean): NaiveStruct {
  const info = reader.byte()
  const ref = info % 32
  if (ref === 0 || ref === 10) {
    if (info !== ref) throw new Error('no struct')
    return { kind: ref === 0 ? 'gc' : 'skip', length: reader.number(), hasParentSub: false, ref }
  }
  const [hasOrigin, hasRight, hasParentSub] = [info >= 128, (info & 64) > 0, (info & 32) > 0]
  const origin = hasOrigin ? reader.place() : undefined
  const rightOrigin = hasRight ? reader.place() : undefined
  const parent = hasOrigin || hasRight ? undefined : readParent(reader, isFirst)
  if (parent !== undefined && hasParentSub) reader.run()
  const { length = 1, payload } = readContent(reader, ref)
  return {
    kind: 'item',
    length,
    hasParentSub,
    ref,
    ...(origin === undefined ? {} : { origin }),
    ...(rightOrigin === undefined ? {} : { rightOrigin }),
    ...(parent === undefined ? {} : { parent }),
    ...(payload === undefined ? {} : { payload }),
  }
}

function readParent(reader: Reader, isFirst: boolean): { readonly root: string } | 'other' {
  if (reader.number() !== 1) {
    reader.place()
    return 'other'
  }
  const name = reader.run()
  const isRead = isFirst && name.length <= longestRootBytes
  return { root: isRead ? new TextDecoder('utf-8', { fatal: true }).decode(name) : '' }
}

function readContent(reader: Reader, ref: number): { readonly length?: number; readonly payload?: Uint8Array } {
  if (ref === deletedRef) return { length: reader.number() }
  if (ref === binaryRef) return { payload: reader.run() }
  if (ref === 2) for (let left = reader.number(); left > 0; left--) reader.run()
  else if (ref === 4 || ref === 5) reader.run()
  else if (ref === 6) void [reader.run(), reader.run()]
  else if (ref === 7) {
    const type = reader.number()
    if (type > 6) throw new Error('no type')
    if (type === 3 || type === 5) reader.run()
  } else if (ref === 8) for (let left = reader.number(); left > 0; left--) skipAny(reader, 1)
  else if (ref === 9) {
    reader.run()
    skipAny(reader, 1)
  } else throw new Error('no content')
  return {}
}

/** A value in lib0's `any` encoding, at a depth of nesting. */
function skipAny(reader: Reader, depth: number): void {
  const tag = reader.byte()
  if (tag === 127 || tag === 126 || tag === 121 || tag === 120) return
  if (tag === 125) reader.skipInteger()
  else if (tag === 124) reader.take(4)
  else if (tag === 123 || tag === 122) reader.take(8)
  else if (tag === 119 || tag === 116) reader.run()
  else if (tag === 118 || tag === 117) {
    const count = reader.number()
    if (depth === limits.foreignValueDepth) throw new Error('too deep')
    for (let left = count; left > 0; left--) {
      if (tag === 118) reader.run()
      skipAny(reader, depth + 1)
    }
  } else throw new Error('no value')
}
