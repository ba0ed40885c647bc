/** The public surface of the SDK, as types. What is promised of it stands in SPEC (CLIENT*). */

import type { Access } from '../shared/chat/access.ts'
import type { MessageId } from '../shared/chat/entry.ts'
import type { ConversationId, UserId } from '../shared/sync/ids.ts'
import type { Account } from './account/account-api.ts'
import type { ChatEvent } from './events/events-api.ts'
import type { HistoryStatus, Keep } from './history/history-api.ts'
import type { ChatMessage, Draft, FailedChange, MessageReceipts, Quote, Version } from './message-api.ts'
import type { Invitations, Profiles } from './people/people-api.ts'
import type { Personal } from './personal/personal-api.ts'
import type { Pin } from './pins/pins-api.ts'
import type { ConversationPresence, PresenceMode } from './presence/presence-api.ts'
import type { GoneReason, RemovedConversation } from './removal/removal-api.ts'
import type { Search } from './search/search-api.ts'
import type { Thread, ThreadSummary } from './threads/thread-api.ts'

export { type KnownSettings, knownSettings } from '../shared/chat/known-settings.ts'
export type * from './account/account-api.ts'
export * from './errors.ts'
export type * from './events/events-api.ts'
export type * from './history/history-api.ts'
export type * from './message-api.ts'
export type * from './people/people-api.ts'
export type * from './personal/personal-api.ts'
export type * from './pins/pins-api.ts'
export type * from './presence/presence-api.ts'
export type * from './removal/removal-api.ts'
export type * from './threads/thread-api.ts'

/** A value that changes: the shape React's `useSyncExternalStore` takes. Snapshots are never mutated. */
export interface ReadableStore<T> {
  /** The current value; the same object until it changes. */
  readonly getSnapshot: () => T
  /** Calls `listener` after each change; returns what ends that. */
  readonly subscribe: (listener: () => void) => () => void
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
  /** The own access; undefined until known, and when it is gone. */
  readonly access: Access | undefined
  /** It can only be read, offline too: what this device has of it. Absent while the user is a member as far as is known. */
  readonly gone?: GoneReason
  readonly members: readonly { readonly user: UserId; readonly access: Access }[]
  /**
   * All settings but the title, by key, own pending ones among them; of those that mean something to Parley `knownSettings`
   * reads what they say. The same map until one changes.
   */
  readonly settings: ReadonlyMap<string, unknown>
}

