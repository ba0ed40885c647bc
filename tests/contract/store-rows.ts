// Rows and commits for tests of stores: whole, short, and different wherever a mix-up could hide.
import type { MessageId } from '../../shared/chat/entry.ts'
import { parseMessageId } from '../../shared/chat/entry.ts'
import { parseInvitationId } from '../../shared/chat/invitation.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import { crc32 } from '../../shared/sync/crc32.ts'
import {
  type ClientId,
  type ConversationId,
  parseClientId,
  parseConversationId,
  parseUserId,
  type UserId,
} from '../../shared/sync/ids.ts'
import type {
  ConversationCommit,
  ConversationDeletion,
  EntryRow,
  Head,
  RecordRow,
} from '../../server/storage/conversation-store.ts'
import type { InvitationRow } from '../../server/storage/people-rows.ts'

/** Neighbours in number are neighbours in the order of ids. */
export function conversationId(number: number): ConversationId {
  return present(parseConversationId(`0190a000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`))
}

export function messageId(number: number): MessageId {
  return present(parseMessageId(`0190b000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`))
}

export function clientId(number: number): ClientId {
  return present(parseClientId(number))
}

export function userId(text: string): UserId {
  return present(parseUserId(text))
}

export const ann = userId('ann')
export const bob = userId('bob')

export function headAt(revision: number, changes: Partial<Head> = {}): Head {
  return {
    revision,
    epoch: 1,
    generation: 2,
    createdMs: 1_700_000_000_000,
    updatedMs: 1_700_000_000_000 + revision,
    title: null,
    nextSeq: 0,
    serverClient: clientId(0xffff_fffe),
    nextRecord: 0,
    lastStampMs: 1_700_000_000_000 + revision,
    lastMessageSeq: null,
    through: -1,
    firstRecord: 1,
    checkpoint: null,
    liveEntries: 0,
    liveBytes: 0,
    redactions: 0,
    soleAuthor: null,
    events: 0,
    ...changes,
  }
}

/** An entry of one chain whose clocks run 1000 behind nothing: seq and clock are never the same number. */
export function entryAt(seq: number, changes: Partial<EntryRow> = {}): EntryRow {
  const payload = Uint8Array.of(1, seq & 0xff, seq >>> 8)
  return {
    seq,
    client: clientId(7),
    clock: clockOf(seq),
    timeMs: 1_700_000_000_000 + seq,
    crc: crc32(payload),
    payload,
    voidReason: undefined,
    ...changes,
  }
}

/** The clock that `entryAt` gives to a seq. */
export function clockOf(seq: number): number {
  return seq + 1000
}

export function recordAt(clock: number): RecordRow {
  return { clock, payload: Uint8Array.of(3, clock & 0xff, clock >>> 8) }
}

export function messageAt(seq: number, changes: Partial<StampedMessage> = {}): StampedMessage {
  return {
    id: messageId(seq),
    user: ann,
    role: 'user',
    content: `message ${seq}`,
    writtenAt: 1_600_000_000_000 + seq,
    seq,
    createdAt: 1_700_000_000_000 + seq,
    revision: seq,
    ...changes,
  }
}

/** Made by ann; neighbours in number are neighbours in the order of ids. */
export function invitationAt(number: number, changes: Partial<InvitationRow> = {}): InvitationRow {
  return {
    id: present(parseInvitationId(messageId(number))),
    access: 'writer',
    createdBy: ann,
    createdMs: 1_700_000_000_000 + number,
    expiresMs: 1_800_000_000_000 + number,
    usesLeft: 2,
    ...changes,
  }
}

/** Writes `revision`, upon the one before it. */
export function write(
  conversation: ConversationId,
  revision: number,
  rows: Partial<Omit<ConversationCommit, 'head'>> & { readonly head?: Partial<Head> } = {},
): ConversationCommit {
  return {
    kind: 'write',
    conversation,
    expectedRevision: revision - 1,
    chains: [],
    deleted: [],
    dropped: [],
    entries: [],
    records: [],
    recordsGone: undefined,
    messages: [],
    touched: [],
    retouched: [],
    pieces: [],
    replies: [],
    events: [],
    claims: [],
    members: [],
    settings: [],
    pins: [],
    idempotency: [],
    invitations: [],
    erases: [],
    ...rows,
    head: headAt(revision, rows.head),
  }
}

/** Deletes what stands at `revision`. */
export function deletion(conversation: ConversationId, revision: number): ConversationDeletion {
  return {
    kind: 'delete',
    conversation,
    expectedRevision: revision,
    tombstone: { kind: 'deleted', deletedMs: 1_800_000_000_000 },
  }
}

/** A first commit with rows of every kind: `count` messages by ann, who is the owner, with bob beside her. */
export function fullCommit(conversation: ConversationId, count: number): ConversationCommit {
  const seqs = Array.from({ length: count }, (_, seq) => seq)
  return write(conversation, 1, {
    head: { title: 'full', nextSeq: count, nextRecord: count, lastMessageSeq: count - 1 },
    chains: [
      { client: clientId(7), user: ann, held: false, next: clockOf(count), createdMs: 1_700_000_000_000, epoch: 3 },
    ],
    deleted: [{ client: clientId(7), ranges: [{ clock: 0, length: 1000 }] }],
    entries: seqs.map((seq) => entryAt(seq)),
    records: seqs.map((clock) => recordAt(clock)),
    messages: seqs.map((seq) => messageAt(seq)),
    claims: seqs.map((seq) => ({ id: messageId(seq), user: ann, seq, digest: seq })),
    members: [
      { user: ann, access: 'owner', readThrough: count - 1, received: count - 1 },
      { user: bob, access: 'reader', readThrough: -1, received: 0 },
    ],
    touched: [{ revision: count - 1, seq: 0 }],
    pieces: [{ id: messageId(0), seq: count - 1 }],
    settings: [{ key: 'metadata', value: { depth: [1, null, { on: true }] } }],
    pins: [{ id: messageId(0), seq: count - 1 }],
    idempotency: [{ user: ann, key: 'a/key', id: messageId(0) }],
    invitations: [invitationAt(1)],
  })
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the test made an id that is none')
  return value
}
