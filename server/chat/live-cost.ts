/** What an entry counts for in the window of a document, as its row of the log tells: one place knows it. */

import { parseEntry } from '../../shared/chat/entry.ts'
import type { EntryRow } from '../storage/conversation-store.ts'
import { goneBytes, supersededBytes } from '../sync/sealed-ledger.ts'

export interface LiveCost {
  /** Whether it is one of the entries that the window is bounded by; pieces of streams and superseded ones are not. */
  readonly counts: boolean
  readonly bytes: number
}

export function liveCost({ payload, superseded }: Pick<EntryRow, 'payload' | 'superseded'>): LiveCost {
  if (superseded === true) return { counts: false, bytes: supersededBytes }
  if (payload === undefined) return { counts: true, bytes: goneBytes }
  return { counts: !isPassing(payload), bytes: payload.length }
}

/** Whether it is a piece of a stream, which goes when that ends. */
export function isPassing(payload: Uint8Array): boolean {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  // Nearly all are no piece, and tell so without being parsed; with a backslash the word could be spelled in another way.
  if (!bytes.includes('"delta"') && !bytes.includes('\\')) return false
  const parsed = parseEntry(payload)
  return parsed.kind === 'entry' && parsed.entry.kind === 'delta'
}
