/**
 * The fold: from the content of a conversation's document to what people see. The newest checkpoint, stamped entries in
 * the order of the server's chain, then pending ones in fold order. A pure function of the document, advanced record by
 * record so that one more entry costs one more step. Knows no Yjs: it reads the document through a `ChainSource`.
 */

import type { ClientId, UserId } from '../sync/ids.ts'
import type { Erased, Genesis, ServerRecord, Stamp, Superseded } from '../sync/record.ts'
import type { ChainSource } from './chain-source.ts'
import type { ChangeMark } from './change-log.ts'
import { type MessageId, parseEntry, parseMessageId } from './entry.ts'
import { readErased } from './erased.ts'
import { isTouch, stampEntry, type StampedMessage, stampMessage } from './message.ts'
import { PendingEntries, type PendingEvent, type PendingMessage, type PendingTouch } from './pending.ts'
import { PendingFold } from './pending-fold.ts'
import type { PolicyView, VoidReason } from './policy.ts'
import { policyViewOf } from './policy-view.ts'
import { RecordedPlaces } from './recorded-places.ts'
import { applyToRoster, emptyRoster, type OwnMaps, type Roster, rosterFromJson } from './roster.ts'
import { type Fork, lastSeqOf, readStamped, type StampedEntry } from './stamped-entries.ts'
import { type TimelineEvent, WindowEvents } from './timeline-event.ts'
import { type ArchiveTouches, type LeftWindow, MessageWindow } from './window.ts'

export interface Folded extends Roster {
  /** Undefined until the server's first record has arrived. */
  readonly genesis: Genesis | undefined
  /** Seq of the last archived entry; -1 when all are in the document. */
  readonly through: number
  /** The live window by ascending seq: what lies before it is archived. */
  readonly sent: readonly StampedMessage[]
  /** What live entries do to archived messages. */
  readonly touches: ArchiveTouches
  /** In fold order, behind all that is sent. */
  readonly pending: readonly PendingMessage[]
  /** What pending entries do to messages, wherever those are; in fold order. */
  readonly pendingTouches: ReadonlyMap<MessageId, readonly PendingTouch[]>
  /** What happened to people, settings and pins within the window, by ascending seq. */
  readonly events: readonly TimelineEvent[]
  /** The same that is pending, in fold order. */
  readonly pendingEvents: readonly PendingEvent[]
  /** Seq of the last stamped entry; -1 before the first. */
  readonly lastSeq: number
}

/** Where the lists of a view have changed since another, for whoever follows them. */
export interface FoldedMarks {
  /** Indexes in `sent`. */
  readonly sent: ChangeMark<number>
  /** Indexes in `pending`. */
  readonly pending: ChangeMark<number>
  readonly pendingTouches: ChangeMark<MessageId>
}

/** The window moved on. */
export interface Archived extends LeftWindow {
  /** By ascending seq; as far as they were here. */
  readonly events: readonly TimelineEvent[]
  /** Where it ended before, and where it does now. */
  readonly before: number
  readonly through: number
  /** What is left here takes account of all entries up to this seq. Below `through`: the rest was never here. */
  readonly asOf: number
}

export class ConversationFold {
  #genesis: Genesis | undefined
  #roster: Roster = emptyRoster
  /** Of it, since the last view. */
  #own: OwnMaps = {}
  #window = new MessageWindow()
  #events = new WindowEvents()
  /** Of streams: ids that only pieces have. */
  #streams = new Map<MessageId, UserId>()
  readonly #places = new RecordedPlaces()
  /** Stamped entries whose bytes are not here, as long as no record says why; by ascending seq. */
  #gone = new Map<string, StampedEntry & { readonly timeMs: number }>()
  readonly #pending = new PendingEntries()
  readonly #pendingFold = new PendingFold()
  #archived: Archived[] = []
  #through = -1
  #lastSeq = -1
  #nextRecord = 0
  /** Clock of the checkpoint that this began with: records before it that are gone are in its state. */
  #begunWith = 0
  /** The first seq behind `through` that no stamp here has told of. */
  #skipped: number | undefined
  #fork: Fork | undefined

  /** Clock of the first record that was not applied yet. */
  get nextRecord(): number {
    return this.#nextRecord
  }

  /** Seq of the last archived entry; -1 when all are in the document. */
  get through(): number {
    return this.#through
  }

  get fork(): Fork | undefined {
    return this.#fork
  }

  /** Clock up to which the entries of a chain are stamped, as far as that can be seen here. */
  stampedThrough(client: ClientId): number {
    return this.#places.stampedThrough(client)
  }

  /** The checksum that was stamped at a place; undefined when there is no stamp for it here: it may be archived. */
  stampedCrc(client: ClientId, clock: number): number | undefined {
    return this.#places.crc(client, clock)
  }

  /** Why the entry at a stamped place is void; undefined when it is not. */
  voidReason(client: ClientId, clock: number): VoidReason | undefined {
    return this.#places.voidReason(client, clock)
  }

