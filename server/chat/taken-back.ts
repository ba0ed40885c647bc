/**
 * What an update brings and takes back itself (SPEC UNSENT1). In one commit a redaction takes the words before anybody sees
 * them; an update that may need several would show them in between, so there they do not count at all: they are void `redacted`.
 */

import { type Entry, type MessageId, parseEntry } from '../../shared/chat/entry.ts'
import { limits } from '../../shared/limits.ts'
import type { FreshEntry } from '../sync/acceptance.ts'

/** Ids of messages, each with the clock of its last redaction in the same chain; none where one commit takes it all. */
export type TakenBack = ReadonlyMap<MessageId, number>

/** Of the fresh entries of one chain. */
export function findTakenBack(fresh: Iterable<FreshEntry>): TakenBack {
  const found = new Map<MessageId, number>()
  let count = 0
  for (const { clock, payload } of fresh) {
    count++
    if (payload === undefined || !mayRedact(payload)) continue
    const parsed = parseEntry(payload)
    if (parsed.kind === 'entry' && parsed.entry.kind === 'redact') found.set(parsed.entry.of, clock)
  }
  // As few as make a slice, where each touches another message.
  return count > limits.touchedPerSlice ? found : new Map()
}

/** Whether it says words of a message that a later entry of its chain takes away. */
export function isTakenBack(entry: Entry, clock: number, takenBack: TakenBack): boolean {
  const of =
    entry.kind === 'message' ? entry.id : entry.kind === 'edit' || entry.kind === 'delta' ? entry.of : undefined
  return of !== undefined && clock < (takenBack.get(of) ?? -1)
}

/** Nearly all do not, and tell so without being parsed; with a backslash the word could be spelled in another way. */
function mayRedact({ buffer, byteOffset, byteLength }: Uint8Array): boolean {
  const bytes = Buffer.from(buffer, byteOffset, byteLength)
  return bytes.includes('"redact"') || bytes.includes('\\')
}
