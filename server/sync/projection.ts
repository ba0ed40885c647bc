/**
 * The document as a projection of its log: encodes what a device lacks from rows (SPEC DOC1). No Y.Doc lives here.
 */

import type { ChainStruct, ClockRange } from '../../shared/sync/chain-update/chain-struct.ts'
import { type ChainPart, encodeUpdate } from '../../shared/sync/chain-update/encode-update.ts'
import type { ClientId, ConversationId, UserId } from '../../shared/sync/ids.ts'
import { chainRoot, serverRoot } from '../../shared/sync/roots.ts'
import type { StateVector } from '../../shared/sync/state-vector.ts'
import type { ConversationStore, EntryRow } from '../storage/conversation-store.ts'
import { missingRows } from '../storage/missing-rows.ts'

/** What is durable of a conversation at one moment. Never mutated. */
export interface DurableState {
  readonly serverClient: ClientId
  readonly nextRecord: number
  readonly nextSeq: number
  readonly chains: ReadonlyMap<ClientId, { readonly user: UserId; readonly held: boolean; readonly next: number }>
  readonly deleted: ReadonlyMap<ClientId, readonly ClockRange[]>
}

/** The state vector of the durable document. */
export function durableStateVector(state: DurableState): StateVector {
  const clocks = new Map<number, number>()
  for (const [client, { next }] of state.chains) if (next > 0) clocks.set(client, next)
  clocks.set(state.serverClient, state.nextRecord)
  return clocks
}

/** The update that takes a device from `known` to `state`; it always carries the whole delete set. */
export async function encodeMissing(
  store: ConversationStore,
  conversation: ConversationId,
  state: DurableState,
  known: StateVector,
): Promise<Uint8Array> {
  const encoded = await encodeWithin(store, conversation, state, known, Number.POSITIVE_INFINITY)
  if (encoded.kind === 'too-much') throw new Error('more than no limit')
  return encoded.update
}

export type Encoded =
  | { readonly kind: 'encoded'; readonly update: Uint8Array }
  /** After so many entries. */
  | { readonly kind: 'too-much'; readonly entries: number }

/** The same, as long as the payloads of its entries have no more than `maxBytes`, or it is a single one. */
export async function encodeWithin(
  store: ConversationStore,
  conversation: ConversationId,
  state: DurableState,
  known: StateVector,
  maxBytes: number,
): Promise<Encoded> {
  const budget = { bytes: maxBytes, entries: 0 }
  const parts = await missingEntries(store, conversation, state, known, budget)
  if (parts === undefined) return { kind: 'too-much', entries: budget.entries }
  const firstRecord = known.get(state.serverClient) ?? 0
  if (firstRecord < state.nextRecord) {
    const structs: ChainStruct[] = []
    for await (const record of store.records(conversation, firstRecord)) {
      if (record.clock >= state.nextRecord) break
      structs.push({ kind: 'payload', bytes: record.payload })
    }
    if (firstRecord + structs.length !== state.nextRecord) {
      throw await missingRows(store, conversation, 'records are missing')
    }
    parts.push({ client: state.serverClient, root: serverRoot(state.serverClient), clock: firstRecord, structs })
  }
  return { kind: 'encoded', update: encodeUpdate(parts, state.deleted) }
}

/** What may still be read, and how many entries have been. */
interface Budget {
  bytes: number
  entries: number
}

function isSpent(budget: Budget, { payload }: EntryRow): boolean {
  budget.bytes -= payload?.length ?? 0
  return ++budget.entries > 1 && budget.bytes < 0
}

/** Rows beyond twice what lacks, after which the walk gives way to looking up place by place. */
const walkSlack = 256
/** Places looked up in one go. */
const placesPerLookUp = 256

/**
 * Walks the log from its end until everything that lacks has been met, or for so long that the rest must lie far back:
 * that is looked up. So the cost is what lacks, not how long the log is. Undefined when the budget is spent before.
 */
