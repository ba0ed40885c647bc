/** What goes into a ledger, and what comes out of it: one commit, as rows and as an update. */

import type { ClockRange } from '../../shared/sync/chain-update/chain-struct.ts'
import type { ClientId, UserId } from '../../shared/sync/ids.ts'
import type { Genesis } from '../../shared/sync/record.ts'
import type { ChainRow, DeletedRow, EntryRow, Head, RecordRow } from '../storage/conversation-store.ts'
import type { DocumentStep } from './durable-document.ts'

/** What the record of an entry without bytes takes in a document, about: void or erased, it is no longer than that. */
export const goneBytes = 100

/** What is left of a superseded entry in a document: a place in a run, and its part of a record. */
export const supersededBytes = 20

/** Where a ledger goes on. */
export interface LedgerStart
  extends WindowState, Pick<Head, 'epoch' | 'serverClient' | 'nextRecord' | 'nextSeq' | 'lastStampMs'> {
  readonly chains: readonly ChainRow[]
  readonly deleted: readonly DeletedRow[]
}

/** An entry at the end of its chain, with its verdict. */
export interface JudgedEntry {
  readonly client: ClientId
  readonly clock: number
  readonly payload: Uint8Array | undefined
  readonly voidReason: string | undefined
  /** It is not counted among the entries of the window: a piece of a stream, which will go when that ends. */
  readonly isPassing?: boolean
}

/** An accepted entry that loses its bytes. */
export interface ErasedEntry {
  readonly seq: number
  readonly client: ClientId
  readonly clock: number
  /** Of its payload; undefined when it is on its way into the ledger's next commit. */
  readonly bytes: number | undefined
  /** It was not counted among the entries of the window; without its bytes nobody could tell, and it is. */
  readonly wasPassing: boolean
  /** The message that it belonged to, and who redacted that. */
  readonly of: string
  readonly by: UserId
  /** What is left of a message that stood there. */
  readonly left?: Readonly<Record<string, unknown>>
}

/** An accepted entry that loses its bytes because a later one says all that it said. */
export interface SupersededEntry extends Pick<ErasedEntry, 'seq' | 'client' | 'clock' | 'bytes'> {}

/** Everything up to a seq leaves the document. */
export interface Archiving {
  readonly through: number
  /** Clocks at which the archived part of each chain ends. */
  readonly ends: ReadonlyMap<ClientId, number>
  /** Clock of the first record that stays, behind the genesis. */
  readonly firstRecord: number
  /** What is left in the window. */
  readonly liveEntries: number
  readonly liveBytes: number
  /** What it came to, as of the commit in which it is archived: for the checkpoint. */
  readonly state: () => Readonly<Record<string, unknown>>
}

/** The rows of one commit, and the update that tells them to everybody. */
export interface SealedLedger extends DocumentStep {
  readonly epoch: number
  /** The document starts anew with this commit: what was relayed before does not lead to it. */
  readonly beginsEpoch: boolean
  readonly timeMs: number
  readonly window: WindowState
  readonly entries: readonly EntryRow[]
  readonly records: readonly RecordRow[]
  /** New ones among them: the first clock that a device lacked who had all before. */
  readonly firstNewRecord: number
  readonly recordsGone: ClockRange | undefined
  /** What the document gains; encoded when first asked for. */
  readonly update: () => Uint8Array
}

/** What the head keeps of the live part of a document. */
export type WindowState = Pick<Head, 'through' | 'firstRecord' | 'checkpoint' | 'liveEntries' | 'liveBytes'>

/** A generation of the document: the same records under another clientID, without the chains that are named. */
export interface NewEpoch {
  readonly serverClient: ClientId
  /** Takes the place of the record that was first so far. */
  readonly genesis: Genesis
  readonly without: readonly ClientId[]
}
