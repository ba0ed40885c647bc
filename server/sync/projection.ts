/**
 * The document as a projection of its log: encodes what a device lacks from rows (SPEC DOC1). No Y.Doc lives here. What is
 * archived, void or erased is told as deleted runs, without reading it (SPEC ARCH3).
 */

import type { ChainStruct, ClockRange } from '../../shared/sync/chain-update/chain-struct.ts'
import { type ChainPart, encodeUpdate } from '../../shared/sync/chain-update/encode-update.ts'
import { isCovered, keptCount, keptRuns, withRange } from '../../shared/sync/clock-ranges.ts'
import type { ClientId, ConversationId, UserId } from '../../shared/sync/ids.ts'
import { chainRoot, serverRoot } from '../../shared/sync/roots.ts'
import type { StateVector } from '../../shared/sync/state-vector.ts'
import type { ConversationStore, EntryRow } from '../storage/conversation-store.ts'
import { missingRows } from '../storage/missing-rows.ts'
import { placesNewestFirst } from '../storage/places.ts'

/** What is durable of a conversation at one moment. Never mutated. */
export interface DurableState {
  readonly serverClient: ClientId
  readonly nextRecord: number
  readonly nextSeq: number
  readonly chains: ReadonlyMap<ClientId, { readonly user: UserId; readonly held: boolean; readonly next: number }>
  /** Of chains, and of the server's own. */
  readonly deleted: ReadonlyMap<ClientId, readonly ClockRange[]>
}

/** The state vector of the durable document. */
export function durableStateVector(state: DurableState): StateVector {
  const clocks = new Map<number, number>()
  for (const [client, { next }] of state.chains) if (next > 0) clocks.set(client, next)
  clocks.set(state.serverClient, state.nextRecord)
  return clocks
}

/** How many entries that have bytes a device at `known` lacks. */
export function lackingEntries({ chains, deleted }: DurableState, known: StateVector): number {
  let count = 0
  for (const [client, { next }] of chains) count += keptCount(deleted.get(client) ?? [], known.get(client) ?? 0, next)
  return count
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
  const entries = await missingEntries(store, conversation, state, known, budget)
  if (entries === undefined) return { kind: 'too-much', entries: budget.entries }
  const rows = new Map<ClientId, ReadonlyMap<number, Uint8Array>>(entries)
  rows.set(state.serverClient, await missingRecords(store, conversation, state, known))
  const ends = new Map(
    [...state.chains].map(([client, { next, user }]) => [client, { next, root: chainRoot(client, user) }]),
  )
  ends.set(state.serverClient, { next: state.nextRecord, root: serverRoot(state.serverClient) })
  const parts: ChainPart[] = []
  const deletes = new Map(state.deleted)
  for (const [client, { next, root }] of ends) {
    const clock = known.get(client) ?? 0
    if (clock >= next) continue
    const { structs, gone } = structsOf(rows.get(client) ?? new Map(), clock, next)
    parts.push({ client, root, clock, structs })
    // Since this state some may have been erased or archived: what is told as deleted is in the delete set too.
    const ranges = deletes.get(client) ?? []
    const later = gone.flatMap((range) => keptRuns(ranges, range.clock, range.clock + range.length))
    if (later.length > 0)
      deletes.set(
        client,
        later.reduce((all, { from, to }) => withRange(all, { clock: from, length: to - from }), [...ranges]),
      )
  }
  return { kind: 'encoded', update: encodeUpdate(parts, deletes) }
}

/** What may still be read, and how many entries have been. */
interface Budget {
  bytes: number
  entries: number
}

function isSpent(budget: Budget, payload: Uint8Array | undefined): boolean {
  budget.bytes -= payload?.length ?? 0
  return ++budget.entries > 1 && budget.bytes < 0
}

/** Rows beyond twice what lacks, after which the walk gives way to looking up place by place. */
const walkSlack = 256

/** Payloads by their clocks; those that are gone are left out. */
type Payloads = Map<number, Uint8Array>

