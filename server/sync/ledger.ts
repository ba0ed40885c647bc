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
import type { ChainRow, DroppedRow, RecordRow } from '../storage/conversation-store.ts'
import type { ChainTable } from './acceptance.ts'
import { clocksBefore, encodeCommit, type PlacedEntry, runsOf } from './commit-update.ts'
import { DeletedClocks, type Place } from './deleted-clocks.ts'
import { type DocumentEnd, DurableDocument } from './durable-document.ts'
import type { DurableState } from './projection.ts'
import {
  type Archiving,
  type ErasedEntry,
  goneBytes,
  type JudgedEntry,
  type LedgerStart,
  type NewEpoch,
  type SealedLedger,
  type SupersededEntry,
  supersededBytes,
  type WindowState,
} from './sealed-ledger.ts'
import { supersededRecords } from './superseded-records.ts'

export class Ledger implements ChainTable {
  #epoch: number
  #serverClient: ClientId
  #chains: Map<ClientId, ChainRow>
  readonly #held = new Map<UserId, ClientId>()
  readonly #deleted: DeletedClocks
  /** Nothing was changed yet: this map is that of the durable document. Of most conversations nothing ever is. */
  #isShared = true
  #window: WindowState
  #nextRecord: number
  #nextSeq: number
  #lastStampMs: number
  #appended: PlacedEntry[] = []
  /** Sealed and not settled. */
  #inFlight: readonly PlacedEntry[] = []
  #records: ServerRecord[] = []
  /** Places of entries that the next commit says are superseded. */
  #superseded: Place[] = []
  #archiving: Archiving | undefined
  #newGenesis: Genesis | undefined
  /** By those who were dropped, until that is on the disk. */
  readonly #dropping = new Map<ClientId, DroppedRow>()
  readonly #durable: DurableDocument

  constructor(start: LedgerStart) {
    const { epoch, serverClient, nextRecord, nextSeq, lastStampMs, chains } = start
    const { through, firstRecord, checkpoint, liveEntries, liveBytes } = start
    this.#epoch = epoch
    this.#serverClient = serverClient
    for (const chain of chains) if (chain.held && chain.epoch === epoch) this.#held.set(chain.user, chain.client)
    this.#window = { through, firstRecord, checkpoint, liveEntries, liveBytes }
    this.#nextRecord = nextRecord
    this.#nextSeq = nextSeq
    this.#lastStampMs = lastStampMs
    this.#durable = new DurableDocument(start)
    const parts = this.#durable.parts
    this.#chains = parts.chains
    this.#deleted = new DeletedClocks(parts.deleted)
  }

  /** What others may be shown; it stays as it is. Costs nothing, but the next commit a copy. */
  durable(): DurableState {
    return this.#durable.state()
  }

  /** Where the durable document ends; equal ends are equal documents. */
  durableEnd(): DocumentEnd {
    return this.#durable.end
  }

  /** What a device had that was sent everything before `sealed`, which is settled. */
  before(sealed: SealedLedger): StateVector {
    return clocksBefore(this.durable(), sealed)
  }

  get nextSeq(): number {
    return this.#nextSeq
  }

