/**
 * The ledger of one live conversation: its chains, its order and its own chain of records, a step ahead of the disk.
 * Entries are appended with their verdict; `seal` turns all that is new into rows and one stamp; only `settle` makes
 * them part of what others may be shown. Knows nothing of what entries mean.
 */

import type { ChainStruct, ClockRange } from '../../shared/sync/chain-update/chain-struct.ts'
import { type ChainPart, encodeUpdate } from '../../shared/sync/chain-update/encode-update.ts'
import { crc32 } from '../../shared/sync/crc32.ts'
import type { ClientId, UserId } from '../../shared/sync/ids.ts'
import { encodeRecord, type ServerRecord, type StampRun } from '../../shared/sync/record.ts'
import { chainRoot, serverRoot } from '../../shared/sync/roots.ts'
import type { ChainRow, DeletedRow, EntryRow, RecordRow } from '../storage/conversation-store.ts'
import type { ChainTable } from './acceptance.ts'
import { type DurableState, structsOf, withClock } from './projection.ts'

/** Where a ledger goes on. */
export interface LedgerStart {
  readonly serverClient: ClientId
  readonly nextRecord: number
  readonly nextSeq: number
  readonly lastStampMs: number
  readonly chains: readonly ChainRow[]
  readonly deleted: readonly DeletedRow[]
}

/** An entry at the end of its chain, with its verdict. */
export interface JudgedEntry {
  readonly client: ClientId
  readonly clock: number
  readonly payload: Uint8Array | undefined
  readonly voidReason: string | undefined
}

/** The rows of one commit, and the update that tells them to everybody. */
export interface SealedLedger {
  readonly timeMs: number
  readonly nextSeq: number
  readonly nextRecord: number
  readonly entries: readonly EntryRow[]
  readonly records: readonly RecordRow[]
  readonly chains: readonly ChainRow[]
  readonly deleted: readonly DeletedRow[]
  /** What the document gains; encoded when first asked for. */
  readonly update: () => Uint8Array
}

type AppendedEntry = Omit<EntryRow, 'timeMs'>

export class Ledger implements ChainTable {
  readonly #serverClient: ClientId
  readonly #chains: Map<ClientId, ChainRow>
  readonly #held = new Map<UserId, ClientId>()
  readonly #deleted: Map<ClientId, readonly ClockRange[]>
  #nextRecord: number
  #nextSeq: number
  #lastStampMs: number
  #appended: AppendedEntry[] = []
  /** Sealed and not settled. */
  #inFlight: readonly AppendedEntry[] = []
  #records: ServerRecord[] = []
  readonly #durableChains: Map<ClientId, ChainRow>
  readonly #durableDeleted: Map<ClientId, readonly ClockRange[]>
  #durableRecord: number
  #durableSeq: number

  constructor(start: LedgerStart) {
    this.#serverClient = start.serverClient
    this.#chains = new Map(start.chains.map((row) => [row.client, row]))
    for (const { client, user, held } of start.chains) if (held) this.#held.set(user, client)
    this.#deleted = new Map(start.deleted.map(({ client, ranges }) => [client, ranges]))
    this.#nextRecord = start.nextRecord
    this.#nextSeq = start.nextSeq
    this.#lastStampMs = start.lastStampMs
    this.#durableChains = new Map(this.#chains)
    this.#durableDeleted = new Map(this.#deleted)
    this.#durableRecord = start.nextRecord
    this.#durableSeq = start.nextSeq
  }

