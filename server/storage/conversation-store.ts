/**
 * The contract of every store, in terms of promises (SPEC, STORE*). A store keeps rows and knows their order; what the
 * rows mean it does not know. Implementations pass `tests/contract/conversation-store.ts`.
 *
 * There may be other writers of the same data (several nodes on one database), so every commit states the head it was
 * made for, and may be answered `moved`. Only a resolved commit is durable; nothing may be shown to anybody before.
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import type { ClockRange } from '../../shared/sync/chain-update/chain-struct.ts'
import type { ClientId, ConversationId, UserId } from '../../shared/sync/ids.ts'
import type {
  ChainRow,
  ClaimRow,
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
  TouchedRow,
} from './conversation-rows.ts'

export type * from './conversation-rows.ts'
import type { InvitationRow, PeopleStore } from './people-rows.ts'

/** What is small and needed for everything; rewritten by every commit. */
export interface Head {
  /** Counts the commits of this conversation, from 1: what compare-and-set compares. */
  readonly revision: number
  readonly epoch: number
  /** Of the store, when this was written: an earlier one means that it comes from a backup. */
  readonly generation: number
  readonly createdMs: number
  readonly updatedMs: number
  readonly title: string | null
  /** The seq that the next entry gets. */
  readonly nextSeq: number
  /** ClientID of the server chain of this epoch. */
  readonly serverClient: ClientId
  /** Clock that the next record gets. */
  readonly nextRecord: number
  /** Time of the last stamp in ms: the next one is not before it. */
  readonly lastStampMs: number
  /** Seq of the newest message, or null. */
  readonly lastMessageSeq: number | null
  /** Seq of the last archived entry; -1 when all are in the document. */
  readonly through: number
  /** Clock of the first record, behind the genesis, that is not archived. */
  readonly firstRecord: number
  /** Clock of the newest checkpoint, or null. */
  readonly checkpoint: number | null
  /** Entries behind `through`, void and erased ones included, pieces of streams aside. */
  readonly liveEntries: number
  /** What all entries behind `through` take in the document: payloads, and about what a record takes where there is none. */
  readonly liveBytes: number
  /** How many messages were ever redacted. */
  readonly redactions: number
  /** Whoever wrote all messages there are; null when they are several, or none, or when it was not counted then. */
  readonly soleAuthor: UserId | null
  /** How many event rows there are: what happened before there were such rows has none. */
  readonly events: number
}

/** What is left of a deleted conversation, so that its id cannot come back. */
export interface Tombstone {
  readonly kind: 'deleted'
  readonly deletedMs: number
}

export type StoredHead = { readonly kind: 'head'; readonly head: Head } | Tombstone

/** In an answer about many conversations: of this one nothing can be told, and it is refused from now on. */
export interface DamagedHead {
  readonly kind: 'damaged'
}

/** Everything one conversation writes at once. Rows with the same key replace the ones before. */
export interface ConversationCommit {
  readonly kind: 'write'
  readonly conversation: ConversationId
  /** Revision of the head this was made for; 0 when the conversation must not exist yet. */
  readonly expectedRevision: number
  readonly head: Head
  readonly chains: readonly ChainRow[]
  readonly deleted: readonly DeletedRow[]
  /** Their chain rows and deleted rows go; log, places and records stay. */
  readonly dropped: readonly DroppedRow[]
  /** New ones, and older ones that were erased: these have no bytes any more. */
  readonly entries: readonly EntryRow[]
  readonly records: readonly RecordRow[]
  /** Archived records, whose rows go: those from the `firstRecord` of the head before to that of this one. */
  readonly recordsGone: ClockRange | undefined
  /** New ones, and older ones that were changed. */
  readonly messages: readonly StampedMessage[]
  readonly touched: readonly TouchedRow[]
  /** Revisions whose touched rows go: their messages were changed again. */
  readonly retouched: readonly number[]
  readonly pieces: readonly PieceRow[]
  readonly replies: readonly ReplyRow[]
  readonly events: readonly EventRow[]
  readonly claims: readonly ClaimRow[]
  readonly members: readonly MemberRow[]
  readonly settings: readonly SettingRow[]
  readonly pins: readonly PinRow[]
  readonly idempotency: readonly IdempotencyRow[]
  readonly invitations: readonly InvitationRow[]
  /**
   * Seqs whose rows (of the log and of messages) held words that have to vanish from the medium, not only from what is
   * read: `erased` waits for that (SPEC ERASE1).
   */
  readonly erases: readonly number[]
}

