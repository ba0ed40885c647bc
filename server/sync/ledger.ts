/**
 * The ledger of one live conversation: its chains, its order and its own chain of records, a step ahead of the disk.
 * Entries are appended with their verdict; `seal` turns all that is new into rows and one stamp; only `settle` makes
 * them part of what others may be shown. Knows nothing of what entries mean.
 */

import type { ClockRange } from '../../shared/sync/chain-update/chain-struct.ts'
import { crc32 } from '../../shared/sync/crc32.ts'
import type { ClientId, UserId } from '../../shared/sync/ids.ts'
import { encodeRecord, type Genesis, type ServerRecord } from '../../shared/sync/record.ts'
import type { StateVector } from '../../shared/sync/state-vector.ts'
import type { ChainRow, DeletedRow, DroppedRow, EntryRow, RecordRow } from '../storage/conversation-store.ts'
import type { ChainTable } from './acceptance.ts'
import { encodeCommit, type PlacedEntry, runsOf } from './commit-update.ts'
import { type DurableState, durableStateVector, withClock } from './projection.ts'

/** Where a ledger goes on. */
export interface LedgerStart {
  readonly epoch: number
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
  readonly epoch: number
  readonly serverClient: ClientId
  /** The document starts anew with this commit: what was relayed before does not lead to it. */
  readonly beginsEpoch: boolean
  readonly timeMs: number
  readonly nextSeq: number
  readonly nextRecord: number
  readonly entries: readonly EntryRow[]
  readonly records: readonly RecordRow[]
  readonly chains: readonly ChainRow[]
  readonly deleted: readonly DeletedRow[]
  readonly dropped: readonly DroppedRow[]
  /** What the document gains; encoded when first asked for. */
  readonly update: () => Uint8Array
}

/** A generation of the document: the same records under another clientID, without the chains that are named. */
export interface NewEpoch {
  readonly serverClient: ClientId
  /** Takes the place of the record that was first so far. */
  readonly genesis: Genesis
  readonly without: readonly ClientId[]
}

export class Ledger implements ChainTable {
  #epoch: number
  #serverClient: ClientId
  readonly #chains: Map<ClientId, ChainRow>
  readonly #held = new Map<UserId, ClientId>()
  readonly #deleted: Map<ClientId, readonly ClockRange[]>
  #nextRecord: number
  #nextSeq: number
  #lastStampMs: number
  #appended: PlacedEntry[] = []
  /** Sealed and not settled. */
  #inFlight: readonly PlacedEntry[] = []
  #records: ServerRecord[] = []
  #newGenesis: Genesis | undefined
  /** By those who were dropped, until that is on the disk. */
  readonly #dropping = new Map<ClientId, DroppedRow>()
  #durableServer: ClientId
  #durableChains: Map<ClientId, ChainRow>
  #durableDeleted: Map<ClientId, readonly ClockRange[]>
  /** Somebody was given these maps: they must stay as they are. */
  #isShown = false
  #durableRecord: number
  #durableSeq: number

  constructor(start: LedgerStart) {
    this.#epoch = start.epoch
    this.#serverClient = start.serverClient
    this.#durableServer = start.serverClient
    this.#chains = new Map(start.chains.map((row) => [row.client, row]))
    for (const { client, user, held, epoch } of start.chains) {
      if (held && epoch === start.epoch) this.#held.set(user, client)
    }
    this.#deleted = new Map(start.deleted.map(({ client, ranges }) => [client, ranges]))
    this.#nextRecord = start.nextRecord
    this.#nextSeq = start.nextSeq
    this.#lastStampMs = start.lastStampMs
    this.#durableChains = new Map(this.#chains)
    this.#durableDeleted = new Map(this.#deleted)
    this.#durableRecord = start.nextRecord
    this.#durableSeq = start.nextSeq
  }

