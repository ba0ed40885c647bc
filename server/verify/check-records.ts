/**
 * The server's own chain against the log: a genesis first, then stamps that cover every live entry once, each void one with
 * its record, and the checkpoint that stands for all that is archived.
 */

import type { ClockRange } from '../../shared/sync/chain-update/chain-struct.ts'
import { withRange } from '../../shared/sync/clock-ranges.ts'
import type { ClientId, ConversationId, UserId } from '../../shared/sync/ids.ts'
import { type Genesis, parseRecord, type Stamp } from '../../shared/sync/record.ts'
import type { LoadedConversation } from '../chat/loaded-conversation.ts'
import type { ConversationStore, EntryRow } from '../storage/conversation-store.ts'
import type { Findings } from './finding.ts'
import { isEqual } from './is-equal.ts'

export interface RecordsSummary {
  /** Whom the genesis names; undefined when there is none. */
  readonly owner: UserId | undefined
}

/** Streams both; StoreError `damaged` where a row of either is. */
export async function checkRecords(
  store: ConversationStore,
  id: ConversationId,
  { head, deleted }: Pick<LoadedConversation, 'head' | 'deleted'>,
  findings: Findings,
): Promise<RecordsSummary> {
  let genesis: Genesis | undefined
  /** Undefined until the first stamp that is left: it may reach back into the archive. */
  let nextSeq = head.through < 0 ? 0 : undefined
  let voids = new Map<string, string>()
  const { firstRecord } = head
  let gone: readonly ClockRange[] = firstRecord > 1 ? [{ clock: 1, length: firstRecord - 1 }] : []
  for await (const { clock, payload } of store.records(id, { from: 0, to: head.nextRecord })) {
    const add = (sort: string): void => findings.add(sort, `record ${clock}`)
    if (payload === undefined) {
      // A checkpoint that another one followed.
      gone = withRange(gone, { clock, length: 1 })
      continue
    }
    const record = parseRecord(payload)
    if (record === undefined) add('it cannot be read')
    if ((record?.kind === 'checkpoint') !== (clock === head.checkpoint))
      add('it is not the checkpoint that the head names')
    if (record?.kind === 'checkpoint' && record.through !== head.through)
      add('its archive ends elsewhere than that of the head')
    if ((clock === 0) !== (record?.kind === 'genesis')) add('a genesis belongs at the beginning, and nowhere else')
    if (record?.kind === 'genesis') genesis ??= record
    if (record?.kind === 'void') voids.set(place(record.client, record.clock), record.reason)
    if (record?.kind !== 'stamp') continue
    if (nextSeq === undefined ? record.seq > head.through + 1 : record.seq !== nextSeq) {
      add('it does not follow the stamp before')
    }
    const rows = await rowsOf(store, id, record)
    compare(record, rows, voids, add)
    nextSeq = record.seq + rows.length
    voids = new Map()
  }
  if (head.nextRecord === 0) findings.add('there are no records')
  if (genesis !== undefined && genesis.epoch !== head.epoch)
    findings.add('the genesis is of another epoch than the head')
  const end = nextSeq ?? head.through + 1
  if (end !== head.nextSeq) findings.add(`entries from ${end} to ${head.nextSeq} have no stamp`)
  if (head.checkpoint === null && head.through >= 0) findings.add('there is an archive without a checkpoint')
  const told = deleted.find(({ client }) => client === head.serverClient)?.ranges ?? []
  if (!isEqual(told, gone)) findings.add('the deleted ranges of the records are not those that are gone')
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
