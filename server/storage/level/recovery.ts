/**
 * What a commit left of which nobody knows whether it was written: each of its conversations has to be, whole, as before
 * or as after it (SPEC STORE10). Changes nothing.
 */

import { type Commit, type InDoubt, StoreError, type StoredHead } from '../conversation-store.ts'
import { addWrites } from './batch.ts'
import { type Database, getRows, scan } from './database.ts'
import { encodeKey, type Key, numberedRange, rangeKinds, rangeOf } from './keys.ts'
import { readEntry, readRecord, writeHead } from './rows.ts'
import type { Row } from './seal.ts'

/** A commit in doubt, and the head that it met. */
export interface Doubt {
  readonly commit: Commit
  readonly before: StoredHead | undefined
}

/** Throws StoreError `damaged` when it is neither the one nor the other. */
export async function resolveDoubt(database: Database, { commit, before }: Doubt): Promise<InDoubt> {
  const { conversation } = commit
  const found = await get(database, { kind: 'head', conversation })
  const after = writeHead(
    conversation,
    commit.kind === 'write' ? { kind: 'head', head: commit.head } : commit.tombstone,
  )
  if (found !== undefined && isSame(found.value, after.value)) {
    if (await isAfter(database, commit)) return 'after'
  } else if (isSame(found?.value, before && writeHead(conversation, before).value)) {
    if (await isBefore(database, commit, before)) return 'before'
  }
  const text = `after a failed write conversation ${conversation} is neither as before it nor as after it`
  throw new StoreError('damaged', text, { conversation })
}

/** Every row that the commit puts is there, byte for byte, and none that it removes. */
async function isAfter(database: Database, commit: Commit): Promise<boolean> {
  if (commit.kind === 'delete') return await isEmpty(database, commit)
  const keys: Uint8Array[] = []
  const values: (Uint8Array | undefined)[] = []
  const expect = (key: Uint8Array, value: Uint8Array | undefined): void => {
    keys.push(key)
    values.push(value)
  }
  addWrites({ put: expect, del: (key) => expect(key, undefined) }, commit)
  const rows = await getRows(database, keys)
  return rows.every((row, index) => isSame(row?.value, values[index]))
}

/** The log and the records end where the head that the commit met says. */
async function isBefore(database: Database, commit: Commit, before: StoredHead | undefined): Promise<boolean> {
  if (before?.kind !== 'head') return await isEmpty(database, commit)
  const { conversation } = commit
  const { nextSeq, nextRecord } = before.head
  const entry = nextSeq === 0 ? undefined : await get(database, { kind: 'log', conversation, seq: nextSeq - 1 })
  const record =
    nextRecord === 0 ? undefined : await get(database, { kind: 'record', conversation, clock: nextRecord - 1 })
  if (entry !== undefined) readEntry(entry)
  if (record !== undefined) readRecord(record)
  const beyond = numberedRange('log', conversation, { from: nextSeq, to: Number.MAX_SAFE_INTEGER })
  return (
    (entry !== undefined || nextSeq === 0) &&
    (record !== undefined || nextRecord === 0) &&
    !(await hasRows(database, beyond))
  )
}

/** No row but the head. */
async function isEmpty(database: Database, { conversation }: Commit): Promise<boolean> {
  for (const kind of rangeKinds) if (await hasRows(database, rangeOf(kind, conversation))) return false
  return true
}

async function hasRows(database: Database, range: Parameters<typeof scan>[1]): Promise<boolean> {
  for await (const rows of scan(database, range, { limit: 1 })) return rows.length > 0
  return false
}

async function get(database: Database, key: Key): Promise<Row | undefined> {
  const [row] = await getRows(database, [encodeKey(key)])
  return row
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0
}
