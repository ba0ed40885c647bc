/** What one commit adds to the document: its stamp's runs, the update that tells everybody, and what was there before. Pure. */

import type { ChainStruct } from '../../shared/sync/chain-update/chain-struct.ts'
import { type ChainPart, type DeleteSet, encodeUpdate } from '../../shared/sync/chain-update/encode-update.ts'
import { withRange } from '../../shared/sync/clock-ranges.ts'
import type { ClientId, UserId } from '../../shared/sync/ids.ts'
import type { StampRun } from '../../shared/sync/record.ts'
import { chainRoot, serverRoot } from '../../shared/sync/roots.ts'
import type { StateVector } from '../../shared/sync/state-vector.ts'
import type { EntryRow } from '../storage/conversation-store.ts'
import { type DurableState, durableStateVector } from './projection.ts'
import type { SealedLedger } from './sealed-ledger.ts'

/** An entry that got its place. */
export type PlacedEntry = Omit<EntryRow, 'timeMs'>

export interface CommitContent {
  readonly entries: readonly PlacedEntry[]
  readonly records: readonly { readonly clock: number; readonly payload: Uint8Array }[]
  readonly serverClient: ClientId
  readonly userOf: (client: ClientId) => UserId | undefined
  /** What goes with it of what was there before. */
  readonly deletes: DeleteSet
}

export function encodeCommit({ entries, records, serverClient, userOf, deletes: before }: CommitContent): Uint8Array {
  const parts: ChainPart[] = []
  const deletes = new Map(before)
  for (const [client, group] of byClient(entries)) {
    const user = userOf(client)
    if (user === undefined) throw new Error('an entry without a chain')
    parts.push({ client, root: chainRoot(client, user), clock: group[0]?.clock ?? 0, structs: structsOf(group) })
    for (const { clock, payload } of group) {
      if (payload === undefined) deletes.set(client, withRange(deletes.get(client) ?? [], { clock, length: 1 }))
    }
  }
  const structs: ChainStruct[] = records.map(({ payload }) => ({ kind: 'payload', bytes: payload }))
  parts.push({ client: serverClient, root: serverRoot(serverClient), clock: records[0]?.clock ?? 0, structs })
  return encodeUpdate(parts, deletes)
}

/** Rows of consecutive clocks as structs; runs without bytes are merged as Yjs merges them. */
function structsOf(rows: readonly Pick<EntryRow, 'payload'>[]): ChainStruct[] {
  const structs: ChainStruct[] = []
  for (const { payload } of rows) {
    const last = structs.at(-1)
    if (payload !== undefined) structs.push({ kind: 'payload', bytes: payload })
    else if (last?.kind === 'deleted') structs[structs.length - 1] = { kind: 'deleted', length: last.length + 1 }
    else structs.push({ kind: 'deleted', length: 1 })
  }
  return structs
}

function byClient(entries: readonly PlacedEntry[]): Map<ClientId, PlacedEntry[]> {
  const groups = new Map<ClientId, PlacedEntry[]>()
  for (const entry of entries) {
    const group = groups.get(entry.client)
    if (group === undefined) groups.set(entry.client, [entry])
    else group.push(entry)
  }
  return groups
}

/** Consecutive clocks of one chain, in the order of their seqs, as runs. */
export function runsOf(entries: readonly PlacedEntry[]): StampRun[] {
  const runs: { client: ClientId; clock: number; crcs: number[] }[] = []
  for (const { client, clock, crc } of entries) {
    const last = runs.at(-1)
    if (last !== undefined && last.client === client && last.clock + last.crcs.length === clock) last.crcs.push(crc)
    else runs.push({ client, clock, crcs: [crc] })
  }
  return runs
}

/** What a device had that was sent everything before a commit, which is in `state` now. */
export function clocksBefore(
  state: DurableState,
  { entries, firstNewRecord, serverClient }: Pick<SealedLedger, 'entries' | 'firstNewRecord' | 'serverClient'>,
): StateVector {
  const clocks = new Map(durableStateVector(state))
  // Backwards, so that the first of each chain remains.
  for (const { client, clock } of entries.toReversed()) clocks.set(client, clock)
  return clocks.set(serverClient, firstNewRecord)
}
