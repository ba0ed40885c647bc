/** The commit of a conversation, made of what its ledger sealed and what the entries of it change. */

import type { ConversationId } from '../../shared/sync/ids.ts'
import type { ConversationCommit, Head } from '../storage/conversation-store.ts'
import type { SealedLedger } from '../sync/ledger.ts'
import type { Staged } from './staged.ts'

/** Upon `head`, the one before. */
export function commitOf(
  conversation: ConversationId,
  head: Head,
  sealed: SealedLedger,
  staged: Staged,
): ConversationCommit {
  const { epoch, serverClient, timeMs, nextSeq, nextRecord, entries, records, chains, deleted, dropped } = sealed
  const messages = staged.messages.map(({ seq, message }) => ({ ...message, seq, createdAt: timeMs }))
  return {
    kind: 'write',
    conversation,
    expectedRevision: head.revision,
    head: {
      ...head,
      revision: head.revision + 1,
      epoch,
      serverClient,
      updatedMs: staged.isActivity ? timeMs : head.updatedMs,
      lastStampMs: timeMs,
      title: staged.title === undefined ? head.title : staged.title.value,
      nextSeq,
      nextRecord,
      lastMessageSeq: messages.at(-1)?.seq ?? head.lastMessageSeq,
    },
    chains,
    deleted,
    dropped,
    entries,
    records,
    messages,
    claims: [...staged.claims.values()],
    members: [...staged.members.values()],
    idempotency: staged.idempotency,
  }
}
