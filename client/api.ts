/** The public surface of the SDK, as types. What is promised of it stands in SPEC (CLIENT*). */

import type { Access } from '../shared/chat/access.ts'
import type { MessageEntry, MessageId, Role } from '../shared/chat/entry.ts'
import type { Message } from '../shared/chat/message.ts'
import type { VoidReason } from '../shared/chat/policy.ts'
import type { ConversationId, UserId } from '../shared/sync/ids.ts'

/** A value that changes: the shape React's `useSyncExternalStore` takes. Snapshots are never mutated. */
export interface ReadableStore<T> {
  /** The current value; the same object until it changes. */
  readonly getSnapshot: () => T
  /** Calls `listener` after each change; returns what ends that. */
  readonly subscribe: (listener: () => void) => () => void
}

/** Derived from document and outbox, never stored. */
export type Delivery =
  /** On this device, not yet durable on the server. */
  | { readonly state: 'pending' }
  /** Durable on the server, with its place in the order and the server's time in ms. */
  | { readonly state: 'sent'; readonly seq: number; readonly createdAt: number }
  /** Refused by the rules, or the user was removed before it was sent; its text is kept here until it is discarded. */
  | { readonly state: 'failed'; readonly reason: VoidReason }

export interface ChatMessage extends Message {
  readonly own: boolean
  readonly delivery: Delivery
}

export type ConnectionStatus =
  /** No connection, and another attempt to come. */
  | { readonly phase: 'offline'; readonly reason: string }
  | { readonly phase: 'connecting' }
  /** Connected, catching up. */
  | { readonly phase: 'syncing' }
  /** Up to date; changes arrive as they happen. */
  | { readonly phase: 'live' }
  /**
   * The server said no for good; `code` is a code of the fault table, or `other-protocol` when the server does not speak
   * the multiplexed one.
   */
  | { readonly phase: 'refused'; readonly code: string; readonly reason: string }
  | { readonly phase: 'closed' }

export type StorageStatus =
  | { readonly phase: 'persistent' }
  /** Nothing is kept on this device; sending goes on from memory. */
  | { readonly phase: 'memory'; readonly reason: string }

export interface ConversationStatus {
  readonly connection: ConnectionStatus
  readonly storage: StorageStatus
  /** Own messages that are not durable on the server yet. */
  readonly pending: number
}

export interface ConversationInfo {
  readonly id: ConversationId
  readonly title: string | null
  /** The own access; undefined until known. */
  readonly access: Access | undefined
  readonly members: readonly { readonly user: UserId; readonly access: Access }[]
}

export interface Draft extends Partial<Pick<MessageEntry, 'replyTo' | 'thread' | 'parent' | 'mentions' | 'parts'>> {
  readonly content: string
  /** `user` when not given. */
  readonly role?: Role
}

export interface Conversation {
  readonly id: ConversationId
  /** Sent messages in the server's order, then pending, then failed ones. Unchanged messages stay the same objects. */
  readonly messages: ReadableStore<readonly ChatMessage[]>
  readonly info: ReadableStore<ConversationInfo>
  readonly status: ReadableStore<ConversationStatus>
  /**
   * Shows the message at once, keeps it, and sends it as soon as there is a connection. Returns its id. Throws
   * TypeError for what no server would take (blank, too large) and Refusal when the rules as known here forbid it.
   */
  send(message: string | Draft): MessageId
  setTitle(title: string | null): void
  /** Adds or changes a member; null removes. */
  setMember(user: string, access: Access | null): void
  /** Tells that everything others have sent here so far was seen; nothing to do when that is known, or no longer a member. */
  markRead(): void
  /** Sends a failed message again, as a new one. */
  retry(id: MessageId): MessageId
  /** Drops a failed message. */
  discard(id: MessageId): void
  /** Resolves when all that was sent so far is kept on this device. */
  flush(): Promise<void>
  /** Idempotent; what is pending stays on this device and goes out when the conversation is next opened. */
  close(): Promise<void>
}

/** A line of the list of conversations, from what this device knows. */
export interface ConversationSummary {
  readonly id: ConversationId
  readonly title: string | null
  readonly access: Access | undefined
  /** Ms; of the last activity known here. */
  readonly updatedAt: number
  readonly lastMessage: string | null
  readonly unread: number
  /** As last seen on this device; undefined when it was never opened here. */
  readonly members: ConversationInfo['members'] | undefined
  /** False while the server does not know it yet: made offline. */
  readonly registered: boolean
}

export interface NewConversation {
  readonly title?: string
  readonly members?: readonly { readonly user: string; readonly access: Access }[]
}

/** How far the conversations that are not open have been brought up to date, to be read offline. */
export interface BackgroundStatus {
  /** `current`: all that the server has told of is on this device. `offline`: what moved will be told. */
  readonly phase: 'offline' | 'syncing' | 'current' | 'paused'
  /** Conversations known to be behind. */
  readonly left: number
}

/** Brings up to date what is not open, newest activity first and behind what is. */
export interface Background {
  readonly status: ReadableStore<BackgroundStatus>
  /** Begins nothing more until `resume`: on a metered network, say. */
  pause(): void
  resume(): void
}

export interface ChatClient {
  readonly user: UserId
  /** Newest activity first; local first, refreshed from the server when there is a connection. */
  readonly conversations: ReadableStore<readonly ConversationSummary[]>
  readonly background: Background
  /** Makes a conversation, online or not: its id is drawn here and registered when a connection comes. */
  create(fresh?: NewConversation): Promise<Conversation>
  /** Resolves when what this device has of it can be read; never waits for the network. The same object while open. */
  open(id: string): Promise<Conversation>
  /** Fetches the list of conversations; rejects with the reason when that fails. */
  refresh(): Promise<void>
  /** Closes every conversation and the local stores; idempotent. */
  close(): Promise<void>
}

/** An entry that the rules, as known on this device, do not allow. */
export class Refusal extends Error {
  readonly reason: VoidReason

  constructor(reason: VoidReason) {
    super(`The rules do not allow it: ${reason}.`)
    this.name = 'Refusal'
    this.reason = reason
  }
}