/**
 * Leaves a tombstone in the place of a conversation, and takes its members' inbox rows: from then on nothing of it is
 * read. All its other rows are removed bit by bit, and from the medium: `erased` waits for that.
 */
export interface ConversationDeletion {
  readonly kind: 'delete'
  readonly conversation: ConversationId
  readonly expectedRevision: number
  readonly tombstone: Tombstone
}

export type Commit = ConversationCommit | ConversationDeletion

/** `moved`: the head was not the expected one; nothing of this commit was written. */
export type CommitOutcome = 'committed' | 'moved'

/** What became of a commit of which it was not known: nothing of it is there, or all. */
export type InDoubt = 'before' | 'after'

/** A run of seqs, both ends exclusive. */
export interface SeqRange {
  readonly after?: number
  readonly before?: number
}

export interface ConversationStore extends PeopleStore {
  /**
   * Writes all commits that are not `moved`, in one atomic batch, and resolves when they are durable. Rejects with a
   * StoreError when it cannot say that they are; then nothing may be assumed of any of them. At most one call at a time;
   * at most one commit per conversation in a call.
   */
  commit(commits: readonly Commit[]): Promise<readonly CommitOutcome[]>
  /**
   * After a commit was rejected with `failed`: opens the store again, as carefully as the first time, and looks at what
   * that commit left. Each conversation it touched has to be, whole, as it was before or as the commit makes it; the
   * answer says which. From then on commits are taken again. Reads that begin meanwhile may wait for it, those under way may end
   * with a StoreError. Rejects with a StoreError when it cannot vouch for the store: then only `close` is left (SPEC STORE10).
   */
  recover(): Promise<ReadonlyMap<ConversationId, InDoubt>>

  /**
   * Notes that what was read of a conversation does not fit together; the error to throw. The store does the same by
   * itself when it meets damage: whatever is asked of that conversation afterwards is refused with `damaged`, until the
   * store is opened anew (SPEC STORE9).
   */
  condemn(conversation: ConversationId, what: string): StoreError
  /** The conversations that were found damaged, and what was found first; names no content. */
  condemned(): ReadonlyMap<ConversationId, string>

