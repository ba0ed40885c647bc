/** What the SDK says of messages: how they are shown, how far they have come, and how they are written. */

import type { MemberEntry, MessageEntry, MessageId, Role, SetEntry } from '../shared/chat/entry.ts'
import type { Message, Touch } from '../shared/chat/message.ts'
import type { VoidReason } from '../shared/chat/policy.ts'
import type { UserId } from '../shared/sync/ids.ts'

/** Derived from document and outbox, never stored. */
export type Delivery =
  /** On this device, not yet durable on the server. */
  | { readonly state: 'pending' }
  /**
   * Durable on the server, with its place in the order and the server's time in ms. Of own messages also `received`, when
   * all other members have received it as far as they tell, and `read`, when all have read it; who exactly, `receipts` says.
   */
  | { readonly state: 'sent' | 'received' | 'read'; readonly seq: number; readonly createdAt: number }
  /** Refused by the rules, or the user was removed before it was sent; its text is kept here until it is discarded. */
  | { readonly state: 'failed'; readonly reason: VoidReason }

export interface ChatMessage extends Message {
  readonly own: boolean
  readonly delivery: Delivery
  /** With changes on top that are not durable on the server yet: edits, reactions and the like. */
  readonly changes?: 'pending'
}

/** What a reply refers to, as it stands now. */
export type Quote =
  | {
      readonly id: MessageId
      readonly state: 'here'
      readonly user: UserId
      /** The first 200 UTF-16 units of it at most, cut between characters as people see them; empty when redacted. */
      readonly content: string
      readonly redacted: boolean
      readonly edited: boolean
      /** Absent until it is sent. */
      readonly seq?: number
    }
  /** `elsewhere`: not on this device; it is fetched while somebody watches and there is a connection. `unknown`: nor on the server. */
  | { readonly id: MessageId; readonly state: 'elsewhere' | 'unknown' }

/**
 * A change of a message, a setting or a member that was refused by the rules, or by nobody any more: the user was removed
 * before it was sent. What it changed stands as it was.
 */
export interface FailedChange {
  readonly entry: Touch | SetEntry | MemberEntry
  readonly reason: VoidReason
}

/** Members other than its author, by user id, as far as they tell. Whoever has read a message has received it. */
export interface MessageReceipts {
  readonly received: readonly UserId[]
  readonly read: readonly UserId[]
}

export interface Draft extends Partial<Pick<MessageEntry, 'replyTo' | 'thread' | 'parent' | 'mentions' | 'parts'>> {
  readonly content: string
  /** `user` when not given. */
  readonly role?: Role
}

/** What an own message said at first, or since an edit of it. */
export interface Version {
  readonly content: string
  /** The author's clock when it was written, in ms. */
  readonly writtenAt: number
  /** Its place and the server's time in ms; absent while it is not durable on the server. */
  readonly sent?: { readonly seq: number; readonly createdAt: number }
}
