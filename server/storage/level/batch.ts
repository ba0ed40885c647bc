/** What a commit writes: its rows, and the rows that follow from them. Knows keys and rows, and nothing of heads met. */

import type { ConversationCommit, ConversationDeletion } from '../conversation-store.ts'
import { type Database, scan } from './database.ts'
import { decodeKey, encodeKey, rangeKinds, rangeOf } from './keys.ts'
import {
  writeChain,
  writeClaim,
  writeDeleted,
  writeDropped,
  writeEntry,
  writeHead,
  writeIdempotency,
  writeInbox,
  writeMember,
  writeMessage,
  writePlace,
  writeRecord,
} from './rows.ts'
import type { Row } from './seal.ts'

/** What takes the rows of a commit: a batch, or who looks for them afterwards. */
export interface RowSink {
  readonly put: (key: Uint8Array, value: Uint8Array) => unknown
  readonly del: (key: Uint8Array) => unknown
}

/** Adds the rows of a commit, the places of its entries, and the inbox rows of its members. */
export function addWrites(batch: RowSink, commit: ConversationCommit): void {
  const { conversation } = commit
  const put = ({ key, value }: Row): void => void batch.put(key, value)
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
  for (const row of commit.claims) put(writeClaim(conversation, row))
  for (const row of commit.idempotency) put(writeIdempotency(conversation, row))
  for (const { user, access, readThrough } of commit.members) {
    if (access === null) {
      batch.del(encodeKey({ kind: 'member', conversation, user }))
      batch.del(encodeKey({ kind: 'inbox', user, conversation }))
    } else {
      put(writeMember(conversation, user, access, readThrough))
      put(writeInbox(user, conversation))
    }
  }
}

/** Adds the deletion of every row of a conversation, and its tombstone (SPEC STORE7). */
export async function addDeletion(batch: RowSink, commit: ConversationDeletion, database: Database): Promise<void> {
  const { conversation, tombstone } = commit
  for (const kind of rangeKinds) {
    for await (const rows of scan(database, rangeOf(kind, conversation))) {
      for (const { key } of rows) {
        batch.del(key)
        const member = kind === 'member' ? decodeKey(key) : undefined
        if (member?.kind === 'member') batch.del(encodeKey({ kind: 'inbox', user: member.user, conversation }))
      }
    }
  }
  const { key, value } = writeHead(conversation, tombstone)
  batch.put(key, value)
}
