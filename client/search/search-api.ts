/** Search on the device, as types: what applications see of it. What is promised stands in SPEC (SEARCH*). */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { ReadableStore } from '../api.ts'

export interface SearchOptions {
  /** Only in this one. */
  readonly conversation?: string
  /** Only what this user wrote. */
  readonly user?: string
  /** Hits at most, 1–200; 20 when not given. */
  readonly limit?: number
}

/** In UTF-16 units of the snippet, `to` exclusive. */
export interface Highlight {
  readonly from: number
  readonly to: number
}

export interface SearchHit {
  readonly conversation: ConversationId
  readonly id: MessageId
  /** Where `loadAround` finds it; undefined while it is not sent. */
  readonly seq: number | undefined
  readonly user: UserId
  /** The server's time in ms; the author's clock while it is not sent. */
  readonly createdAt: number
  /** A part of the message, at most some two lines, with `…` where it was cut; line breaks are spaces. */
  readonly content: string
  /** What was found in `content`, in order, without overlaps. */
  readonly highlights: readonly Highlight[]
  /** Comparable within one answer only. */
  readonly score: number
}

export interface SearchStatus {
  /** `idle`: nobody has searched yet. `building`: some of what the device has is not found yet. */
  readonly phase: 'idle' | 'building' | 'ready'
  /** Messages that can be found. */
  readonly indexed: number
  /** Conversations of which something is still to be read. */
  readonly left: number
  /** The device has more than are searched (`limits.searchedMessages`): the oldest are left out. */
  readonly partial: boolean
  /** Why something that the device has could not be read, if so. */
  readonly failure?: string
}

/** Full text over what this device has: windows, unsent messages and kept pages of all conversations that are listed. */
export interface Search {
  readonly status: ReadableStore<SearchStatus>
  /**
   * Messages that have all words of `text`, the last one as the beginning of a word, whatever their case and accents; the
   * newest and the most telling first. The first query begins to build the index, and what is not in it yet is not found:
   * `status` tells. Never asks the server. Rejects with TypeError for options that cannot be, and with ClientClosed.
   */
  query(text: string, options?: SearchOptions): Promise<readonly SearchHit[]>
  /** Begins to build before the first query: when somebody goes to where one searches, say. */
  prepare(): void
}

/** The client was closed before, or while, it was asked. */
export class ClientClosed extends Error {
  constructor() {
    super('the client is closed')
    this.name = 'ClientClosed'
  }
}
