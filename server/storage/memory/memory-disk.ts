/** What a memory store keeps and how a commit changes it, at once and as a whole. Knows nothing of callers. */

import type { MessageId } from '../../../shared/chat/entry.ts'
import type { InvitationId } from '../../../shared/chat/invitation.ts'
import type { StampedMessage } from '../../../shared/chat/message.ts'
import type { ClientId, ConversationId, UserId } from '../../../shared/sync/ids.ts'
import { isMoved } from '../commit-rules.ts'
import type { InvitationRow, ProfileRow } from '../people-rows.ts'
import type {
  ChainRow,
  ClaimRow,
  Commit,
  CommitOutcome,
  ConversationCommit,
  DeletedRow,
  DroppedRow,
  EntryRow,
  EventRow,
  IdempotencyRow,
  MemberRow,
  PieceRow,
  PinRow,
  PlaceRow,
  RecordRow,
  ReplyRow,
  SettingRow,
  StoredHead,
  TouchedRow,
} from '../conversation-store.ts'

/** The rows of one conversation. */
export interface Rows {
  head: StoredHead
  readonly chains: Map<ClientId, ChainRow>
  readonly deleted: Map<ClientId, DeletedRow>
  readonly dropped: Map<ClientId, DroppedRow>
  readonly entries: Map<number, EntryRow>
  readonly records: Map<number, RecordRow>
  readonly places: Map<string, PlaceRow>
  readonly messages: Map<number, StampedMessage>
  readonly claims: Map<MessageId, ClaimRow>
  readonly members: Map<UserId, MemberRow>
  readonly idempotency: Map<string, IdempotencyRow>
  readonly touched: Map<number, TouchedRow>
  readonly pieces: Map<string, PieceRow>
  readonly replies: Map<number, ReplyRow>
  readonly events: Map<number, EventRow>
  readonly settings: Map<string, SettingRow>
  readonly pins: Map<MessageId, PinRow>
  readonly invitations: Map<InvitationId, InvitationRow>
}

/** Survives the stores that are opened on it; several at once are several nodes on one database. */
export interface MemoryDisk {
  readonly conversations: Map<ConversationId, Rows>
  readonly profiles: Map<UserId, ProfileRow>
  generation: number
}

export function createMemoryDisk(): MemoryDisk {
  return { conversations: new Map(), profiles: new Map(), generation: 0 }
}

export function placeKey(client: ClientId, clock: number): string {
  return `${client}/${clock}`
}

export function idempotencyKey(user: UserId, key: string): string {
  return `${user}/${key}`
}

/** Compares and sets, without a pause between the two. Keeps copies: what is durable does not change with its source. */
export function applyCommits(disk: MemoryDisk, commits: readonly Commit[]): CommitOutcome[] {
  return structuredClone(commits).map((commit) => {
    const rows = disk.conversations.get(commit.conversation)
    if (isMoved(rows?.head, commit.expectedRevision)) return 'moved'
    if (commit.kind === 'delete') disk.conversations.set(commit.conversation, emptyRows(commit.tombstone))
    else disk.conversations.set(commit.conversation, written(rows, commit))
    return 'committed'
  })
}

function emptyRows(head: StoredHead): Rows {
  return {
    head,
    chains: new Map(),
    deleted: new Map(),
    dropped: new Map(),
    entries: new Map(),
    records: new Map(),
    places: new Map(),
    messages: new Map(),
    claims: new Map(),
    members: new Map(),
    idempotency: new Map(),
    touched: new Map(),
    pieces: new Map(),
    replies: new Map(),
    events: new Map(),
    settings: new Map(),
    pins: new Map(),
    invitations: new Map(),
  }
}

function written(before: Rows | undefined, commit: ConversationCommit): Rows {
  const head: StoredHead = { kind: 'head', head: commit.head }
  const rows = before ?? emptyRows(head)
  rows.head = head
  for (const row of commit.chains) rows.chains.set(row.client, row)
  for (const row of commit.deleted) rows.deleted.set(row.client, row)
  for (const row of commit.dropped) {
    rows.chains.delete(row.client)
    rows.deleted.delete(row.client)
    rows.dropped.set(row.client, row)
  }
  for (const row of commit.entries) {
    const { seq, client, clock, crc, voidReason } = row
    rows.entries.set(seq, row)
    rows.places.set(placeKey(client, clock), { seq, client, clock, crc, voidReason })
  }
  const { clock: firstGone = 0, length: goneCount = 0 } = commit.recordsGone ?? {}
  for (let clock = firstGone; clock < firstGone + goneCount; clock++) rows.records.delete(clock)
  for (const row of commit.records) rows.records.set(row.clock, row)
  for (const row of commit.messages) rows.messages.set(row.seq, row)
  for (const revision of commit.retouched) rows.touched.delete(revision)
  for (const row of commit.touched) rows.touched.set(row.revision, row)
  for (const row of commit.pieces) rows.pieces.set(`${row.id}/${row.seq}`, row)
  for (const row of commit.replies) rows.replies.set(row.seq, row)
  for (const row of commit.events) rows.events.set(row.seq, row)
  for (const row of commit.settings) {
    if (row.value === null) rows.settings.delete(row.key)
    else rows.settings.set(row.key, row)
  }
  for (const row of commit.pins) {
    if (row.seq === null) rows.pins.delete(row.id)
    else rows.pins.set(row.id, row)
  }
  for (const row of commit.invitations) {
    if (row.usesLeft === 0) rows.invitations.delete(row.id)
    else rows.invitations.set(row.id, row)
  }
  for (const row of commit.claims) rows.claims.set(row.id, row)
  for (const row of commit.idempotency) rows.idempotency.set(idempotencyKey(row.user, row.key), row)
  for (const row of commit.members) {
    if (row.access === null) rows.members.delete(row.user)
    else rows.members.set(row.user, row)
  }
  return rows
}
