/**
 * The contract of what a client keeps on its device (SPEC OUTBOX*, CHAINS*). One store belongs to one user of one server.
 * The outbox is the truth for what the server has not stamped; the document's cache may lag behind it or be lost.
 */

import type { Doc } from 'yjs'
import type { Access } from '../../shared/chat/access.ts'
import type { VoidReason } from '../../shared/chat/policy.ts'
import type { Profile, ProfileChange } from '../../shared/chat/profile.ts'
import type { Version } from '../../shared/sync/control.ts'
import type { ClientId, ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { ConversationSummary, StorageStatus } from '../api.ts'
import type { EventRun } from '../events/events-api.ts'
import type { PageStore } from './page-store.ts'

/** 200 MB, some 800,000 short messages: what phones and browsers give an origin without asking anybody. */
export const defaultPageBudgetBytes = 200_000_000

export interface StorageOptions {
  /** What the pages of all conversations may take together; `defaultPageBudgetBytes`, less in memory. */
  readonly pageBudgetBytes?: number | undefined
  /** The device's clock, in ms. */
  readonly now?: (() => number) | undefined
}

/** An own entry that no stamp was seen for. */
export interface OutboxRow {
  readonly client: ClientId
  readonly clock: number
  readonly payload: Uint8Array
  /** Set when its place no longer tells: void in a document that was replaced since. */
  readonly failed?: VoidReason
}

export type OutboxPlace = Pick<OutboxRow, 'client' | 'clock'>

/** A chain of this device. */
export interface PoolRow {
  readonly client: ClientId
  /** Clock that the next entry gets, as this device remembers it: a document that knows less has lost its tail. */
  readonly next: number
}

export interface MemberOf {
  readonly user: UserId
  readonly access: Access
}

/** What the list of conversations shows, and what the server has still to be told. */
export interface ConversationRow extends Omit<ConversationSummary, 'registered' | 'gone'> {
  readonly gone?: ConversationSummary['gone'] | undefined
  /** With whom it was made here, and with what settings; undefined once the server knows it. */
  readonly unregistered:
    | { readonly members: readonly MemberOf[]; readonly settings?: readonly (readonly [string, unknown])[] }
    | undefined
  /** What the document's copy has of the server; absent until it was first brought up to date. */
  readonly version?: Version | undefined
  /** Unread messages that mention the user, as last known here; absent until it was known. */
  readonly mentions?: number
  /** Seq of the last archived entry, as last seen here: what is older is in pages. Absent while nothing was archived. */
  readonly archivedThrough?: number
  /** Seq of the last entry that the user has read, on any device; absent when none was. */
  readonly readThrough?: number
  /** Seq of the last entry known here, in the document or told of; absent when there is none. */
  readonly lastSeq?: number
  /** Seq of the last message known here; absent when there is none, or it was never told. */
  readonly lastMessageSeq?: number
  /** Seq of the first entry that the user is told of, as last seen here; absent: of all. */
  readonly historyFrom?: number
  /** The newest of what happened before the window, at most `limits.keptEvents`; absent while nothing is known. */
  readonly events?: EventRun
  /** What of its archive this device keeps unasked: all, or nothing before the window. Absent: as the client does. */
  readonly keep?: 'all' | 'window'
}

/** The kept copy of a document that is open. */
export interface DocumentCache {
  /** Resolves when every change so far is kept. */
  readonly flushed: () => Promise<void>
  readonly close: () => Promise<void>
  /** Resolves when another tab has dropped this copy, for the document was replaced; absent where no other can. */
  readonly dropped?: Promise<void>
}

/** How a rebuilt document takes the place of the one before. */
export interface Replacement {
  readonly generation: number
  /** Entries in their new places; their chains are those of this device from now on. */
  readonly put: readonly OutboxRow[]
  readonly remove: readonly OutboxPlace[]
  readonly chain: PoolRow
  /** Chains that this device appends to no more. */
  readonly retired: readonly ClientId[]
}

export interface ClientStorage {
  readonly status: StorageStatus
  /** It was made by this opening: there was none. */
  readonly isNew: boolean
  /** It is new although there was one on this device before: the browser has evicted it, or somebody has cleared it. */
  readonly wasLost: boolean
  readonly pages: PageStore
  /** A version is not among what is told of one whose document's copy is lost. */
  readonly conversations: () => Promise<readonly ConversationRow[]>
  readonly putConversation: (row: ConversationRow) => Promise<void>
  readonly removeConversation: (id: ConversationId) => Promise<void>

  /** As the server last told them, in any order. */
  readonly profiles: () => Promise<readonly Profile[]>
  /** Each replaces the one of its user. */
  readonly putProfiles: (profiles: readonly Profile[]) => Promise<void>
  /** What of the own profile was chosen here, in any tab, and the server has still to be told. */
  readonly ownChoice: () => Promise<ProfileChange | undefined>
  readonly putOwnChoice: (choice: ProfileChange | undefined) => Promise<void>

  /** Which of a conversation's documents counts: 0 until one had to be rebuilt. */
  readonly generation: (id: ConversationId) => Promise<number>
  /**
   * Loads what is kept of a document (the first when no generation is named); keeps what `doc` had before, and every change
   * from then on.
   */
  readonly openDocument: (id: ConversationId, doc: Doc, generation?: number) => Promise<DocumentCache>
  /** Loads what is kept of a document, as above; keeps nothing. */
  readonly readDocument: (id: ConversationId, doc: Doc, generation?: number) => Promise<void>
  /** All of it or nothing, on the medium before it resolves. A later generation is never replaced by an earlier one. */
  readonly replaceDocument: (id: ConversationId, replacement: Replacement) => Promise<void>
  /** Forgets what is kept of one generation; other tabs that have it open are told. */
  readonly dropDocument: (id: ConversationId, generation: number) => Promise<void>

  readonly pool: (id: ConversationId) => Promise<readonly PoolRow[]>
  readonly putPool: (id: ConversationId, row: PoolRow) => Promise<void>
  readonly removePool: (id: ConversationId, client: ClientId) => Promise<void>
  /** The conversations that have rows in the outbox. */
  readonly unsent: () => Promise<readonly ConversationId[]>
  /** By client and clock, ascending. */
  readonly outbox: (id: ConversationId) => Promise<readonly OutboxRow[]>
  /** Keeps an entry and moves its chain's `next` behind it, both or neither, on the medium before it resolves. */
  readonly putOutbox: (id: ConversationId, row: OutboxRow) => Promise<void>
  readonly removeOutbox: (id: ConversationId, place: OutboxPlace) => Promise<void>

  /** Whether `lockChain` can tell that nobody holds a chain: not in browsers without Web Locks. */
  readonly canLock: boolean
  /**
   * Takes the lock on a chain among all that share this store; undefined when another holds it or there are no locks.
   * The result releases it.
   */
  readonly lockChain: (id: ConversationId, client: ClientId) => Promise<(() => void) | undefined>
  /** Waits for its turn to replace the document; at once, and for nothing, where there are no locks. */
  readonly lockRebuild: (id: ConversationId) => Promise<() => void>
  readonly close: () => Promise<void>
  /**
   * Closes it and deletes all of it, documents included, also after `close`. Rejects with StillOpen when another tab does
   * not let go of it.
   */
  readonly destroy: () => Promise<void>
  /** Resolves when another tab has destroyed it; absent where no other can. */
  readonly destroyed?: Promise<void>
}

/** Name of everything one user keeps of one server on a device: accounts never share a store. */
export function storeName(server: string, user: UserId): string {
  // Both may have a colon of their own: a port, a user id.
  return `parley:${server}:${encodeURIComponent(user)}`
}
