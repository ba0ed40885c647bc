/**
 * Brings a device that lacks much up to date, part by part, so that neither its length nor a slow network costs the
 * server memory: each part is read from the log when the one before has gone out.
 */

import { limits } from '../../shared/limits.ts'
import type { ClockRange } from '../../shared/sync/chain-update/chain-struct.ts'
import { clipRanges, endAfter, keptCount } from '../../shared/sync/clock-ranges.ts'
import type { ClientId, ConversationId } from '../../shared/sync/ids.ts'
import { parseRecord } from '../../shared/sync/record.ts'
import type { StateVector } from '../../shared/sync/state-vector.ts'
import type { ConversationStore } from '../storage/conversation-store.ts'
import { type DurableState, durableStateVector, encodeWithin, lackingEntries } from './projection.ts'

/** A step on the way: what to send, and what the device has then. */
export interface CatchUpPart {
  readonly update: Uint8Array
  readonly known: StateVector
}

/** How many entries, or if they are more records, a device at `known` lacks of `state`. */
export function countLacking(state: DurableState, known: StateVector): number {
  const { serverClient, nextRecord, deleted } = state
  const records = keptCount(deleted.get(serverClient) ?? [], known.get(serverClient) ?? 0, nextRecord)
  return Math.max(lackingEntries(state, known), records)
}

/** All that a device at `known` lacks; undefined when that is more than a part. */
export async function encodeRest(
  store: ConversationStore,
  conversation: ConversationId,
  state: DurableState,
  known: StateVector,
): Promise<Uint8Array | undefined> {
  const encoded = await encodeWithin(store, conversation, state, known, limits.bytesPerCatchUp)
  return encoded.kind === 'encoded' ? encoded.update : undefined
}

/**
 * The next part of what a device lacks, from the oldest record that it lacks: whole stamps. Entries come without their
 * stamp, which waits for them, only when a single stamp has too many, or the device has it and not them.
 */
export async function encodePart(
  store: ConversationStore,
  conversation: ConversationId,
  state: DurableState,
  known: StateVector,
): Promise<CatchUpPart> {
  for (let entries: number = limits.entriesPerCatchUp; ;) {
    const end = await endOfPart(store, conversation, state, known.get(state.serverClient) ?? 0, entries)
    const stamped = end === undefined ? state : stateAt(state, known, end)
    const part = lackingEntries(stamped, known) > 2 * entries ? withoutRecords(stamped, known, entries) : stamped
    const encoded = await encodeWithin(store, conversation, part, known, limits.bytesPerCatchUp)
    if (encoded.kind === 'encoded') return { update: encoded.update, known: reached(part, known) }
    // Half of what did not fit: the next entries may be larger.
    entries = Math.max(1, Math.floor(Math.min(entries, encoded.entries) / 2))
  }
}

/** The next entries of the chains alone. */
function withoutRecords(state: DurableState, known: StateVector, entries: number): DurableState {
  const ends = new Map<ClientId, number>()
  let left = entries
  for (const [client, { next }] of state.chains) {
    const has = known.get(client) ?? 0
    if (left <= 0 || has >= next) continue
    const deleted = state.deleted.get(client) ?? []
    const end = endAfter(deleted, has, next, left)
    ends.set(client, end)
    left -= keptCount(deleted, has, end)
  }
  return stateAt(state, known, { nextRecord: known.get(state.serverClient) ?? 0, nextSeq: state.nextSeq, ends })
}

/** Where the document stood right after a stamp. */
interface PartEnd {
  readonly nextRecord: number
  readonly nextSeq: number
  readonly ends: ReadonlyMap<ClientId, number>
}

async function endOfPart(
  store: ConversationStore,
  conversation: ConversationId,
  state: DurableState,
  firstRecord: number,
  entries: number,
): Promise<PartEnd | undefined> {
  const ends = new Map<ClientId, number>()
  let count = 0
  if (firstRecord >= state.nextRecord) return undefined
  for await (const { clock, payload } of store.records(conversation, { from: firstRecord, to: state.nextRecord })) {
    const record = payload && parseRecord(payload)
    if (record?.kind !== 'stamp') continue
    let length = 0
    for (const run of record.runs) {
      length += run.crcs.length
      ends.set(run.client, run.clock + run.crcs.length)
    }
    count += length
    if (count >= entries) return { nextRecord: clock + 1, nextSeq: record.seq + length, ends }
  }
  return undefined
}

function stateAt(state: DurableState, known: StateVector, { nextRecord, nextSeq, ends }: PartEnd): DurableState {
  const chains = new Map<ClientId, typeof state.chains extends ReadonlyMap<ClientId, infer T> ? T : never>()
  const deleted = new Map<ClientId, readonly ClockRange[]>()
  /** What lies in the part; the last one, which is no part, carries the whole delete set. */
  const clip = (client: ClientId, next: number): void => {
    const ranges = clipRanges(state.deleted.get(client) ?? [], known.get(client) ?? 0, next)
    if (ranges.length > 0) deleted.set(client, ranges)
  }
  for (const [client, chain] of state.chains) {
    const next = Math.min(chain.next, Math.max(known.get(client) ?? 0, ends.get(client) ?? 0))
    chains.set(client, { ...chain, next })
    clip(client, next)
  }
  clip(state.serverClient, nextRecord)
  return { ...state, nextRecord, nextSeq, chains, deleted }
}

function reached(part: DurableState, known: StateVector): StateVector {
  const clocks = new Map(known)
  // Of its own chain it may have more.
  for (const [client, next] of durableStateVector(part)) clocks.set(client, Math.max(next, clocks.get(client) ?? 0))
  return clocks
}