  /** A message of the live window. */
  message(id: MessageId): StampedMessage | undefined {
    return this.#window.get(id)
  }

  /** A message that is pending, as of the last view. */
  pendingMessage(id: MessageId): PendingMessage | undefined {
    return this.#pendingFold.message(id)
  }

  /** What left the window since this was last asked, oldest first. */
  takeArchived(): readonly Archived[] {
    const archived = this.#archived
    this.#archived = []
    return archived
  }

  /** Applies the records of the server's chain that have arrived, as far as their entries have. */
  advance(source: ChainSource, server: ClientId): void {
    // Whoever begins need not read what a checkpoint replaces, whether or not that is still here.
    if (this.#nextRecord === 0 && source.newestCheckpoint(server, 1) !== undefined) this.#beginAnew(source, server)
    while (this.#fork === undefined) {
      const record = source.recordAt(server, this.#nextRecord)
      if (record === undefined) return
      const kept = record === 'gone' ? source.nextKept(server, this.#nextRecord) : this.#nextRecord
      if (kept > this.#nextRecord) {
        // Replaced by the checkpoint that this began with; else whatever they said is in a later one, which may be on its way.
        if (this.#nextRecord < this.#begunWith) this.#nextRecord = Math.min(kept, this.#begunWith)
        else if (!this.#beginAnew(source, server)) return
        continue
      }
      if (record !== 'gone') {
        const outcome = this.#apply(record, source, server)
        if (outcome === 'waits') return
        if (outcome === 'begun-anew') continue
      }
      this.#nextRecord++
    }
  }

  #apply(record: ServerRecord, source: ChainSource, server: ClientId): 'applied' | 'waits' | 'begun-anew' {
    switch (record.kind) {
      case 'genesis':
        // Later members are those of the checkpoint that this began with.
        if (this.#genesis === undefined && this.#begunWith === 0) {
          this.#roster = { ...this.#roster, members: new Map([...this.#roster.members, [record.owner, 'owner']]) }
        }
        this.#genesis = record
        return 'applied'
      case 'stamp':
        return this.#applyStamp(record, source, server)
      case 'void':
        this.#places.noteVoid(record)
        return 'applied'
      case 'erased':
        this.#applyErased(record)
        return 'applied'
      case 'superseded':
        this.#applySuperseded(record)
        return 'applied'
      case 'checkpoint':
        if (record.through <= this.#through) return 'applied'
        if (record.through > this.#knownThrough()) return this.#beginAnew(source, server) ? 'begun-anew' : 'waits'
        this.#leave(record.through, this.#lastSeq)
        return 'applied'
    }
  }

  /** The state with what is pending on top; a new object at every call, with the same messages inside. */
  view(source: ChainSource): Folded {
    this.#own = {}
    const waiting = this.#pending.read(source, (client) => this.stampedThrough(client))
    const isSent = (id: MessageId): boolean => this.message(id) !== undefined
    const { roster, pending, touches, events } = this.#pendingFold.take(waiting, this.#roster, isSent)
    return {
      ...roster,
      genesis: this.#genesis,
      through: this.#through,
      sent: this.#window.messages(),
      touches: this.#window.touches(),
      pending,
      pendingTouches: touches,
      events: this.#events.list(),
      pendingEvents: events,
      lastSeq: this.#lastSeq,
    }
  }

  /** How the lists of the last view have come about. */
  marks(): FoldedMarks {
    return { sent: this.#window.mark(), ...this.#pendingFold.marks() }
  }

  /** The state that the rules of `policy` look at before an own entry is sent. `archived`: a message that is here as a page. */
  policyView(view: Folded, archived: (id: MessageId) => StampedMessage | undefined, isPrivate: boolean): PolicyView {
    return policyViewOf(view, {
      isPrivate,
      messageOf: (id) => this.#window.get(id) ?? archived(id) ?? this.pendingMessage(id),
      streamOf: (id) => this.#streams.get(id),
    })
  }

  /** Begins with the newest checkpoint, for what it replaces is not all here; false when that has not arrived. */
  #beginAnew(source: ChainSource, server: ClientId): boolean {
    const checkpoint = source.newestCheckpoint(server, this.#begunWith + 1)
    if (checkpoint === undefined) return false
    const { through, state } = checkpoint.record
    this.#leave(through, this.#knownThrough())
    this.#roster = rosterFromJson(state)
    this.#window = new MessageWindow()
    this.#events = new WindowEvents()
    this.#pendingFold.noteLeft()
    this.#streams = new Map()
    this.#gone = new Map()
    this.#places.beginAnew()
    this.#skipped = undefined
    this.#lastSeq = through
    this.#begunWith = checkpoint.clock
    // Behind the genesis, which stays.
    this.#nextRecord = Math.min(1, this.#nextRecord)
    return true
  }

  /** Seq up to which every entry was here, or is known not to be anywhere. */
  #knownThrough(): number {
    let first = this.#skipped ?? this.#lastSeq + 1
    for (const { seq } of this.#gone.values()) first = Math.min(first, seq)
    return first - 1
  }

  /** Gives up what was archived. */
  #leave(through: number, asOf: number): void {
    const before = this.#through
    this.#archived.push({ ...this.#window.leave(through), events: this.#events.leave(through), before, through, asOf })
    for (const [key, { seq }] of this.#gone) if (seq <= through) this.#gone.delete(key)
    // One checkpoint later than the rest: the outbox still asks for them.
    this.#places.forget(before)
    this.#pendingFold.noteLeft()
    this.#through = through
  }

  /** All of it or, where it contradicts this device, nothing: what was typed here must not look sent. */
  #applyStamp(stamp: Stamp, source: ChainSource, server: ClientId): 'applied' | 'waits' | 'begun-anew' {
    const stamped = readStamped(stamp, source, this.#places, this.#through)
    if (stamped.kind === 'absent') return this.#replaced(stamped.seq, source, server) ? 'begun-anew' : 'waits'
    if (stamped.kind === 'fork') {
      this.#fork = { client: stamped.client, clock: stamped.clock }
      return 'waits'
    }
    const { entries } = stamped
    const expected = this.#lastSeq + 1
    const lacking = stamp.seq > expected ? expected : entries.find((entry) => this.#isUnexplained(entry))?.seq
    if (lacking !== undefined && this.#replaced(lacking, source, server)) return 'begun-anew'
    if (stamp.seq > expected) this.#skipped ??= expected
    this.#places.noteStamp(stamp)
    for (const entry of entries) this.#applyEntry(entry, stamp.timeMs)
    this.#lastSeq = Math.max(this.#lastSeq, lastSeqOf(stamp))
    return 'applied'
  }

  #isUnexplained({ client, clock, payload }: StampedEntry): boolean {
    if (payload !== undefined || this.#places.isSuperseded(client, clock)) return false
    return this.#places.erased(client, clock) === undefined
  }

  /** Begins anew where a checkpoint that has arrived takes the place of the entry at `seq`. */
  #replaced(seq: number, source: ChainSource, server: ClientId): boolean {
    const newest = source.newestCheckpoint(server, this.#begunWith + 1)
    return newest !== undefined && newest.record.through >= seq && this.#beginAnew(source, server)
  }

  #applyEntry(stamped: StampedEntry, timeMs: number): void {
    const { user, payload, seq, client, clock } = stamped
    if (user === undefined) return
    if (payload === undefined) {
      const erased = this.#places.erased(client, clock)
      if (erased !== undefined) this.#showErased(erased, user, seq, timeMs)
      else if (!this.#places.isSuperseded(client, clock)) this.#gone.set(place(client, clock), { ...stamped, timeMs })
      return
    }
    const parsed = parseEntry(payload)
    if (parsed.kind === 'unreadable') return
    const { entry } = parsed
    if (entry.kind === 'message') {
      this.#streams.delete(entry.id)
      this.#add(stampEntry(user, entry, seq, timeMs))
      return
    }
    if (entry.kind === 'delta' && this.message(entry.of) === undefined && !this.#streams.has(entry.of)) {
      this.#streams.set(entry.of, user)
    }
    if (isTouch(entry)) this.#window.touch({ user, timeMs, entry, seq })
    this.#events.add({ user, timeMs, seq }, entry)
    const { from } = this.#roster
    const roster = applyToRoster(this.#roster, user, entry, seq, this.#own)
    this.#roster = this.#nextRecord < this.#begunWith ? { ...roster, from } : roster
  }

  #add(message: StampedMessage): void {
    this.#window.add(message)
    this.#pendingFold.noteSent(message.id)
    const { user, thread, createdAt: timeMs, seq } = message
    if (thread !== undefined) this.#window.touch({ user, timeMs, entry: { kind: 'reply', of: thread }, seq })
  }

  #applyErased(record: Erased): void {
    this.#places.noteErased(record)
    const key = place(record.client, record.clock)
    const gone = this.#gone.get(key)
    this.#gone.delete(key)
    if (gone?.user !== undefined) this.#showErased(record, gone.user, gone.seq, gone.timeMs)
  }

  #applySuperseded(record: Superseded): void {
    this.#places.noteSuperseded(record)
    for (const { client, clock, length } of record.runs)
      for (let at = clock; at < clock + length; at++) this.#gone.delete(place(client, at))
  }

  /** A message that was erased keeps its place, also where it was never seen. */
  #showErased({ of, left }: Erased, user: UserId, seq: number, timeMs: number): void {
    const id = parseMessageId(of)
    const message = id === undefined || left === undefined ? undefined : readErased(user, id, left)
    if (message !== undefined && this.message(message.id) === undefined) this.#add(stampMessage(message, seq, timeMs))
  }
}

function place(client: ClientId, clock: number): string {
  return `${client}/${clock}`
}