  head(conversation: ConversationId): Promise<StoredHead | undefined>
  /** In the order of the ids; undefined where there is none. One that is damaged does not keep the others from being told. */
  heads(conversations: readonly ConversationId[]): Promise<readonly (StoredHead | DamagedHead | undefined)[]>
  chains(conversation: ConversationId): Promise<readonly ChainRow[]>
  deleted(conversation: ConversationId): Promise<readonly DeletedRow[]>
  /** In the order of the clients asked for; undefined for those that were not dropped. */
  dropped(conversation: ConversationId, clients: readonly ClientId[]): Promise<readonly (DroppedRow | undefined)[]>
  /** Newest first. Detects gaps: a missing seq of the run, as far as the head's `nextSeq`, is damage. */
  entriesNewestFirst(conversation: ConversationId, range?: SeqRange): AsyncIterable<EntryRow>
  /**
   * Oldest first, `to` exclusive and at most the head's `nextRecord`. Those that were archived are left out: before the head's
   * `firstRecord` there is only the genesis, at 0. A missing one is damage.
   */
  records(conversation: ConversationId, run: { readonly from: number; readonly to: number }): AsyncIterable<RecordRow>
  /** In the order of the clocks asked for; undefined where there is none. */
  places(
    conversation: ConversationId,
    client: ClientId,
    clocks: readonly number[],
  ): Promise<readonly (PlaceRow | undefined)[]>
  /** At most `limit` messages, always by ascending seq: the newest of the range, or the oldest. */
  messages(
    conversation: ConversationId,
    query: SeqRange & { readonly limit: number; readonly take: 'newest' | 'oldest' },
  ): Promise<readonly StampedMessage[]>
  message(conversation: ConversationId, seq: number): Promise<StampedMessage | undefined>
  /** In the order of the seqs; undefined where there is none. */
  messagesAt(conversation: ConversationId, seqs: readonly number[]): Promise<readonly (StampedMessage | undefined)[]>
  /** By ascending revision, those behind `after`, at most `limit`. */
  touched(
    conversation: ConversationId,
    query: { readonly after: number; readonly limit: number },
  ): Promise<readonly TouchedRow[]>
  /** Seqs of the pieces of a message, ascending. */
  pieces(conversation: ConversationId, id: MessageId): Promise<readonly number[]>
  /** Seqs of messages in a thread, ascending: the newest of the range, or the oldest, at most `limit`. */
  replies(
    conversation: ConversationId,
    root: MessageId,
    query: SeqRange & { readonly limit: number; readonly take: 'newest' | 'oldest' },
  ): Promise<readonly number[]>
  /** At most `limit` events, always by ascending seq: the newest of the range, or the oldest. */
  events(
    conversation: ConversationId,
    query: SeqRange & { readonly limit: number; readonly take: 'newest' | 'oldest' },
  ): Promise<readonly EventRow[]>
  /** By key; those whose keys begin with `prefix`, all when it is not given. */
  settings(conversation: ConversationId, prefix?: string): Promise<readonly SettingRow[]>
  pins(conversation: ConversationId): Promise<readonly PinRow[]>
  /** In the order of the ids; undefined where there is none. */
  claims(conversation: ConversationId, ids: readonly MessageId[]): Promise<readonly (ClaimRow | undefined)[]>
  idempotency(conversation: ConversationId, user: UserId, key: string): Promise<IdempotencyRow | undefined>
  /** By user, at most `limit`, all when it is not given. */
  members(conversation: ConversationId, limit?: number): Promise<readonly MemberRow[]>
  member(conversation: ConversationId, user: UserId): Promise<MemberRow | undefined>
  /** Every conversation of which `user` is a member, in no particular order; those whose row is damaged are condemned. */
  conversationsOf(user: UserId): Promise<readonly ConversationId[]>

  /** When the store was last put back from a backup, in ms; 0 when it never was. */
  generation(): Promise<number>
  /** Notes durably that it was put back just now, and tells the new generation: later than the one before. */
  markRestored(nowMs: number): Promise<number>

  /**
   * Resolves when nothing that was to vanish is on the medium any more: rewritten rows, deleted conversations. It is gone on
   * with by itself, also after a restart. Rejects with a StoreError when that could not be done; it is tried again then.
   */
  erased(): Promise<void>

  /** Waits for what is under way; idempotent. */
  close(): Promise<void>
}

/**
 * `locked`: another process has the store open. `damaged`: bytes on disk are not what was written; the message says where.
 * `failed`: the disk or the library refused. `closed`: used after `close()`.
 */
export type StoreErrorCode = 'locked' | 'damaged' | 'failed' | 'closed'

export interface StoreErrorOptions extends ErrorOptions {
  /** Whose rows are damaged, where that is known. */
  readonly conversation?: ConversationId
}

export class StoreError extends Error {
  readonly code: StoreErrorCode
  readonly conversation: ConversationId | undefined

  constructor(code: StoreErrorCode, message: string, options: StoreErrorOptions = {}) {
    super(message, options)
    this.name = 'StoreError'
    this.code = code
    this.conversation = options.conversation
  }
}

/** Whether it says that rows are damaged; whoever found that has told of it once already. */
export function isDamage(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'damaged'
}
