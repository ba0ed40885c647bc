/**
 * LevelDB's manifest: which files make up the database. Changes of that set are records of a log; what they say beside
 * files is passed over.
 *
 *     change: fields × (varint tag • content); text is a varint length and bytes (LevelDB, db/version_edit.cc)
 */

import { userKeyOf } from './internal-key.ts'
import { readVarint } from './snappy.ts'

/** A table of the database. */
export interface TableEntry {
  readonly number: number
  readonly bytes: number
  /** Its first and its last key. */
  readonly first: Uint8Array
  readonly last: Uint8Array
}

export interface LiveFiles {
  readonly tables: readonly TableEntry[]
  /** Logs of lower numbers are left over. */
  readonly firstLog: number
}

/** Undefined when the records are not what a manifest holds. */
export function readManifest(records: readonly Uint8Array[]): LiveFiles | undefined {
  const tables = new Map<string, TableEntry>()
  let firstLog: number | undefined
  for (const record of records) {
    const fields = readFields(record)
    if (fields === undefined) return undefined
    // Removals first: a table that moves to another level is removed and added in one change.
    for (const field of fields) if (field.kind === 'removed') tables.delete(`${field.level}/${field.number}`)
    for (const field of fields) {
      if (field.kind === 'log') firstLog = field.number
      if (field.kind === 'added') tables.set(`${field.level}/${field.number}`, field)
    }
  }
  return firstLog === undefined ? undefined : { tables: [...tables.values()], firstLog }
}

type Field =
  | { readonly kind: 'log'; readonly number: number }
  | { readonly kind: 'removed'; readonly level: number; readonly number: number }
  | ({ readonly kind: 'added'; readonly level: number } & TableEntry)
  | { readonly kind: 'other' }

/** What follows each tag: numbers and texts. */
const layouts: Readonly<Record<number, readonly ('number' | 'text')[]>> = {
  1: ['text'],
  2: ['number'],
  3: ['number'],
  4: ['number'],
  5: ['number', 'text'],
  6: ['number', 'number'],
  7: ['number', 'number', 'number', 'text', 'text'],
  9: ['number'],
}

function readFields(record: Uint8Array): Field[] | undefined {
  const fields: Field[] = []
  for (let at = 0; at < record.length;) {
    const tag = readVarint(record, at)
    const layout = tag && layouts[tag.value]
    if (tag === undefined || layout === undefined) return undefined
    at = tag.end
    const numbers: number[] = []
    const texts: Uint8Array[] = []
    for (const part of layout) {
      const number = readVarint(record, at)
      if (number === undefined) return undefined
      at = number.end
      if (part === 'number') numbers.push(number.value)
      else {
        texts.push(record.subarray(at, at + number.value))
        at += number.value
      }
    }
    if (at > record.length) return undefined
    fields.push(fieldOf(tag.value, numbers, texts))
  }
  return fields
}

const noBytes = new Uint8Array(0)

function fieldOf(
  tag: number,
  [a = 0, b = 0, c = 0]: readonly number[],
  [first = noBytes, last = noBytes]: readonly Uint8Array[],
): Field {
  if (tag === 2) return { kind: 'log', number: a }
  if (tag === 6) return { kind: 'removed', level: a, number: b }
  if (tag !== 7) return { kind: 'other' }
  return { kind: 'added', level: a, number: b, bytes: c, first: userKeyOf(first), last: userKeyOf(last) }
}