export interface Conversation {
  readonly id: ConversationId
  /**
   * Sent messages in the server's order, then pending, then failed ones: one run without a gap, which begins with the
   * window of newest messages or where `history` has loaded. Unchanged messages stay the same objects.
   */
  readonly messages: ReadableStore<readonly ChatMessage[]>
  /**
   * One message of the window, or shown from before it, or not sent: tells its listeners of this one alone. Undefined while
   * it is none of these. Make it once for each id: every call gives another store.
   */
  message(id: MessageId): ReadableStore<ChatMessage | undefined>
  /**
   * A message that others refer to (`replyTo`), wherever it is; it follows edits and redaction. As `message`, it tells of
   * this one alone and is made once for each id.
   */
  quote(id: MessageId): ReadableStore<Quote>
  /**
   * What happened to members, settings and pins within the range that `messages` shows, ascending, own pending ones last;
   * as far as it is known on this device. A `pin` names a message, which may be anywhere.
   */
  readonly events: ReadableStore<readonly ChatEvent[]>
  /**
   * What is pinned as known here, in the order of pinning, own pending ones last; the same objects while nothing changes. A
   * pinned message may be anywhere: `quote(message)` shows it, which asks the server for what is not on this device.
   */
  readonly pins: ReadableStore<readonly Pin[]>
  readonly info: ReadableStore<ConversationInfo>
  readonly status: ReadableStore<ConversationStatus>
  readonly history: ReadableStore<HistoryStatus>
  readonly presence: ConversationPresence
  /** Links by which others can join it; for admins and owners. */
  readonly invitations: Invitations
  /** Kept here until they are dismissed. */
  readonly failedChanges: ReadableStore<readonly FailedChange[]>
  /**
   * Shows the message at once, keeps it, and sends it as soon as there is a connection. Returns its id. Throws
   * TypeError for what no server would take (blank, too large) and Refusal when the rules as known here forbid it.
   */
  send(message: string | Draft): MessageId
  setTitle(title: string | null): void
  /**
   * Changes a setting, for admins; null clears it. `history`: `all` or `from-join`, what members who join later are shown;
   * `wipe`: whether devices of whoever is removed delete it. Of other keys applications make what they like.
   */
  set(key: string, value: unknown): void
  /** Adds or changes a member; null removes. */
  setMember(user: string, access: Access | null): void
  /**
   * Replaces the content of an own message. This and the following show at once and throw as `send` does: TypeError for
   * what no server would take, Refusal when the rules as known here forbid it. What is so already is not done again.
   */
  edit(id: MessageId, content: string): void
  /**
   * All that an own message has said, the first of it first; of very many edits the newest. From this device while it
   * is among the newest messages, else from the server. Rejects with Refusal (`not-author`, `redacted`, `no-target`), or
   * OutOfReach when it can be had from neither.
   */
  versions(id: MessageId): Promise<readonly Version[]>
  /** Takes the content of a message away, from everybody and for good. */
  redact(id: MessageId): void
  /** Adds or takes back an own reaction. */
  react(id: MessageId, emoji: string, on?: boolean): void
  /** Pins a message, or takes that back. */
  pin(id: MessageId, on?: boolean): void
  /**
   * Tells that everything others have sent here so far was seen, or what stands at or before the seq `through`; nothing to
   * do when that is known, or no longer a member. It counts here at once; others are told every 3 s at most.
   */
  markRead(through?: number): void
  /** Who has received a sent message and who has read it. */
  receipts(id: MessageId): ReadableStore<MessageReceipts>
  /** Shows about `count` (50) more messages before those that are shown; resolves with how many came, 0 when none can be had. */
  loadOlder(count?: number): Promise<number>
  /** The same behind them, where they do not reach the newest. */
  loadNewer(count?: number): Promise<number>
  /** Shows messages around a seq instead, without what is newer until that is loaded. */
  loadAround(seq: number, count?: number): Promise<void>
  /** Goes back to the newest messages. */
  showNewest(): void
  /** Seq of the first message that was unread when this was opened, or, not loaded yet, one that it comes right behind. */
  firstUnread(): number | undefined
  /** What of this conversation is kept on this device; undefined: as the client does. */
  setKeep(keep: Keep | undefined): void
  /** The thread of a message: the same object each time. `messages` has what is said in threads too. */
  thread(root: MessageId): Thread
  /**
   * Deletes the conversation, for owners: for everybody, and for good. Needs a connection, unlike all else: what is gone does
   * not merge, and would take along what others have written that this device does not know of. Rejects with NoConnection
   * when the server cannot be asked, Refusal (`access`) and RestFailure when it is not allowed. Devices learn of it as of any
   * deletion: what they have stays to be read, unless the setting `wipe` says otherwise.
   */
  delete(): Promise<void>
  /**
   * The threads that are known here, newest answer first: those of which a message, or the root, is in the window or shown, or
   * that were opened. Unchanged ones stay the same objects.
   */
  readonly threads: ReadableStore<readonly ThreadSummary[]>
  /** Drops a failed change. */
  dismiss(change: FailedChange): void
  /** Sends a failed message again, as a new one. */
  retry(id: MessageId): MessageId
  /** What a failed message, or any own one, was written as: to be put back where one writes. Throws TypeError when there is none. */
  copy(id: MessageId): Draft
  /** Drops a failed message. */
  discard(id: MessageId): void
  /** Resolves when all that was sent so far is kept on this device. */
  flush(): Promise<void>
  /** Idempotent; what is pending stays on this device and goes out in the background, or when it is next opened. */
  close(): Promise<void>
}

