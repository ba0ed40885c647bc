/**
 * What an own message said before (SPEC VERSION1): read from the log, which has it until it is erased. Nobody else is told
 * it, however much access they have.
 */

import { type MessageId, parseEntry } from '../../shared/chat/entry.ts'
import { limits } from '../../shared/limits.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import { type MessageVersion, Refused } from '../conversations.ts'
import type { ConversationStore, EntryRow } from '../storage/conversation-store.ts'
import { findMessage } from './reading.ts'

/** By ascending seq. Refused `redacted` or `not-author`; Fault `not-found`. */
export async function readVersions(
  store: ConversationStore,
  user: UserId,
  id: ConversationId,
  messageId: MessageId,
  from: number,
): Promise<readonly MessageVersion[]> {
  const message = await findMessage(store, id, messageId, from)
  if (message.redactedAt !== undefined) throw new Refused('redacted')
  if (message.user !== user) throw new Refused('not-author')
  // What was streamed stands before the message, and is none of its versions; only a message that is there is edited.
  const edits = (await store.pieces(id, messageId)).filter((seq) => seq > message.seq)
  const versions: MessageVersion[] = []
  let bytes = 0
  for (const seq of [message.seq, ...edits].toReversed()) {
    const row = await rowAt(store, id, seq)
    bytes += row?.payload?.length ?? 0
    const isEnough = versions.length >= limits.versions || (versions.length > 0 && bytes > limits.versionBytes)
    if (isEnough) break
    versions.push(...versionIn(row))
  }
  // It may have been taken away while this was read.
  if ((await findMessage(store, id, messageId, from)).redactedAt !== undefined) throw new Refused('redacted')
  return versions.toReversed()
}

async function rowAt(store: ConversationStore, id: ConversationId, seq: number): Promise<EntryRow | undefined> {
  for await (const row of store.entriesNewestFirst(id, { after: seq - 1, before: seq + 1 })) return row
  return undefined
}

function versionIn(row: EntryRow | undefined): MessageVersion[] {
  const parsed = row?.payload && parseEntry(row.payload)
  if (row === undefined || parsed?.kind !== 'entry') return []
  const { entry } = parsed
  if (entry.kind !== 'message' && entry.kind !== 'edit') return []
  return [{ content: entry.content, writtenMs: entry.at, createdMs: row.timeMs, seq: row.seq }]
}
