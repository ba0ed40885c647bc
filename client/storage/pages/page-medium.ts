/**
 * What a page store is made of: a database's rows, read and changed in transactions. The rules of the page store are in one
 * place, above this; a medium has none.
 */

import type { ConversationId } from '../../../shared/sync/ids.ts'
import type { PageFacts, PageRun, Span } from '../page-store.ts'
import { blockOf } from './blocks.ts'

/** The small row beside a block, so that eviction loads no messages. */
export interface BlockFacts extends Span {
  readonly id: ConversationId
  readonly messages: number
  readonly bytes: number
  /** When it was last put or read, in ms by this device's clock; read marks are up to an hour old. */
  readonly readAt: number
}

export interface Block {
  readonly facts: BlockFacts
  readonly run: PageRun
}

/** The one row of a conversation: what its block facts come to, and up to which seq they take account of entries. */
export interface ConversationFacts extends PageFacts {
  readonly id: ConversationId
  /** Undefined only where nothing was ever kept; no such row is written. */
  readonly asOf: number | undefined
}

/** Rows within a transaction. Nothing but these may be awaited there, or the transaction ends. */
export interface PageRows {
  /** Sum over all facts. */
  readonly totalBytes: () => Promise<number>
  /** The row of a conversation; undefined when there is none, or it is not whole. */
  readonly conversation: (id: ConversationId) => Promise<ConversationFacts | undefined>
  /** By ascending seq; of all blocks, or of those with these numbers. */
  readonly facts: (id: ConversationId, blocks?: Span) => Promise<readonly BlockFacts[]>
  /** As `facts`. */
  readonly runs: (id: ConversationId, blocks: Span) => Promise<readonly PageRun[]>
  /** Facts of all conversations, those read longest ago first. */
  readonly byReading: () => AsyncIterable<BlockFacts>
}

export interface PageChanges {
  /** Each replaces what is kept of its block. */
  readonly blocks?: readonly Block[]
  /** Of blocks whose messages stay. */
  readonly facts?: readonly BlockFacts[]
  readonly removed?: readonly BlockFacts[]
  /** Of whatever conversations' blocks change. */
  readonly conversations?: readonly ConversationFacts[]
  /** All of this conversation goes, its row too. */
  readonly forgotten?: ConversationId
  readonly totalBytes?: number
}

export interface PlannedChanges<T> {
  readonly changes: PageChanges
  readonly answer: T
}

export interface PageMedium {
  /** What a query sees is of one moment. */
  readonly look: <T>(query: (rows: PageRows) => Promise<T>) => Promise<T>
  /**
   * Applies what a plan asks for, all or nothing; nobody else changes anything between what the plan saw and that.
   * Rejects with the error of the device when it refuses.
   */
  readonly change: <T>(plan: (rows: PageRows) => Promise<PlannedChanges<T>>) => Promise<T>
}

/** The number of the block that a row is about. */
export function blockNumber({ from }: Span): number {
  return blockOf(from)
}
