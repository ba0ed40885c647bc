/** The server's own chain against the log: a genesis first, then stamps that cover every entry once, each void one with its record. */

import type { ClientId, ConversationId, UserId } from '../../shared/sync/ids.ts'
import { type Genesis, parseRecord, type Stamp } from '../../shared/sync/record.ts'
import type { ConversationStore, EntryRow, Head } from '../storage/conversation-store.ts'
import type { Findings } from './finding.ts'

export interface RecordsSummary {
  /** Whom the genesis names; undefined when there is none. */
  readonly owner: UserId | undefined
}

/** Streams both; StoreError `damaged` where a row of either is. */
export async function checkRecords(
  store: ConversationStore,
  id: ConversationId,
  head: Head,
  findings: Findings,
): Promise<RecordsSummary> {
  let genesis: Genesis | undefined
  let nextSeq = 0
  let voids = new Map<string, string>()
  for await (const { clock, payload } of store.records(id, 0)) {
    const add = (sort: string): void => findings.add(sort, `record ${clock}`)
    const record = parseRecord(payload)
    if (record === undefined) add('it cannot be read')
    if ((clock === 0) !== (record?.kind === 'genesis')) add('a genesis belongs at the beginning, and nowhere else')
    if (record?.kind === 'genesis') genesis ??= record
    if (record?.kind === 'void') voids.set(place(record.client, record.clock), record.reason)
    if (record?.kind !== 'stamp') continue
    if (record.seq !== nextSeq) add('it does not follow the stamp before')
    const rows = await rowsOf(store, id, record)
    compare(record, rows, voids, add)
    nextSeq = record.seq + rows.length
    voids = new Map()
  }
  if (head.nextRecord === 0) findings.add('there are no records')
  if (genesis !== undefined && genesis.epoch !== head.epoch)
    findings.add('the genesis is of another epoch than the head')
  if (nextSeq !== head.nextSeq) findings.add(`entries from ${nextSeq} to ${head.nextSeq} have no stamp`)
  if (voids.size > 0) findings.add('a void record without a stamp behind it')
  return { owner: genesis?.owner }
}

/** The log rows that a stamp speaks of, ascending. */
async function rowsOf(store: ConversationStore, id: ConversationId, { seq, runs }: Stamp): Promise<EntryRow[]> {
  const count = runs.reduce((sum, { crcs }) => sum + crcs.length, 0)
  const rows: EntryRow[] = []
  for await (const row of store.entriesNewestFirst(id, { after: seq - 1, before: seq + count })) rows.push(row)
  return rows.toReversed()
}

function compare(
  { timeMs, runs }: Stamp,
  rows: readonly EntryRow[],
  voids: ReadonlyMap<string, string>,
  add: (sort: string) => void,
): void {
  const stamped = runs.flatMap(({ client, clock, crcs }) =>
    crcs.map((crc, index) => ({ client, clock: clock + index, crc })),
  )
  if (stamped.length !== rows.length) add('it stamps more than there is in the log')
  let voided = 0
  for (const [index, row] of rows.entries()) {
    const { client, clock, crc } = stamped[index] ?? {}
    if (row.client !== client || row.clock !== clock) add('it stamps other entries than those of the log')
    if (row.crc !== crc) add('it has another checksum than the log')
    if (row.timeMs !== timeMs) add('it has another time than the log')
    const reason = voids.get(place(row.client, row.clock))
    if (reason !== undefined) voided++
    if (reason !== row.voidReason) add('void records and void entries are not the same')
  }
  if (voided !== voids.size) add('void records and void entries are not the same')
}

function place(client: ClientId, clock: number): string {
  return `${client}/${clock}`
}