  get hasNews(): boolean {
    const isNew = [this.#appended, this.#records, this.#superseded].some((list) => list.length > 0)
    return isNew || this.#newGenesis !== undefined || this.#archiving !== undefined
  }

  get epoch(): number {
    return this.#epoch
  }

  /** The live part of the document, what is on its way to the disk included. */
  get window(): WindowState {
    return this.#window
  }

  chain(client: ClientId): ChainRow | undefined {
    return this.#chains.get(client)
  }

  /** Where the durable part of a chain ends: what lies before it never changes. */
  durableNext(client: ClientId): number {
    return this.#durable.chain(client)?.next ?? 0
  }

  isServer(client: ClientId): boolean {
    return client === this.#serverClient || client === this.durableEnd().serverClient
  }

  /** Whether rows read now are of the epoch of `state`: one that begins writes over the first record. */
  isCurrent(state: Pick<DurableState, 'serverClient'>): boolean {
    return state.serverClient === this.#serverClient
  }

  /** A chain that is about to be dropped, and that the store does not know yet as one. */
  dropping(client: ClientId): DroppedRow | undefined {
    return this.#dropping.get(client)
  }

  /** How many separate runs of a chain are deleted. */
  deletedRanges(client: ClientId): number {
    return this.#deleted.of(client).length
  }

  /** The chain on which the server writes in this epoch what the user does over REST. */
  heldChain(user: UserId): ClientId | undefined {
    return this.#held.get(user)
  }

  heldChains(): Iterable<ClientId> {
    return this.#held.values()
  }

  /** Chains of which every entry is gone, and nothing on its way to the disk: a new epoch can do without them. */
  deadChains(): ClientId[] {
    const isInUse = ({ client, held, user }: ChainRow): boolean => held && this.#held.get(user) === client
    return this.#durable
      .emptyChains()
      .filter((chain) => !isInUse(chain) && this.#chains.get(chain.client)?.next === chain.next)
      .map(({ client }) => client)
  }

  chains(): Iterable<ChainRow> {
    return this.#chains.values()
  }

  /** Checksum of an entry that is accepted and not in the store yet. */
  uncommittedCrc(client: ClientId, clock: number): number | undefined {
    if (clock < this.durableNext(client)) return undefined
    return [...this.#appended, ...this.#inFlight].find((one) => one.client === client && one.clock === clock)?.crc
  }

  /** Begins a chain; its id must be free. */
  addChain(chain: Omit<ChainRow, 'next' | 'epoch'>): void {
    if (this.#chains.has(chain.client) || this.isServer(chain.client)) throw new Error('the clientID is taken')
    this.#own()
    this.#chains.set(chain.client, { ...chain, next: 0, epoch: this.#epoch })
    if (chain.held) this.#held.set(chain.user, chain.client)
  }

  /** Begins an epoch with the next commit. Held chains of the one before stay as they are, and others take their place. */
  beginEpoch({ serverClient, genesis, without }: NewEpoch): void {
    if (genesis.epoch <= this.#epoch) throw new Error('an epoch that is not higher')
    if (this.#chains.has(serverClient) || this.isServer(serverClient)) throw new Error('the clientID is taken')
    this.#own()
    this.#dropping.set(this.#serverClient, { client: this.#serverClient, user: null, next: this.#nextRecord })
    for (const client of without) {
      const chain = this.#chains.get(client)
      if (chain === undefined) throw new Error('no such chain')
      this.#dropping.set(client, { client, user: chain.user, next: chain.next })
      this.#chains.delete(client)
      this.#deleted.drop(client)
    }
    // The records are the same, and those that are gone as well.
    this.#deleted.move(this.#serverClient, serverClient)
    this.#held.clear()
    this.#epoch = genesis.epoch
    this.#serverClient = serverClient
    this.#newGenesis = genesis
  }

  /** Appends the next entry of a chain and gives it its seq. */
  append({ isPassing = false, ...entry }: JudgedEntry): number {
    const { client, clock, voidReason } = entry
    const chain = this.#chains.get(client)
    if (chain === undefined || chain.next !== clock) throw new Error('not the end of a chain')
    this.#own()
    this.#chains.set(client, { ...chain, next: clock + 1 })
    const crc = entry.payload === undefined ? 0 : crc32(entry.payload)
    const payload = voidReason === undefined ? entry.payload : undefined
    if (voidReason !== undefined) {
      this.#records.push({ kind: 'void', client, clock, reason: voidReason })
      this.#deleted.add(client, { clock, length: 1 })
    }
    this.#count(isPassing ? 0 : 1, payload?.length ?? goneBytes)
    this.#appended.push({ ...entry, seq: this.#nextSeq, crc, payload })
    return this.#nextSeq++
  }

  /** Appends a record of its own kind; stamps, voids, erased ones and checkpoints come by themselves. */
  appendRecord(record: Genesis): void {
    this.#records.push(record)
  }

  /** Takes the bytes of accepted entries out of the document, as far as they are in it. */
  erase(entries: readonly ErasedEntry[]): void {
    for (const { client, clock, of, by, left, wasPassing } of this.#strip(entries, goneBytes, {})) {
      this.#records.push({ kind: 'erased', client, clock, of, by, ...(left === undefined ? {} : { left }) })
      if (wasPassing) this.#count(1, 0)
    }
  }

  /** The same for those that say nothing any more; they do not count in the window. */
  supersede(entries: readonly SupersededEntry[]): void {
    const stripped = this.#strip(entries, supersededBytes, { superseded: true })
    this.#superseded.push(...stripped)
    this.#count(-stripped.length, 0)
  }

  /** Those that are in the document, or on their way into it: what is archived has left it with its records. */
  #strip<T extends SupersededEntry>(entries: readonly T[], left: number, mark: { readonly superseded?: true }): T[] {
    const live = entries.filter(({ seq }) => seq > this.#window.through)
    const first = this.#appended[0]?.seq ?? this.#nextSeq
    for (const { seq, bytes } of live) {
      const appended = this.#appended[seq - first]
      this.#count(0, left - (appended?.payload?.length ?? bytes ?? left))
      if (appended !== undefined) this.#appended[seq - first] = { ...appended, ...mark, payload: undefined }
    }
    const isFresh = ({ seq }: T): boolean => seq >= first
    this.#deleted.addPlaces(
      live.filter(isFresh),
      live.filter((entry) => !isFresh(entry)),
    )
    return live
  }

  /** With the next commit; all that is archived must be durable. */
  archive(archiving: Archiving): void {
    const { through, firstRecord, liveEntries, liveBytes } = archiving
    if (through <= this.#window.through) throw new Error('it is archived')
    this.#archiving = archiving
    this.#window = { ...this.#window, through, liveEntries, liveBytes }
    for (const [client, clock] of archiving.ends) {
      // A new epoch may have done without a chain whose void entries are live.
      if (this.#chains.has(client)) this.#deleted.takeAway(client, { clock: 0, length: clock })
    }
    const { firstRecord: before, checkpoint } = this.#window
    if (firstRecord > before)
      this.#deleted.takeAway(this.#serverClient, { clock: before, length: firstRecord - before })
    if (checkpoint !== null) this.#deleted.takeAway(this.#serverClient, { clock: checkpoint, length: 1 })
  }

  /** Takes all that is new as rows, closed by a stamp of the time `nowMs` or, if that is not later, just after the last. */
  seal(nowMs: number): SealedLedger {
    const appended = this.#appended
    const timeMs = Math.max(nowMs, this.#lastStampMs + 1)
    const firstNewRecord = this.#nextRecord
    const serverClient = this.#serverClient
    const fresh = this.#takeRecords(timeMs)
    const { recordsGone, replaced } = this.#settleWindow(firstNewRecord + fresh.length - 1)
    const genesis = this.#newGenesis
    const goes = this.#deleted.takeGoes()
    this.#newGenesis = undefined
    this.#appended = []
    this.#inFlight = appended
    this.#lastStampMs = timeMs
    this.#nextRecord += fresh.length

    const userOf = (client: ClientId): UserId | undefined => this.#chains.get(client)?.user
    const clients = [...new Set(appended.map(({ client }) => client))]
    const chains = clients.map((client) => this.#chains.get(client)).filter((row) => row !== undefined)
    const bare = appended.filter(({ payload }) => payload === undefined).map(({ client }) => client)
    const begun = genesis !== undefined && this.deletedRanges(serverClient) > 0 ? [serverClient] : []
    const lost = new Set([...goes.keys(), ...bare, ...begun])
    for (const client of this.#dropping.keys()) lost.delete(client)
    const first = genesis === undefined ? [] : [{ clock: 0, payload: encodeRecord(genesis) }]
    return {
      epoch: this.#epoch,
      serverClient,
      beginsEpoch: genesis !== undefined,
      timeMs,
      nextSeq: this.#nextSeq,
      nextRecord: this.#nextRecord,
      window: this.#window,
      entries: appended.map((entry) => ({ ...entry, timeMs })),
      records: [...first, ...replaced, ...fresh],
      firstNewRecord,
      recordsGone,
      chains,
      deleted: [...lost].map((client) => ({ client, ranges: this.#deleted.of(client) })),
      dropped: genesis === undefined ? [] : [...this.#dropping.values()],
      update: () => encodeCommit({ entries: appended, records: fresh, serverClient, userOf, deletes: goes }),
    }
  }

  /** The rows are on the disk: from now on they may be shown. */
  settle(sealed: SealedLedger): void {
    this.#durable.settle(sealed)
    for (const { client } of sealed.dropped) this.#dropping.delete(client)
    this.#inFlight = []
  }

  /** What was noted, the stamp of what was appended, and behind it the checkpoint. */
  #takeRecords(timeMs: number): { clock: number; payload: Uint8Array }[] {
    const records = [...this.#records, ...supersededRecords(this.#superseded)]
    this.#superseded = []
    const [first] = this.#appended
    if (first !== undefined) records.push({ kind: 'stamp', seq: first.seq, timeMs, runs: runsOf(this.#appended) })
    if (this.#archiving !== undefined) {
      records.push({ kind: 'checkpoint', through: this.#archiving.through, state: this.#archiving.state() })
    }
    this.#records = []
    return records.map((record, index) => ({ clock: this.#nextRecord + index, payload: encodeRecord(record) }))
  }

  /** `last`: clock of the last record of this commit, which is the checkpoint if something is archived with it. */
  #settleWindow(last: number): { recordsGone: ClockRange | undefined; replaced: readonly RecordRow[] } {
    const archiving = this.#archiving
    if (archiving === undefined) return { recordsGone: undefined, replaced: [] }
    this.#archiving = undefined
    const { firstRecord: before, checkpoint } = this.#window
    const { firstRecord } = archiving
    this.#window = { ...this.#window, firstRecord, checkpoint: last }
    return {
      recordsGone: firstRecord > before ? { clock: before, length: firstRecord - before } : undefined,
      replaced: checkpoint !== null && checkpoint >= firstRecord ? [{ clock: checkpoint, payload: undefined }] : [],
    }
  }

  #count(entries: number, bytes: number): void {
    const { liveEntries, liveBytes } = this.#window
    // Of a conversation from before this was counted less is known than there is.
    this.#window = { ...this.#window, liveEntries: liveEntries + entries, liveBytes: Math.max(0, liveBytes + bytes) }
  }

  /** To be called before chains change. */
  #own(): void {
    if (!this.#isShared) return
    this.#isShared = false
    this.#chains = new Map(this.#chains)
  }
}