  /** What others may be shown; it stays as it is. Costs nothing, but the next commit a copy. */
  durable(): DurableState {
    this.#isShown = true
    return { ...this.durableEnd(), chains: this.#durableChains, deleted: this.#durableDeleted }
  }

  /** Where the durable document ends; equal ends are equal documents. */
  durableEnd(): Pick<DurableState, 'serverClient' | 'nextRecord' | 'nextSeq'> {
    return { serverClient: this.#durableServer, nextRecord: this.#durableRecord, nextSeq: this.#durableSeq }
  }

  /** What a device had that was sent everything before `sealed`, which is settled. */
  before({ entries, records, serverClient }: SealedLedger): StateVector {
    const clocks = new Map(durableStateVector(this.durable()))
    // Backwards, so that the first of each chain remains.
    for (const { client, clock } of entries.toReversed()) clocks.set(client, clock)
    const [first] = records
    if (first !== undefined) clocks.set(serverClient, first.clock)
    return clocks
  }

  get nextSeq(): number {
    return this.#nextSeq
  }

  get hasNews(): boolean {
    return this.#appended.length > 0 || this.#records.length > 0 || this.#newGenesis !== undefined
  }

  get epoch(): number {
    return this.#epoch
  }

  chain(client: ClientId): ChainRow | undefined {
    return this.#chains.get(client)
  }

  /** Where the durable part of a chain ends: what lies before it never changes. */
  durableNext(client: ClientId): number {
    return this.#durableChains.get(client)?.next ?? 0
  }

  isServer(client: ClientId): boolean {
    return client === this.#serverClient || client === this.#durableServer
  }

  /** Whether rows read now are of the epoch of `state`: one that begins writes over the first record. */
  isCurrent(state: Pick<DurableState, 'serverClient'>): boolean {
    return state.serverClient === this.#serverClient
  }

  /** A chain that is about to be dropped, and that the store does not know yet as one. */
  dropping(client: ClientId): DroppedRow | undefined {
    return this.#dropping.get(client)
  }

  /** How many separate runs of void entries a chain has. */
  deletedRanges(client: ClientId): number {
    return this.#deleted.get(client)?.length ?? 0
  }

  /** The chain on which the server writes in this epoch what the user does over REST. */
  heldChain(user: UserId): ClientId | undefined {
    return this.#held.get(user)
  }

  heldChains(): Iterable<ClientId> {
    return this.#held.values()
  }

  /** Chains of which every entry is void, and nothing on its way to the disk: a new epoch can do without them. */
  deadChains(): ClientId[] {
    return [...this.#durableDeleted].flatMap(([client, ranges]) => {
      const chain = this.#durableChains.get(client)
      const [first] = ranges
      const isDead = chain !== undefined && !chain.held && first?.clock === 0 && first.length === chain.next
      return isDead && this.#chains.get(client)?.next === chain.next ? [client] : []
    })
  }

  chains(): Iterable<ChainRow> {
    return this.#chains.values()
  }

  /** Checksum of an entry that is accepted and not in the store yet. */
  uncommittedCrc(client: ClientId, clock: number): number | undefined {
    if (clock < this.durableNext(client)) return undefined
    const isIt = (entry: PlacedEntry): boolean => entry.client === client && entry.clock === clock
    return (this.#appended.find(isIt) ?? this.#inFlight.find(isIt))?.crc
  }

  /** Begins a chain; its id must be free. */
  addChain(chain: Omit<ChainRow, 'next' | 'epoch'>): void {
    if (this.#chains.has(chain.client) || this.isServer(chain.client)) throw new Error('the clientID is taken')
    this.#chains.set(chain.client, { ...chain, next: 0, epoch: this.#epoch })
    if (chain.held) this.#held.set(chain.user, chain.client)
  }

  /** Begins an epoch with the next commit. Held chains of the one before stay as they are, and others take their place. */
  beginEpoch({ serverClient, genesis, without }: NewEpoch): void {
    if (genesis.epoch <= this.#epoch) throw new Error('an epoch that is not higher')
    if (this.#chains.has(serverClient) || this.isServer(serverClient)) throw new Error('the clientID is taken')
    this.#dropping.set(this.#serverClient, { client: this.#serverClient, user: null, next: this.#nextRecord })
    for (const client of without) {
      const chain = this.#chains.get(client)
      if (chain === undefined) throw new Error('no such chain')
      this.#dropping.set(client, { client, user: chain.user, next: chain.next })
      this.#chains.delete(client)
      this.#deleted.delete(client)
    }
    this.#held.clear()
    this.#epoch = genesis.epoch
    this.#serverClient = serverClient
    this.#newGenesis = genesis
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
    const genesis = this.#newGenesis
    const serverClient = this.#serverClient
    this.#newGenesis = undefined
    this.#appended = []
    this.#inFlight = appended
    this.#records = []
    this.#lastStampMs = timeMs
    this.#nextRecord += records.length

    const userOf = (client: ClientId): UserId | undefined => this.#chains.get(client)?.user
    const clients = [...new Set(appended.map(({ client }) => client))]
    const chains = clients.map((client) => this.#chains.get(client)).filter((row) => row !== undefined)
    const voided = new Set(appended.filter(({ voidReason }) => voidReason !== undefined).map(({ client }) => client))
    return {
      epoch: this.#epoch,
      serverClient,
      beginsEpoch: genesis !== undefined,
      timeMs,
      nextSeq: this.#nextSeq,
      nextRecord: this.#nextRecord,
      entries: appended.map((entry) => ({ ...entry, timeMs })),
      records: genesis === undefined ? recordRows : [{ clock: 0, payload: encodeRecord(genesis) }, ...recordRows],
      chains,
      deleted: [...voided].map((client) => ({ client, ranges: this.#deleted.get(client) ?? [] })),
      dropped: genesis === undefined ? [] : [...this.#dropping.values()],
      update: () => encodeCommit({ entries: appended, records: recordRows, serverClient, userOf }),
    }
  }

  /** The rows are on the disk: from now on they may be shown. */
  settle(sealed: SealedLedger): void {
    if (this.#isShown) {
      this.#durableChains = new Map(this.#durableChains)
      this.#durableDeleted = new Map(this.#durableDeleted)
      this.#isShown = false
    }
    for (const row of sealed.chains) this.#durableChains.set(row.client, row)
    for (const { client, ranges } of sealed.deleted) this.#durableDeleted.set(client, ranges)
    for (const { client } of sealed.dropped) {
      this.#durableChains.delete(client)
      this.#durableDeleted.delete(client)
      this.#dropping.delete(client)
    }
    this.#durableServer = sealed.serverClient
    this.#durableRecord = sealed.nextRecord
    this.#durableSeq = sealed.nextSeq
    this.#inFlight = []
  }
}
