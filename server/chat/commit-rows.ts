/** The commit of a conversation, made of what its ledger sealed and what the entries of it change. */

import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { ConversationCommit, Head } from '../storage/conversation-store.ts'
import type { SealedLedger } from '../sync/sealed-ledger.ts'
import { messageRows } from './message-rows.ts'
import type { Staged } from './staged.ts'

/** Upon `head`, the one before. */
export function commitOf(
  conversation: ConversationId,
  head: Head,
  sealed: SealedLedger,
  staged: Staged,
): ConversationCommit {
  const { epoch, serverClient, timeMs, nextSeq, nextRecord, records, chains, deleted, dropped } = sealed
  const { messages, touched, retouched } = messageRows(staged, timeMs)
  const newest = [...staged.messages.keys()].at(-1)
  return {
    kind: 'write',
    conversation,
    expectedRevision: head.revision,
    head: {
      ...head,
      ...sealed.window,
      revision: head.revision + 1,
      epoch,
      serverClient,
      updatedMs: staged.isActivity ? timeMs : head.updatedMs,
      lastStampMs: timeMs,
      title: staged.title === undefined ? head.title : staged.title.value,
      nextSeq,
      nextRecord,
      lastMessageSeq: newest ?? head.lastMessageSeq,
      redactions: head.redactions + staged.redacted.size,
      soleAuthor: soleAuthor(head, staged),
      events: head.events + staged.events.length,
    },
    chains,
    deleted,
    dropped,
    entries: [...sealed.entries, ...staged.erasedRows, ...staged.supersededRows],
    records,
    recordsGone: sealed.recordsGone,
    messages,
    touched,
    retouched,
    pieces: staged.pieces,
    replies: staged.replies,
    events: staged.events.map((event) => ({ ...event, timeMs })),
    claims: [...staged.claims.values()],
    members: [...staged.members.values()],
    settings: [...staged.settings.values()],
    pins: [...staged.pins.values()],
    idempotency: staged.idempotency,
    invitations: [...staged.invitations.values()],
    erases: [...new Set([...staged.redacted, ...staged.erasedRows.map(({ seq }) => seq)])],
  }
}

function soleAuthor({ lastMessageSeq, soleAuthor: before }: Head, { messages }: Staged): UserId | null {
  let sole = lastMessageSeq === null ? undefined : before
  for (const { user } of messages.values()) {
    if (sole !== undefined && sole !== user) return null
    sole = user
  }
  return sole ?? null
}
