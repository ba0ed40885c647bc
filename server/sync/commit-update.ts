/** What one commit adds to the document: its stamp's runs, and the update that tells everybody. Pure. */

import type { ChainStruct, ClockRange } from '../../shared/sync/chain-update/chain-struct.ts'
import { type ChainPart, encodeUpdate } from '../../shared/sync/chain-update/encode-update.ts'
import type { ClientId, UserId } from '../../shared/sync/ids.ts'
import type { StampRun } from '../../shared/sync/record.ts'
import { chainRoot, serverRoot } from '../../shared/sync/roots.ts'
import type { EntryRow, RecordRow } from '../storage/conversation-store.ts'
import { structsOf, withClock } from './projection.ts'

/** An entry that got its place. */
export type PlacedEntry = Omit<EntryRow, 'timeMs'>

export interface CommitContent {
  readonly entries: readonly PlacedEntry[]
  readonly records: readonly RecordRow[]
  readonly serverClient: ClientId
  readonly userOf: (client: ClientId) => UserId | undefined
}

export function encodeCommit({ entries, records, serverClient, userOf }: CommitContent): Uint8Array {
  const parts: ChainPart[] = []
  const deletes = new Map<ClientId, ClockRange[]>()
  for (const [client, group] of byClient(entries)) {
    const user = userOf(client)
    if (user === undefined) throw new Error('an entry without a chain')
    parts.push({ client, root: chainRoot(client, user), clock: group[0]?.clock ?? 0, structs: structsOf(group) })
    for (const { clock, voidReason } of group) {
      if (voidReason !== undefined) deletes.set(client, withClock(deletes.get(client) ?? [], clock))
    }
  }
  const structs: ChainStruct[] = records.map(({ payload }) => ({ kind: 'payload', bytes: payload }))
  parts.push({ client: serverClient, root: serverRoot(serverClient), clock: records[0]?.clock ?? 0, structs })
  return encodeUpdate(parts, deletes)
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
