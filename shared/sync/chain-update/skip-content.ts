/**
 * Steps over the content of a Yjs struct without building it. Needed because every section of an update is read to its
 * end, also those that are none of our business; so all of Yjs 13's content kinds are known here, and none is decoded.
 */

import * as decoding from 'lib0/decoding'
import { limits } from '../../limits.ts'
import { readUint } from '../read-uint.ts'

/** The content references of Yjs 13, `src/structs/Item.js`. */
export const contentRef = {
  deleted: 1,
  json: 2,
  binary: 3,
  string: 4,
  embed: 5,
  format: 6,
  type: 7,
  any: 8,
  doc: 9,
} as const

const xmlElementTypeRef = 3
const xmlHookTypeRef = 5
const lastTypeRef = 6

/** Moves past one content of kind `ref`; throws when the bytes end early or `ref` does not exist. */
export function skipContent(decoder: decoding.Decoder, ref: number): void {
  switch (ref) {
    case contentRef.deleted:
      readUint(decoder)
      return
    case contentRef.json: {
      const count = readUint(decoder)
      for (let index = 0; index < count; index++) skipBytes(decoder)
      return
    }
    case contentRef.binary:
    case contentRef.string:
    case contentRef.embed:
      skipBytes(decoder)
      return
    case contentRef.format:
      skipBytes(decoder)
      skipBytes(decoder)
      return
    case contentRef.type: {
      const typeRef = readUint(decoder)
      if (typeRef > lastTypeRef) throw new Error('unknown type')
      if (typeRef === xmlElementTypeRef || typeRef === xmlHookTypeRef) skipBytes(decoder)
      return
    }
    case contentRef.any:
      skipAny(decoder, readUint(decoder))
      return
    case contentRef.doc:
      skipBytes(decoder)
      skipAny(decoder, 1)
      return
    default:
      throw new Error('unknown content')
  }
}

/** Moves past a length-prefixed run of bytes: a string, a buffer or JSON text. */
export function skipBytes(decoder: decoding.Decoder): void {
  advance(decoder, readUint(decoder))
}

function advance(decoder: decoding.Decoder, count: number): void {
  if (count > decoder.arr.length - decoder.pos) throw new Error('unexpected end')
  decoder.pos += count
}

/** One frame a nesting level instead of recursion: 400 KB of nested arrays overflow a call stack. */
interface Open {
  left: number
  readonly keyed: boolean
}

/** Moves past `count` values of lib0's `any` encoding. */
function skipAny(decoder: decoding.Decoder, count: number): void {
  const stack: Open[] = [{ left: count, keyed: false }]
  for (let open = stack.at(-1); open !== undefined; open = stack.at(-1)) {
    if (open.left === 0) {
      stack.pop()
      continue
    }
    open.left--
    if (open.keyed) skipBytes(decoder)
    const tag = decoding.readUint8(decoder)
    switch (tag) {
      case 127: // undefined
      case 126: // null
      case 121: // false
      case 120: // true
        break
      case 125: // integer
        decoding.readVarInt(decoder)
        break
      case 124: // float32
        advance(decoder, 4)
        break
      case 123: // float64
      case 122: // bigint64
        advance(decoder, 8)
        break
      case 119: // string
      case 116: // bytes
        skipBytes(decoder)
        break
      case 118: // object
        nest(stack, { left: readUint(decoder), keyed: true })
        break
      case 117: // array
        nest(stack, { left: readUint(decoder), keyed: false })
        break
      default:
        throw new Error('unknown any')
    }
  }
}

function nest(stack: Open[], open: Open): void {
  if (stack.length === limits.foreignValueDepth) throw new Error('nested too deeply')
  stack.push(open)
}