/** A line of the list of conversations, from what this device knows. */
export interface ConversationSummary {
  readonly id: ConversationId
  readonly title: string | null
  readonly access: Access | undefined
  /** As of `ConversationInfo`: listed until it is forgotten, or the user is a member again. Nothing counts as unread. */
  readonly gone?: GoneReason
  /** Ms; of the last activity known here. */
  readonly updatedAt: number
  readonly lastMessage: string | null
  readonly unread: number
  /** Unread messages that mention the user; undefined while that is not known. */
  readonly mentions?: number
  /** As last seen on this device; undefined when it was never opened here. */
  readonly members: ConversationInfo['members'] | undefined
  /** False while the server does not know it yet: made offline. */
  readonly registered: boolean
}

export interface NewConversation {
  readonly title?: string
  readonly members?: readonly { readonly user: string; readonly access: Access }[]
  /** That it begins with, as of `Conversation.set`, at most 100; whoever is a member from the beginning is no late joiner. */
  readonly settings?: Readonly<Record<string, unknown>>
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

/** What this device keeps of the archives. */
export interface ArchiveStorageStatus {
  /** Whether the device has promised not to evict it; undefined where nobody makes such promises, or was not asked yet. */
  readonly persisted: boolean | undefined
  readonly bytes: number
  readonly budgetBytes: number
  /** The budget is spent: no more is fetched unasked. */
  readonly full: boolean
  /** What was kept here before is gone, by no doing of this client. */
  readonly lost: boolean
  /** Why the device keeps no more just now. */
  readonly failure?: string
}

export interface ChatClient extends Account {
  readonly user: UserId
  readonly storage: ReadableStore<ArchiveStorageStatus>
  /** Newest activity first; local first, refreshed from the server when there is a connection. */
  readonly conversations: ReadableStore<readonly ConversationSummary[]>
  readonly background: Background
  /** What others are told of this user by this device, in all conversations. */
  readonly presence: ReadableStore<PresenceMode>
  setPresence(mode: PresenceMode): void
  /** What people are called, the user among them. */
  readonly profiles: Profiles
  /** What the user keeps for nobody else, on all their devices; opened when it is first asked for. */
  readonly personal: Personal
  readonly search: Search
  /** Conversations that were deleted from this device since the client began, until they are dismissed. */
  readonly removed: ReadableStore<readonly RemovedConversation[]>
  dismissRemoved(id: ConversationId): void
  /**
   * Deletes from this device what is left here of a conversation that is gone, what was never sent in it too, and its line.
   * Rejects with TypeError for any other, and with the reason when the device does not delete it.
   */
  forget(id: ConversationId): Promise<void>
  /** Makes a conversation, online or not: its id is drawn here and registered when a connection comes. */
  create(fresh?: NewConversation): Promise<Conversation>
  /** Resolves when what this device has of it can be read; never waits for the network. The same object while open. */
  open(id: string): Promise<Conversation>
  /**
   * Joins a conversation with the token of an invitation, and opens it. Rejects with NoConnection when the server cannot be
   * asked (whoever joined all the same joins once more and spends nothing), and RestFailure: `expired-invitation` when it does not
   * work any more, `not-found` when it is none.
   */
  acceptInvitation(token: string): Promise<Conversation>
  /** Fetches the list of conversations; rejects with the reason when that fails. */
  refresh(): Promise<void>
  /**
   * How much of what was written here the server does not have: messages and changes that wait to be sent or were refused,
   * conversations it was not told of. How far the user has read does not count.
   */
  unsent(): Promise<number>
  /**
   * Closes the client; with `wipe` as `wipe()` does, if nothing unsent would be lost by that: else rejects with UnsentWork
   * and changes nothing, unless `force` is given. Without `wipe` all stays on this device, and goes out after the next start.
   */
  signOut(how?: { readonly wipe?: boolean; readonly force?: boolean }): Promise<void>
  /**
   * Closes the client and deletes all that this device keeps of this user at this server; other tabs' clients of the same
   * user are closed too. Rejects with StillOpen when a tab that does not answer keeps it from being gone just now. Idempotent.
   */
  wipe(): Promise<void>
  /** Closes every conversation and the local stores; idempotent. */
  close(): Promise<void>
}
