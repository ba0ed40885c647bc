/**
 * What a commit left of which nobody knows whether it was written: each of its conversations has to be, whole, as before
 * or as after it (SPEC STORE10). Changes nothing.
 */

import type { ConversationId } from '../../../shared/sync/ids.ts'
import { type Commit, type InDoubt, StoreError, type StoredHead } from '../conversation-store.ts'
import type { Run } from '../seq-run.ts'
import { addWrites, inboxKeys } from './batch.ts'
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
  if (commit.kind === 'delete') return await isDeleted(database, commit.conversation)
  const expected = new Map<string, { readonly key: Uint8Array; readonly value: Uint8Array | undefined }>()
  // Of two operations on one key the later one counts, here as in the batch.
  const expect = (key: Uint8Array, value?: Uint8Array): void => {
    expected.set(Buffer.from(key).toString('latin1'), { key, value })
  }
  addWrites({ put: expect, del: (key) => expect(key) }, commit)
  const rows = [...expected.values()]
  const found = await getRows(
    database,
    rows.map(({ key }) => key),
  )
  return rows.every(({ value }, index) => isSame(found[index]?.value, value))
}

/**
 * The log, the records and what was touched end where the head that the commit met says, and of the records that it
 * removes none is missing. What rewritten rows held before nobody knows; but a batch is whole or not there.
 */
async function isBefore(database: Database, commit: Commit, before: StoredHead | undefined): Promise<boolean> {
  if (before?.kind !== 'head') return await isEmpty(database, commit)
  const { conversation } = commit
  const { nextSeq, nextRecord, firstRecord } = before.head
  const entry = nextSeq === 0 ? undefined : await get(database, { kind: 'log', conversation, seq: nextSeq - 1 })
  const removes = commit.kind === 'write' && commit.recordsGone !== undefined
  const records = { from: removes ? Math.min(firstRecord, nextRecord) : Math.max(0, nextRecord - 1), to: nextRecord }
  if (entry !== undefined) readEntry(entry)
  const beyond = { from: nextSeq, to: Number.MAX_SAFE_INTEGER }
  return (
    (commit.kind === 'write' || (await isKept(database, conversation))) &&
    (entry !== undefined || nextSeq === 0) &&
    (await hasRecords(database, conversation, records)) &&
    !(await hasRows(database, numberedRange('log', conversation, beyond))) &&
    !(await hasRows(database, numberedRange('touched', conversation, beyond)))
  )
}

/** The rest of its rows goes later. */
async function isDeleted(database: Database, conversation: ConversationId): Promise<boolean> {
  const purging = await get(database, { kind: 'purging', conversation })
  const inbox = await getRows(database, await inboxKeys(database, conversation))
  return purging !== undefined && inbox.every((row) => row === undefined)
}

/** Nothing of a deletion is there. */
async function isKept(database: Database, conversation: ConversationId): Promise<boolean> {
  const purging = await get(database, { kind: 'purging', conversation })
  const inbox = await getRows(database, await inboxKeys(database, conversation))
  return purging === undefined && inbox.every((row) => row !== undefined)
}

async function hasRecords(database: Database, conversation: ConversationId, { from, to }: Run): Promise<boolean> {
  let next = from
  for await (const rows of scan(database, numberedRange('record', conversation, { from, to }))) {
    for (const row of rows) if (readRecord(row).clock !== next++) return false
  }
  return next === to
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
