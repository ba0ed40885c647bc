/** How the fold reads a document: chains of payloads, and the records of the server's chain. Knows no Yjs. */

import type { ClientId, UserId } from '../sync/ids.ts'
import type { Checkpoint, ServerRecord } from '../sync/record.ts'

/** A chain as it stands in a document. */
export interface SourceChain {
  readonly client: ClientId
  readonly user: UserId
  /** Clock of the first entry that has not arrived. */
  readonly next: number
}

export interface ChainSource {
  readonly chains: () => Iterable<SourceChain>
  readonly userOf: (client: ClientId) => UserId | undefined
  /** The payload at a place, `gone` when it was deleted, undefined when it has not arrived. */
  readonly payloadAt: (client: ClientId, clock: number) => Uint8Array | 'gone' | undefined
  /** The first clock, from `clock` on, whose payload is not gone; where the chain ends when there is none. */
  readonly nextKept: (client: ClientId, clock: number) => number
  /** The record at a clock; `gone` when deleted or of a later version, undefined when it has not arrived. */
  readonly recordAt: (server: ClientId, clock: number) => ServerRecord | 'gone' | undefined
  /** The newest checkpoint from `clock` on. */
  readonly newestCheckpoint: (server: ClientId, clock: number) => PlacedCheckpoint | undefined
  /** Changes whenever payloads that had arrived are gone. */
  readonly deletions: () => number
}

export interface PlacedCheckpoint {
  readonly clock: number
  readonly record: Checkpoint
}
