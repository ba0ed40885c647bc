/**
 * What REST and sockets can do with conversations: the one door to them. Every method checks the user's access and
 * resolves only when what it answers is durable. Refusals are `Fault`s or, where the entry is wrong, `Refused`.
 */

import type { Access } from '../shared/chat/access.ts'
import type { KnownEntry, MessageEntry, MessageId } from '../shared/chat/entry.ts'
import type { StampedMessage } from '../shared/chat/message.ts'
import type { VoidReason } from '../shared/chat/policy.ts'
import type { TimelineEvent } from '../shared/chat/timeline-event.ts'
import type { ReadRegister, ThreadReads } from '../shared/chat/roster.ts'
import type { ClientId, ConversationId, UserId } from '../shared/sync/ids.ts'

/** A conversation as one of its members sees it. Times in ms. */
export interface ConversationState {
  readonly id: ConversationId
  readonly title: string | null
  readonly access: Access
  readonly createdMs: number
  readonly updatedMs: number
  /** Null before the first entry. */
  readonly lastSeq: number | null
}

/** All settings of a conversation but the title, by key. */
export interface WithSettings {
  readonly settings: ReadonlyMap<string, unknown>
}

export interface OwnConversation extends ConversationState {
  /** Others' messages behind the user's read register that are not redacted, at most `limits.unreadCount`. */
  readonly unread: number
  /** Those of them that mention the user. */
  readonly mentions: number
  /** `through`: as far as they have read, also what was read in private; `received`: as others are told. */
  readonly register: ReadRegister
  /** Threads that they have read beyond that, in private or not. */
  readonly threads: ThreadReads
  /** Seq of the first entry that the user is told of (SPEC HISTORY1): 0 for nearly all. */
  readonly from: number
}

/** A thread as one of the members sees it. */
export interface ThreadState {
  readonly root: StampedMessage
  /** Others' replies behind what the user has read of it, at most `limits.unreadCount`. */
  readonly unread: number
  readonly mentions: number
  /** Seq up to which the user has read it; -1 before the first. */
  readonly through: number
}

export interface ConversationSummary extends OwnConversation {
  readonly lastMessage: StampedMessage | null
}

export interface Member {
  readonly user: UserId
  readonly access: Access
}

export interface KnownMember extends Member {
  /** -1 before the first, and while it is before the first entry that whoever asks is told of (SPEC HISTORY1). */
  readonly register: ReadRegister
}

export interface NewConversation {
  /** Drawn by the server when undefined. */
  readonly id?: ConversationId
  readonly title?: string
  /** The creator is its owner and need not be named. */
  readonly members?: readonly Member[]
  /** Beside the title. Those who are there from the beginning are no late joiners. */
  readonly settings?: ReadonlyMap<string, unknown>
}

export interface Posted {
  readonly message: StampedMessage
  /** False when an earlier request had already made it. */
  readonly created: boolean
}

/** Newest first when neither bound is given; bounds are seqs, exclusive. At most one of the three. */
export interface MessageQuery {
  readonly limit: number
  readonly before?: number
  readonly after?: number
  readonly around?: number
  /** Only those in the thread of this message. */
  readonly thread?: MessageId
}

/** What somebody says of themselves: seqs, of all or of a thread. */
export type Seen =
  | (Partial<ReadRegister> & { readonly thread?: MessageId; readonly private?: false })
  | { readonly through: number; readonly thread?: MessageId; readonly private: true }

/** As of messages. */
export type EventQuery = Pick<MessageQuery, 'limit' | 'before' | 'after'>

export interface ChainPlace {
  readonly clock: number
  /** Of the payload as it was received; 0 where there was none. */
  readonly crc: number
  readonly outcome:
    | { readonly kind: 'accepted'; readonly seq: number }
    | { readonly kind: 'void'; readonly reason: string }
}

/** Messages that were changed since, by ascending revision. */
export interface Changes {
  readonly messages: readonly StampedMessage[]
  /** All changes up to this seq are among them. */
  readonly asOf: number
  /** Whether there are more behind `asOf`. */
  readonly more: boolean
}

/** What a message said at first, or since an edit of it. Times in ms. */
export interface MessageVersion {
  readonly content: string
  /** By the author's clock. */
  readonly writtenMs: number
  readonly createdMs: number
  /** Of the entry that said it. */
  readonly seq: number
}

/** An entry that the rules do not allow: REST refuses it instead of storing it void. */
export class Refused extends Error {
  readonly reason: VoidReason

  constructor(reason: VoidReason) {
    super(`The rules do not allow it: ${reason}.`)
    this.name = 'Refused'
    this.reason = reason
  }
}

/** The id or the Idempotency-Key was used before, for another message. */
export class Conflict extends Error {
  readonly code: 'id-taken' | 'other-content'