  /** What others may be shown: a copy that stays as it is. */
  durable(): DurableState {
    return {
      serverClient: this.#serverClient,
      nextRecord: this.#durableRecord,
      nextSeq: this.#durableSeq,
      chains: new Map(this.#durableChains),
      deleted: new Map(this.#durableDeleted),
    }
  }

  get nextSeq(): number {
    return this.#nextSeq
  }

  get hasNews(): boolean {
    return this.#appended.length > 0 || this.#records.length > 0
  }

  chain(client: ClientId): ChainRow | undefined {
    return this.#chains.get(client)
  }

  isServer(client: ClientId): boolean {
    return client === this.#serverClient
  }

  /** How many separate runs of void entries a chain has. */
  deletedRanges(client: ClientId): number {
    return this.#deleted.get(client)?.length ?? 0
  }

  heldChain(user: UserId): ClientId | undefined {
    return this.#held.get(user)
  }

  chains(): Iterable<ChainRow> {
    return this.#chains.values()
  }

  /** Checksum of an entry that is accepted and not in the store yet. */
  uncommittedCrc(client: ClientId, clock: number): number | undefined {
    if (clock < (this.#durableChains.get(client)?.next ?? 0)) return undefined
    const isIt = (entry: AppendedEntry): boolean => entry.client === client && entry.clock === clock
    return (this.#appended.find(isIt) ?? this.#inFlight.find(isIt))?.crc
  }

  /** Begins a chain; its id must be free. */
  addChain(chain: Omit<ChainRow, 'next'>): void {
    if (this.#chains.has(chain.client) || this.isServer(chain.client)) throw new Error('the clientID is taken')
    this.#chains.set(chain.client, { ...chain, next: 0 })
    if (chain.held) this.#held.set(chain.user, chain.client)
  }

  /** Appends the next entry of a chain and gives it its seq. */
  append(entry: JudgedEntry): number {
    const chain = this.#chains.get(entry.client)
    if (chain === undefined || chain.next !== entry.clock) throw new Error('not the end of a chain')
    this.#chains.set(entry.client, { ...chain, next: entry.clock + 1 })
    const crc = entry.payload === undefined ? 0 : crc32(entry.payload)
    const isVoid = entry.voidReason !== undefined
    if (entry.voidReason !== undefined) {
      this.#records.push({ kind: 'void', client: entry.client, clock: entry.clock, reason: entry.voidReason })
      this.#deleted.set(entry.client, withClock(this.#deleted.get(entry.client) ?? [], entry.clock))
    }
    this.#appended.push({ ...entry, seq: this.#nextSeq, crc, payload: isVoid ? undefined : entry.payload })
    return this.#nextSeq++
  }

  /** Appends a record of its own kind; stamps and voids come by themselves. */
  appendRecord(record: ServerRecord): void {
    this.#records.push(record)
  }

  /** Takes all that is new as rows, closed by a stamp of the time `nowMs` or, if that is not later, just after the last. */
  seal(nowMs: number): SealedLedger {
    const appended = this.#appended
    const timeMs = Math.max(nowMs, this.#lastStampMs + 1)
    const records = this.#records.map(encodeRecord)
    if (appended.length > 0) {
      records.push(encodeRecord({ kind: 'stamp', seq: appended[0]?.seq ?? 0, timeMs, runs: runsOf(appended) }))
    }
    const recordRows = records.map((payload, index) => ({ clock: this.#nextRecord + index, payload }))
    this.#appended = []
    this.#inFlight = appended
    this.#records = []
    this.#lastStampMs = timeMs
    this.#nextRecord += records.length

    const clients = [...new Set(appended.map(({ client }) => client))]
    const chains = clients.map((client) => this.#chains.get(client)).filter((row) => row !== undefined)
    const voided = new Set(appended.filter(({ voidReason }) => voidReason !== undefined).map(({ client }) => client))
    return {
      timeMs,
      nextSeq: this.#nextSeq,
      nextRecord: this.#nextRecord,
      entries: appended.map((entry) => ({ ...entry, timeMs })),
      records: recordRows,
      chains,
      deleted: [...voided].map((client) => ({ client, ranges: this.#deleted.get(client) ?? [] })),
      update: () => this.#encode(appended, recordRows),
    }
  }

  /** The rows are on the disk: from now on they may be shown. */
  settle(sealed: SealedLedger): void {
    for (const row of sealed.chains) this.#durableChains.set(row.client, row)
    for (const { client, ranges } of sealed.deleted) this.#durableDeleted.set(client, ranges)
    this.#durableRecord = sealed.nextRecord
    this.#durableSeq = sealed.nextSeq
    this.#inFlight = []
  }

  #encode(appended: readonly AppendedEntry[], records: readonly RecordRow[]): Uint8Array {
    const parts: ChainPart[] = []
    const deletes = new Map<ClientId, ClockRange[]>()
    for (const [client, entries] of byClient(appended)) {
      const user = this.#chains.get(client)?.user
      if (user === undefined) throw new Error('an entry without a chain')
      parts.push({ client, root: chainRoot(client, user), clock: entries[0]?.clock ?? 0, structs: structsOf(entries) })
      for (const { clock, voidReason } of entries) {
        if (voidReason !== undefined) deletes.set(client, withClock(deletes.get(client) ?? [], clock))
      }
    }
    const structs: ChainStruct[] = records.map(({ payload }) => ({ kind: 'payload', bytes: payload }))
    const root = serverRoot(this.#serverClient)
    parts.push({ client: this.#serverClient, root, clock: records[0]?.clock ?? 0, structs })
    return encodeUpdate(parts, deletes)
  }
}

function byClient(entries: readonly AppendedEntry[]): Map<ClientId, AppendedEntry[]> {
  const groups = new Map<ClientId, AppendedEntry[]>()
  for (const entry of entries) {
    const group = groups.get(entry.client)
    if (group === undefined) groups.set(entry.client, [entry])
    else group.push(entry)
  }
  return groups
}

/** Consecutive clocks of one chain, in the order of their seqs, as runs. */
function runsOf(entries: readonly AppendedEntry[]): StampRun[] {
  const runs: { client: ClientId; clock: number; crcs: number[] }[] = []
  for (const { client, clock, crc } of entries) {
    const last = runs.at(-1)
    if (last !== undefined && last.client === client && last.clock + last.crcs.length === clock) last.crcs.push(crc)
    else runs.push({ client, clock, crcs: [crc] })
  }
  return runs
}
