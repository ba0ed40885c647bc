/** What a commit writes: its rows, and the rows that follow from them. Knows keys and rows, and nothing of heads met. */

import type { ConversationId } from '../../../shared/sync/ids.ts'
import type { ConversationCommit, ConversationDeletion } from '../conversation-store.ts'
import { type Database, scan } from './database.ts'
import { decodeKey, encodeKey, rangeOf } from './keys.ts'
import { writeMember } from './member-rows.ts'
import { writeInvitation } from './people-rows.ts'
import {
  writeChain,
  writeClaim,
  writeDeleted,
  writeDropped,
  writeEntry,
  writeHead,
  writeIdempotency,
  writeInbox,
  writeMessage,
  writePlace,
  writeRecord,
} from './rows.ts'
import type { Row } from './seal.ts'
import { writeEvent, writePiece, writePin, writeReply, writeSetting, writeTouched } from './touch-rows.ts'
import { writeErasing, writePurging } from './vanishing-rows.ts'

/** What takes the rows of a commit: a batch, or who looks for them afterwards. */
export interface RowSink {
  readonly put: (key: Uint8Array, value: Uint8Array) => unknown
  readonly del: (key: Uint8Array) => unknown
}

/** Adds the rows of a commit, the places of its entries, the inbox rows of its members, and what it has yet to erase. */
export function addWrites(batch: RowSink, commit: ConversationCommit): void {
  const { conversation } = commit
  const put = ({ key, value }: Row): void => void batch.put(key, value)
  // Before what is put: of two operations on one key the later one counts.
  for (const revision of commit.retouched) batch.del(encodeKey({ kind: 'touched', conversation, revision }))
  const { clock: firstGone = 0, length: goneCount = 0 } = commit.recordsGone ?? {}
  for (let clock = firstGone; clock < firstGone + goneCount; clock++) {
    batch.del(encodeKey({ kind: 'record', conversation, clock }))
  }
  put(writeHead(conversation, { kind: 'head', head: commit.head }))
  for (const row of commit.chains) put(writeChain(conversation, row))
  for (const row of commit.deleted) put(writeDeleted(conversation, row))
  for (const row of commit.dropped) {
    const { client } = row
    batch.del(encodeKey({ kind: 'chain', conversation, client }))
    batch.del(encodeKey({ kind: 'deleted', conversation, client }))
    put(writeDropped(conversation, row))
  }
  for (const row of commit.entries) {
    put(writeEntry(conversation, row))
    put(writePlace(conversation, row))
  }
  for (const row of commit.records) put(writeRecord(conversation, row))
  for (const row of commit.messages) put(writeMessage(conversation, row))
  for (const row of commit.touched) put(writeTouched(conversation, row))
  for (const row of commit.pieces) put(writePiece(conversation, row))
  for (const row of commit.replies) put(writeReply(conversation, row))
  for (const row of commit.events) put(writeEvent(conversation, row))
  for (const row of commit.settings) {
    if (row.value === null) batch.del(encodeKey({ kind: 'setting', conversation, key: row.key }))
    else put(writeSetting(conversation, row))
  }
  for (const { id, seq } of commit.pins) {
    if (seq === null) batch.del(encodeKey({ kind: 'pin', conversation, id }))
    else put(writePin(conversation, { id, seq }))
  }
  for (const row of commit.claims) put(writeClaim(conversation, row))
  for (const row of commit.idempotency) put(writeIdempotency(conversation, row))
  for (const row of commit.invitations) {
    if (row.usesLeft === 0) batch.del(encodeKey({ kind: 'invitation', conversation, id: row.id }))
    else put(writeInvitation(conversation, row))
  }
  for (const row of commit.members) {
    const { user, access } = row
    if (access === null) {
      batch.del(encodeKey({ kind: 'member', conversation, user }))
      batch.del(encodeKey({ kind: 'inbox', user, conversation }))
    } else {
      put(writeMember(conversation, { ...row, access }))
      put(writeInbox(user, conversation))
    }
  }
  if (commit.erases.length > 0) {
    put(writeErasing({ conversation, revision: commit.head.revision, seqs: commit.erases }))
  }
}

/** Adds its tombstone, the end of its inbox rows, and that the rest is to be purged (SPEC STORE7). */
export async function addDeletion(batch: RowSink, commit: ConversationDeletion, database: Database): Promise<void> {
  const { conversation, tombstone } = commit
  for (const key of await inboxKeys(database, conversation)) batch.del(key)
  for (const { key, value } of [writePurging(conversation), writeHead(conversation, tombstone)]) batch.put(key, value)
}

/** The inbox rows of the members of a conversation. */
export async function inboxKeys(database: Database, conversation: ConversationId): Promise<Uint8Array[]> {
  const keys: Uint8Array[] = []
  for await (const rows of scan(database, rangeOf('member', conversation))) {
    for (const row of rows) {
      const member = decodeKey(row.key)
      if (member?.kind === 'member') keys.push(encodeKey({ kind: 'inbox', user: member.user, conversation }))
    }
  }
  return keys
}
