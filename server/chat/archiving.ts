/**
 * Which entries leave a document, and with them which records (SPEC ARCH1): found out from what is durable, so that nothing
 * of it has to be kept in memory. What they come to as messages has been in rows all along.
 */

import { limits } from '../../shared/limits.ts'
import type { ClientId, ConversationId } from '../../shared/sync/ids.ts'
import { parseRecord } from '../../shared/sync/record.ts'
import type { ConversationStore } from '../storage/conversation-store.ts'
import type { DurableState } from '../sync/projection.ts'
import type { Archiving, WindowState } from '../sync/sealed-ledger.ts'
import { liveCost } from './live-cost.ts'

/** How much a document may hold, and what is left of it then; see `limits`. */
export interface WindowRules {
  readonly entries: number
  readonly bytes: number
  readonly keptEntries: number
  readonly keptBytes: number
  readonly keptAtLeast: number
}

export const windowRules: WindowRules = {
  entries: limits.windowEntries,
  bytes: limits.windowBytes,
  keptEntries: limits.keptEntries,
  keptBytes: limits.keptBytes,
  keptAtLeast: limits.keptAtLeast,
}

/** Pieces of streams that were never ended may be so many times the entries that a document may hold, with these. */
const passingFactor = 4

/** Of the entries that always stay there may be so many times more before their bytes count: so that some leave together. */
const largeFactor = 1.5

export function isOverfull(
  { through, liveEntries, liveBytes }: WindowState,
  nextSeq: number,
  rules: WindowRules,
): boolean {
  const all = nextSeq - 1 - through
  return (
    liveEntries > rules.entries ||
    all > passingFactor * rules.entries ||
    (liveBytes > rules.bytes && all > largeFactor * rules.keptAtLeast)
  )
}

/**
 * Undefined when nothing would leave. `state`: what all of the conversation comes to, messages aside. `from`: all entries
 * before it leave, and no others, whatever the rules say.
 */
export async function planArchiving(
  store: ConversationStore,
  conversation: ConversationId,
  durable: DurableState,
  { through: before, firstRecord }: WindowState,
  rules: WindowRules,
  state: Archiving['state'],
  from?: number,
): Promise<Archiving | undefined> {
  const ends = new Map<ClientId, number>()
  let through = before
  let [all, liveEntries, liveBytes] = [0, 0, 0]
  const range = { after: before, before: durable.nextSeq }
  for await (const row of store.entriesNewestFirst(conversation, range)) {
    const { seq, client, clock } = row
    if (through === before) {
      const { counts, bytes } = liveCost(row)
      const isShown = from === undefined ? undefined : seq >= from
      const fits = all < passingFactor * rules.keptEntries && liveBytes + bytes <= rules.keptBytes
      const isKept = counts ? liveEntries < rules.keptAtLeast || (fits && liveEntries < rules.keptEntries) : fits
      if (isShown ?? isKept) {
        all++
        liveBytes += bytes
        if (counts) liveEntries++
        continue
      }
      through = seq
    }
    if (!ends.has(client)) ends.set(client, clock + 1)
  }
  if (through === before) return undefined
  const first = await firstKept(store, conversation, durable, firstRecord, through)
  return { through, ends, liveEntries, liveBytes, state, firstRecord: first }
}

/** The first record behind the last stamp of which everything is archived. */
async function firstKept(
  store: ConversationStore,
  conversation: ConversationId,
  { nextRecord }: DurableState,
  from: number,
  through: number,
): Promise<number> {
  let first = from
  for await (const { clock, payload } of store.records(conversation, { from, to: nextRecord })) {
    const record = payload && parseRecord(payload)
    if (record?.kind !== 'stamp') continue
    const count = record.runs.reduce((sum, { crcs }) => sum + crcs.length, 0)
    if (record.seq + count - 1 > through) break
    first = clock + 1
  }
  return first
}