async function missingEntries(
  store: ConversationStore,
  conversation: ConversationId,
  state: DurableState,
  known: StateVector,
  budget: Budget,
): Promise<ChainPart[] | undefined> {
  const missing = new Map<ClientId, EntryRow[]>()
  let left = 0
  for (const [client, { next }] of state.chains) {
    const lacks = next - (known.get(client) ?? 0)
    if (lacks <= 0) continue
    missing.set(client, [])
    left += lacks
  }
  if (left > 0) {
    let steps = 2 * left + walkSlack
    for await (const row of store.entriesNewestFirst(conversation, { before: state.nextSeq })) {
      if (--steps < 0) break
      const rows = missing.get(row.client)
      const next = state.chains.get(row.client)?.next ?? 0
      if (rows === undefined || row.clock < (known.get(row.client) ?? 0) || row.clock >= next) continue
      if (isSpent(budget, row)) return undefined
      rows.push(row)
      if (--left === 0) break
    }
  }
  if (left > 0) {
    for (const [client, rows] of missing) {
      const next = state.chains.get(client)?.next ?? 0
      const from = known.get(client) ?? 0
      const end = rows.at(-1)?.clock ?? next
      for await (const row of lookUp(store, conversation, client, from, end)) {
        if (isSpent(budget, row)) return undefined
        rows.push(row)
      }
      if (rows.length !== next - from) throw await notInLog(store, conversation)
    }
  }
  return [...missing].map(([client, rows]) => partOf(client, rows.toReversed(), state))
}

/** The entries of a chain from clock `from` up to, not including, `end`, by descending clock. */
async function* lookUp(
  store: ConversationStore,
  conversation: ConversationId,
  client: ClientId,
  from: number,
  end: number,
): AsyncGenerator<EntryRow> {
  for (let high = end; high > from; high -= placesPerLookUp) {
    const low = Math.max(from, high - placesPerLookUp)
    const clocks = Array.from({ length: high - low }, (_, index) => high - 1 - index)
    for (const [index, place] of (await store.places(conversation, client, clocks)).entries()) {
      const row = place && (await entryAt(store, conversation, place.seq))
      if (row === undefined || row.client !== client || row.clock !== clocks[index])
        throw await notInLog(store, conversation)
      yield row
    }
  }
}

function notInLog(store: ConversationStore, conversation: ConversationId): Promise<Error> {
  return missingRows(store, conversation, 'entries are not in the log')
}

async function entryAt(
  store: ConversationStore,
  conversation: ConversationId,
  seq: number,
): Promise<EntryRow | undefined> {
  for await (const row of store.entriesNewestFirst(conversation, { after: seq - 1, before: seq + 1 })) return row
  return undefined
}

function partOf(client: ClientId, rows: readonly EntryRow[], state: DurableState): ChainPart {
  const user = state.chains.get(client)?.user
  const first = rows[0]
  if (user === undefined || first === undefined) throw new Error('a part without a chain')
  return { client, root: chainRoot(client, user), clock: first.clock, structs: structsOf(rows) }
}

/** Rows of consecutive clocks as structs; runs without bytes are merged as Yjs merges them. */
export function structsOf(rows: readonly Pick<EntryRow, 'payload'>[]): ChainStruct[] {
  const structs: ChainStruct[] = []
  for (const { payload } of rows) {
    const last = structs.at(-1)
    if (payload !== undefined) structs.push({ kind: 'payload', bytes: payload })
    else if (last?.kind === 'deleted') structs[structs.length - 1] = { kind: 'deleted', length: last.length + 1 }
    else structs.push({ kind: 'deleted', length: 1 })
  }
  return structs
}

/** Adds a clock to ranges that are ascending and merged. */
export function withClock(ranges: readonly ClockRange[], clock: number): ClockRange[] {
  const last = ranges.at(-1)
  if (last !== undefined && last.clock + last.length === clock) {
    return [...ranges.slice(0, -1), { clock: last.clock, length: last.length + 1 }]
  }
  return [...ranges, { clock, length: 1 }]
}
