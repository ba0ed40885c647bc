/** JSON objects of unknown fields, as they stand in payloads. */

import { decodeUtf8 } from 'lib0/string'
import { limits } from '../limits.ts'

export type Fields = Readonly<Record<string, unknown>>

/** Reads UTF-8 JSON; undefined for what is no object, or nested too deeply. Total. */
export function parseJsonObject(bytes: Uint8Array): Fields | undefined {
  try {
    const text = decodeUtf8(bytes)
    const value: unknown = JSON.parse(text)
    return isFields(value) && (isFlat(text) || !isDeeperThan(value, limits.jsonDepth)) ? value : undefined
  } catch {
    // Not UTF-8 or not JSON, or nested beyond the parser's stack: the answer says so.
    return undefined
  }
}

/** An object in which nothing can be nested: nearly all are, and what is in them need not be looked through. */
function isFlat(text: string): boolean {
  return text.indexOf('{', 1) === -1 && !text.includes('[')
}

/** Whether JSON is nested deeper than `depth` levels; looks no further than that. */
export function isDeeperThan(value: unknown, depth: number): boolean {
  if (!isNested(value)) return false
  if (depth === 0) return true
  for (const name in value) if (isNested(value[name]) && isDeeperThan(value[name], depth - 1)) return true
  return false
}

/** An object or a list. */
function isNested(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

export function isFields(value: unknown): value is Fields {
  return isNested(value) && !Array.isArray(value)
}

/** Whether two values are the same JSON, whatever the order of the fields. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (!isNested(a) || !isNested(b) || Array.isArray(a) !== Array.isArray(b)) return false
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => name in b && isSameJson(a[name], b[name]))
}