/** What of a chain is still to be read. */
interface Wanted {
  readonly payloads: Payloads
  readonly from: number
  readonly next: number
  readonly deleted: readonly ClockRange[]
  /** Clocks that were not met yet: all of those at or beyond `met` were. */
  met: number
}

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
): Promise<Map<ClientId, Payloads> | undefined> {
  const wanted = new Map<ClientId, Wanted>()
  let left = 0
  for (const [client, { next }] of state.chains) {
    const from = known.get(client) ?? 0
    const deleted = state.deleted.get(client) ?? []
    const lacks = keptCount(deleted, from, next)
    if (lacks <= 0) continue
    wanted.set(client, { payloads: new Map(), from, next, deleted, met: next })
    left += lacks
  }
  const take = (chain: Wanted, { clock, payload }: Pick<EntryRow, 'clock' | 'payload'>): boolean => {
    left--
    if (isSpent(budget, payload)) return false
    if (payload !== undefined) chain.payloads.set(clock, payload)
    return true
  }
  if (left > 0) {
    let steps = 2 * left + walkSlack
    for await (const row of store.entriesNewestFirst(conversation, { before: state.nextSeq })) {
      if (--steps < 0) break
      const chain = wanted.get(row.client)
      if (chain === undefined || row.clock < chain.from || row.clock >= chain.next) continue
      chain.met = row.clock
      if (isCovered(chain.deleted, row.clock)) continue
      if (!take(chain, row)) return undefined
      if (left === 0) break
    }
  }
  for (const [client, chain] of left > 0 ? wanted : []) {
    for (const run of keptRuns(chain.deleted, chain.from, chain.met).toReversed()) {
      for await (const row of lookUp(store, conversation, client, run.from, run.to)) {
        if (!take(chain, row)) return undefined
      }
    }
  }
  if (left !== 0) throw await notInLog(store, conversation)
  return new Map([...wanted].map(([client, { payloads }]) => [client, payloads]))
}

/** Records that were archived since are left out, as those that were archived before. */
async function missingRecords(
  store: ConversationStore,
  conversation: ConversationId,
  { serverClient, nextRecord }: DurableState,
  known: StateVector,
): Promise<Payloads> {
  const payloads: Payloads = new Map()
  const from = known.get(serverClient) ?? 0
  if (from >= nextRecord) return payloads
  let last = -1
  for await (const { clock, payload } of store.records(conversation, { from, to: nextRecord })) {
    if (payload !== undefined) payloads.set(clock, payload)
    last = clock
  }
  if (last !== nextRecord - 1) {
    // Deleted meanwhile, or archived up to there and beyond.
    const stored = await store.head(conversation)
    if (stored?.kind !== 'head' || stored.head.firstRecord < nextRecord) {
      throw await missingRows(store, conversation, 'records are missing')
    }
  }
  return payloads
}

/** The entries of a chain from clock `from` up to, not including, `end`, by descending clock. */
async function* lookUp(
  store: ConversationStore,
  conversation: ConversationId,
  client: ClientId,
  from: number,
  end: number,
): AsyncGenerator<EntryRow> {
  for await (const { clock, place } of placesNewestFirst(store, conversation, client, { from, to: end })) {
    const row = place && (await entryAt(store, conversation, place.seq))
    if (row === undefined || row.client !== client || row.clock !== clock) throw await notInLog(store, conversation)
    yield row
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

/** A stretch of a chain as structs: payloads, and whatever has none as deleted runs, merged as Yjs merges them. */
function structsOf(
  payloads: ReadonlyMap<number, Uint8Array>,
  from: number,
  to: number,
): { readonly structs: readonly ChainStruct[]; readonly gone: readonly ClockRange[] } {
  const structs: ChainStruct[] = []
  const gone: ClockRange[] = []
  let next = from
  const skipTo = (clock: number): void => {
    if (clock === next) return
    structs.push({ kind: 'deleted', length: clock - next })
    gone.push({ clock: next, length: clock - next })
  }
  for (const [clock, bytes] of [...payloads].toSorted(([a], [b]) => a - b)) {
    skipTo(clock)
    structs.push({ kind: 'payload', bytes })
    next = clock + 1
  }
  skipTo(to)
  return { structs, gone }
}