  constructor(code: 'id-taken' | 'other-content') {
    super(code === 'id-taken' ? "The id is another user's." : 'It was used before, with other content.')
    this.name = 'Conflict'
    this.code = code
  }
}

/**
 * Throws Fault `not-found`, `deleted`, `no-access` (not a member, or access too low), `unavailable`; and Refused or
 * Conflict where said.
 */
export interface Conversations {
  /**
   * Creates a conversation owned by `user`. With an id that exists: `created: false` and the current state for a
   * member, Fault `no-access` for anyone else, Fault `deleted` for a deleted one. Refused `too-large` for settings.
   */
  create(
    user: UserId,
    fresh: NewConversation,
  ): Promise<{ readonly state: ConversationState & WithSettings; readonly created: boolean }>
  /** One page, newest activity first; `cursor` as given by the page before (undefined: from the start). */
  list(
    user: UserId,
    page: { readonly limit: number; readonly cursor: ListCursor | undefined },
  ): Promise<{ readonly items: readonly ConversationSummary[]; readonly next: ListCursor | undefined }>
  get(user: UserId, id: ConversationId): Promise<ConversationState>
  /** The same, with its settings, and how far the user has come. */
  own(user: UserId, id: ConversationId): Promise<OwnConversation & WithSettings>
  /** Changes settings, the title among them, in one commit: all of them or, when the rules forbid one, none. Null clears. */
  change(
    user: UserId,
    id: ConversationId,
    settings: ReadonlyMap<string, unknown>,
  ): Promise<ConversationState & WithSettings>
  delete(user: UserId, id: ConversationId): Promise<void>
  /** By user; with how far they have come, as far as `user` is told of that. */
  members(user: UserId, id: ConversationId): Promise<readonly KnownMember[]>
  /** Who appears in the messages and events at these seqs, each once; at most `limits.profilesPerAnswer`. */
  peopleAt(user: UserId, id: ConversationId, seqs: readonly number[]): Promise<readonly UserId[]>
  /** Appends a `set`, `member`, … entry to the user's held chain; Refused when the rules forbid it. */
  apply(user: UserId, id: ConversationId, entry: Exclude<KnownEntry, MessageEntry>): Promise<ConversationState>
  /**
   * Moves the user's registers forward, or that of a thread; how they stand then. What is read is not marked unread any more.
   * In private others are told nothing. Refused `beyond-end`, `no-target`, `too-many` (registers of threads), `too-large`.
   */
  read(user: UserId, id: ConversationId, seen: Seen): Promise<ReadRegister>
  /** What the thread of a message comes to for the user; of one without replies nothing. */
  thread(user: UserId, id: ConversationId, root: MessageId): Promise<ThreadState>
  /** What the user's devices keep for nobody else: keys with any JSON. */
  privateState(user: UserId): Promise<readonly { readonly key: string; readonly value: unknown }[]>
  /** Appends a message to the user's held chain; Refused or Conflict. */
  post(user: UserId, id: ConversationId, message: MessageEntry, idempotencyKey: string | undefined): Promise<Posted>
  /** By ascending seq. `asOf` is the seq of the last entry that the answer takes account of (-1: none). */
  messages(
    user: UserId,
    id: ConversationId,
    query: MessageQuery,
  ): Promise<{ readonly messages: readonly StampedMessage[]; readonly asOf: number }>
  message(user: UserId, id: ConversationId, messageId: MessageId): Promise<StampedMessage>
  /** What happened to people, settings and pins, by ascending seq. */
  events(user: UserId, id: ConversationId, query: EventQuery): Promise<readonly TimelineEvent[]>
  /**
   * All that an own message said so far, by ascending seq: the newest `limits.versions`, and of those as many as
   * `limits.versionBytes` hold, at least one. Refused `redacted`, or `not-author` for anybody else.
   */
  versions(user: UserId, id: ConversationId, messageId: MessageId): Promise<readonly MessageVersion[]>
  /** In the order in which they were pinned. */
  pins(user: UserId, id: ConversationId): Promise<readonly StampedMessage[]>
  /** Messages that an entry behind seq `after` has changed (-1: whichever), as they are now, each once. */
  changes(user: UserId, id: ConversationId, query: { readonly after: number; readonly limit: number }): Promise<Changes>
  /** Entries of an own chain from a clock on, at most `limits.pageMessages`; Fault `not-found` for another's chain. */
  chain(
    user: UserId,
    id: ConversationId,
    client: ClientId,
    from: number,
  ): Promise<{ readonly next: number; readonly places: readonly ChainPlace[] }>
}

/** Where a list goes on: behind this conversation. */
export interface ListCursor {
  readonly updatedMs: number
  readonly id: ConversationId
}
