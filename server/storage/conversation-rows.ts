/** The rows of a conversation, each kind by itself: what a store keeps beside heads. What they mean is for chat to know. */

import type { Access } from '../../shared/chat/access.ts'
import type { MessageId } from '../../shared/chat/entry.ts'
import type { TimelineEvent } from '../../shared/chat/timeline-event.ts'
import type { ClockRange } from '../../shared/sync/chain-update/chain-struct.ts'
import type { ClientId, UserId } from '../../shared/sync/ids.ts'

export interface ChainRow {
  readonly client: ClientId
  readonly user: UserId
  /** Written by the server for that user over REST; sockets cannot append to it. */
  readonly held: boolean
  /** Clock that the next entry gets. */
  readonly next: number
  readonly createdMs: number
  /** In which it began: a held chain is written in no other. */
  readonly epoch: number
}

/** What is left of a chain that a new epoch did without: its clientID is taken for ever. */
export interface DroppedRow {
  readonly client: ClientId
  /** Null: a server chain of an earlier epoch. */
  readonly user: UserId | null
  /** Clock at which it ended. */
  readonly next: number
}

/** One accepted entry, in the order of `seq`. */
export interface EntryRow {
  readonly seq: number
  readonly client: ClientId
  readonly clock: number
  readonly timeMs: number
  /** CRC-32 of the payload as it was received; it outlives the payload. */
  readonly crc: number
  /** Undefined when the bytes are not kept: of a void, erased or superseded entry. */
  readonly payload: Uint8Array | undefined
  /** A later entry of its author says all that it said. */
  readonly superseded?: true
  /** Why it is void; undefined when it is not. */
  readonly voidReason: string | undefined
}

/** Where the entry at (client, clock) went. */
export type PlaceRow = Pick<EntryRow, 'seq' | 'client' | 'clock' | 'crc' | 'voidReason'>

export interface RecordRow {
  readonly clock: number
  /** Undefined when it was replaced: a checkpoint that another one followed. */
  readonly payload: Uint8Array | undefined
}

/** The last change of a message that was changed after it was stamped: one row for each such message. */
export interface TouchedRow {
  /** Seq of the entry that changed it last. */
  readonly revision: number
  /** Seq of the message. */
  readonly seq: number
}

/** An entry that holds words of a message beside its own: an edit, a piece of a stream. They go when it is redacted. */
export interface PieceRow {
  readonly id: MessageId
  /** Of the entry. */
  readonly seq: number
}

/** A message in a thread. */
export interface ReplyRow {
  /** Of the root of the thread. */
  readonly root: MessageId
  /** Of the message. */
  readonly seq: number
}

export interface SettingRow {
  readonly key: string
  /** Any JSON; null in a commit: cleared. */
  readonly value: unknown
}

export interface PinRow {
  readonly id: MessageId
  /** Of the entry that pinned it; null in a commit: no longer pinned. */
  readonly seq: number | null
}

/** Whose a message id is, and which message has it. */
export interface ClaimRow {
  readonly id: MessageId
  readonly user: UserId
  /** Seq of the message; undefined while it is only streamed. */
  readonly seq: number | undefined
  /** CRC-32 of role and content as first sent, to tell a retry from another message. */
  readonly digest: number
}

export interface MemberRow {
  readonly user: UserId
  /** Null in a commit: no longer a member. */
  readonly access: Access | null
  /** Seq up to which this user has read; -1 before the first. */
  readonly readThrough: number
  /** Seq up to which a device of this user has received; never before `readThrough`. */
  readonly received: number
  /** Seq of the last entry that moved these and is not superseded; absent when there is none. */
  readonly readAt?: number
  /** Seq of the entry that added them, where they get nothing from before it (SPEC HISTORY1); else absent. */
  readonly from?: number
  /** Threads that the user has read beyond `readThrough`; absent when there are none. */
  readonly threads?: readonly ThreadReadRow[]
}

/** How far a member has read a thread. */
export interface ThreadReadRow {
  readonly root: MessageId
  readonly through: number
  /** Seq of the entry that says so. */
  readonly at: number
}

/** What happened to people, settings or pins; see `TimelineEvent`. */
export type EventRow = TimelineEvent

/** Which message an `Idempotency-Key` of a user made. Kept as long as the conversation. */
export interface IdempotencyRow {
  readonly user: UserId
  readonly key: string
  readonly id: MessageId
}

/** The deleted clocks of one chain: all of them, merged, ascending. */
export interface DeletedRow {
  readonly client: ClientId
  readonly ranges: readonly ClockRange[]
}
