/**
 * The log of one conversation against the rows that follow from it: places, chains, deleted ranges, claims, members,
 * settings, pins and the counters of the head are made once more, with the functions that the server makes them with;
 * messages in `check-messages.ts`.
 */

import { parseEntry, type MessageId } from '../../shared/chat/entry.ts'
import { isTouch } from '../../shared/chat/message.ts'
import type { ClockRange } from '../../shared/sync/chain-update/chain-struct.ts'
import { withRange } from '../../shared/sync/clock-ranges.ts'
import { crc32 } from '../../shared/sync/crc32.ts'
import type { ClientId, ConversationId, UserId } from '../../shared/sync/ids.ts'
import { applyEffects } from '../chat/effects.ts'
import type { LoadedConversation } from '../chat/loaded-conversation.ts'
import { liveCost } from '../chat/live-cost.ts'
import { LiveRoster } from '../chat/live-roster.ts'
import { Staged } from '../chat/staged.ts'
import type {
  ClaimRow,
  ConversationStore,
  EntryRow,
  EventRow,
  PieceRow,
  PlaceRow,
  SeqRange,
} from '../storage/conversation-store.ts'
import { type LoggedEntry, MessageReplay } from './check-messages.ts'
import { checkRoster } from './check-roster.ts'
import type { Findings } from './finding.ts'
import { isEqual } from './is-equal.ts'

export interface LogSummary {
  readonly entries: number
  readonly messages: number
  /** Messages that were changed after they were stamped. */
  readonly touched: number
  readonly pieces: number
  readonly replies: number
  /** Event rows that there are. */
  readonly events: number
  readonly settings: number
  readonly pins: number
  /** Message ids that were claimed by pieces of a stream and by nothing more. */
  readonly openClaims: number
  /** Checksums of the payloads that are in the document, in the order of each chain. */
  readonly kept: ReadonlyMap<ClientId, readonly number[]>
}

/** Rows that are compared in one go. */
const rowsAtOnce = 256

/** Walks the log from its beginning; what it keeps in memory is of the size of the document, not of its contents. */
export async function checkLog(
  store: ConversationStore,
  id: ConversationId,
  conversation: LoadedConversation,
  owner: UserId | undefined,
  findings: Findings,
): Promise<LogSummary> {
  const { head } = conversation
  const walk = new LogWalk(store, id, conversation, owner, findings)
  for (let from = 0; from < head.nextSeq; from += rowsAtOnce) {
    const rows: EntryRow[] = []
    const range = { after: from - 1, before: Math.min(from + rowsAtOnce, head.nextSeq) }
    for await (const row of store.entriesNewestFirst(id, range)) rows.push(row)
    await walk.take(rows.toReversed())
  }
  return await walk.end()
}

class LogWalk {
  readonly #store: ConversationStore
  readonly #id: ConversationId
  readonly #conversation: LoadedConversation
  readonly #findings: Findings
  readonly #roster: LiveRoster
  readonly #replay: MessageReplay
  readonly #users: Map<ClientId, UserId>
  readonly #kept = new Map<ClientId, number[]>()
  readonly #next = new Map<ClientId, number>()
  readonly #deleted = new Map<ClientId, readonly ClockRange[]>()
  readonly #openClaims = new Set<MessageId>()
  readonly #live = { liveEntries: 0, liveBytes: 0 }
  #entries = 0
  #events = 0
  #lastTimeMs = -1
  #lastMessageSeq: number | null = null
  readonly #authors = new Set<UserId>()
  #title: string | null = null

  constructor(
    store: ConversationStore,
    id: ConversationId,
    conversation: LoadedConversation,
    owner: UserId | undefined,
    findings: Findings,
  ) {
    this.#store = store
    this.#id = id
    this.#conversation = conversation
    this.#findings = findings
    this.#roster = new LiveRoster({ members: [], settings: [], pins: [] })
    if (owner !== undefined) this.#roster.setAccess(owner, 'owner')
    this.#replay = new MessageReplay(store, id, findings)
    this.#users = new Map(conversation.chains.map(({ client, user }) => [client, user]))
  }

  /** The next rows, ascending. */
  async take(rows: readonly EntryRow[]): Promise<void> {
    const [first, last] = [rows[0]?.seq, rows.at(-1)?.seq]
    if (first === undefined || last === undefined) return
    const entries: LoggedEntry[] = []
    const pieces: PieceRow[] = []
    const claims = new Map<MessageId, Claimed>()
    const events: EventRow[] = []
    await this.#findDropped(rows)
    for (const row of rows) {
      this.#takeRow(row)
      const { staged, logged } = this.#effectsOf(row)
      if (logged !== undefined) entries.push(logged)
      pieces.push(...staged.pieces)
      events.push(...staged.events.map((event) => ({ ...event, timeMs: row.timeMs })))
      for (const claim of staged.claims.values()) {
        // A later piece of a stream says nothing new of an id.
        if (claim.seq !== undefined || !claims.has(claim.id)) claims.set(claim.id, claim)
      }
    }
    await this.#comparePlaces(rows)
    for (const { id, user, seq } of await this.#replay.take(entries, { first, last })) {
      this.#lastMessageSeq = Math.max(this.#lastMessageSeq ?? -1, seq)
      this.#authors.add(user)
      claims.set(id, { id, user, seq })
    }
    if (this.#conversation.upgrade === undefined) await this.#replay.comparePieces(pieces)
    await this.#compareClaims(claims)
    await this.#compareEvents(events, { after: first - 1, before: last + 1 })
  }

  async end(): Promise<LogSummary> {
    const { head, chains, deleted } = this.#conversation
    const { add } = this.#findings
    for (const { client, next } of chains) {
      if (next !== (this.#next.get(client) ?? 0))
        add('it has another length than its entries in the log', `chain ${client}`)
      this.#next.delete(client)
    }
    for (const [client, next] of this.#next) {
      const [dropped] = await this.#store.dropped(this.#id, [client])
      if (dropped === undefined) add('it has entries in the log, but no row', `chain ${client}`)
      else if (dropped.next !== next)
        add('it has another length than its entries in the log', `dropped chain ${client}`)
      else this.#deleted.delete(client)
    }
    const ranges = new Map(deleted.map((row) => [row.client, row.ranges]))
    // Of its own records: check-records.ts.
    ranges.delete(head.serverClient)
    for (const client of new Set([...ranges.keys(), ...this.#deleted.keys()])) {
      if (!isEqual(ranges.get(client), this.#deleted.get(client))) {
        add('its deleted ranges are not those of its entries that are void, erased or archived', `chain ${client}`)
      }
    }
    await this.#replay.end()
    for (const id of this.#replay.erasedStreams) this.#openClaims.add(id)
    checkRoster(new LiveRoster(this.#conversation), this.#roster, this.#findings)
    const { liveEntries, liveBytes, redactions } = head
    if (!isEqual({ liveEntries, liveBytes }, this.#live)) add('the head counts other live entries than the log has')
    if (head.events !== this.#events) add('the head counts other events than there are')
    if (redactions !== this.#replay.redactions) add('the head counts other redactions than the log has')
    if (head.title !== this.#title) add('the title is not the one of the log')
    if (head.lastMessageSeq !== this.#lastMessageSeq) add('the head names another last message than the log')
    const { soleAuthor } = head
    if (soleAuthor !== null && !isEqual([...this.#authors], [soleAuthor]))
      add('the head names another only author than the log')
    if (head.lastStampMs < this.#lastTimeMs) add('the head is older than the log')
    const { settings, pins } = this.#roster.toRoster()
    const { messages, changed, pieces, replies } = this.#replay
    return {
      entries: this.#entries,
      messages,
      touched: changed,
      pieces,
      replies,
      events: head.events,
      settings: settings.size,
      pins: pins.size,
      openClaims: this.#openClaims.size,
      kept: this.#kept,
    }
  }

  #takeRow(row: EntryRow): void {
    const { seq, client, clock, crc, payload, voidReason, timeMs } = row
    const add = (sort: string): void => this.#findings.add(sort, `log row ${seq}`)
    this.#entries++
    if (clock !== (this.#next.get(client) ?? 0)) add('it is not the next of its chain')
    this.#next.set(client, clock + 1)
    if (timeMs < this.#lastTimeMs) add('it is older than the one before')
    this.#lastTimeMs = timeMs
    if (voidReason !== undefined && payload !== undefined) add('a void one with bytes')
    if (row.superseded === true && payload !== undefined) add('a superseded one with bytes')
    const isArchived = seq <= this.#conversation.head.through
    if (payload === undefined || isArchived) {
      this.#deleted.set(client, withRange(this.#deleted.get(client) ?? [], { clock, length: 1 }))
    }
    if (!isArchived) {
      const { counts, bytes } = liveCost(row)
      if (counts) this.#live.liveEntries++
      this.#live.liveBytes += bytes
    }
    if (payload === undefined) return
    const actual = crc32(payload)
    if (actual !== crc) add('its bytes do not fit their checksum')
    if (isArchived) return
    const kept = this.#kept.get(client)
    if (kept === undefined) this.#kept.set(client, [actual])
    else kept.push(actual)
  }

  /** What the entry changes, beside the roster; and what it is to messages. */
  #effectsOf(row: EntryRow): { readonly staged: Staged; readonly logged: LoggedEntry | undefined } {
    const { seq, client, payload, voidReason, timeMs } = row
    const staged = new Staged()
    const author = this.#users.get(client)
    // What superseded ones said is said behind them.
    if (author === undefined || voidReason !== undefined || row.superseded === true)
      return { staged, logged: undefined }
    if (payload === undefined) return { staged, logged: { kind: 'erased', row, author } }
    const parsed = parseEntry(payload)
    if (parsed.kind !== 'entry') {
      this.#findings.add('its entry cannot be read', `log row ${seq}`)
      return { staged, logged: undefined }
    }
    const { entry } = parsed
    // Without claims nothing is touched: that is done when the message is known.
    const claims = new Map<MessageId, ClaimRow>()
    const target = { staged, roster: this.#roster, claims, earlier: () => undefined, supersede: () => undefined }
    applyEffects({ author, seq, entry }, target)
    if (staged.title !== undefined) this.#title = staged.title.value
    const message = staged.messages.get(seq)
    if (message !== undefined) {
      this.#lastMessageSeq = seq
      this.#authors.add(author)
      return { staged, logged: { kind: 'message', row, message } }
    }
    if (!isTouch(entry)) return { staged, logged: undefined }
    return { staged, logged: { kind: 'touch', row, touch: { user: author, timeMs, entry, seq } } }
  }

  /** Users of chains that a new epoch did without. */
  async #findDropped(rows: readonly EntryRow[]): Promise<void> {
    const unknown = [...new Set(rows.map(({ client }) => client))].filter((client) => !this.#users.has(client))
    for (const row of await this.#store.dropped(this.#id, unknown)) {
      if (row !== undefined && row.user !== null) this.#users.set(row.client, row.user)
    }
  }

  async #comparePlaces(rows: readonly EntryRow[]): Promise<void> {
    for (const client of new Set(rows.map((row) => row.client))) {
      const entries = rows.filter((row) => row.client === client)
      const clocks = entries.map(({ clock }) => clock)
      const places = await this.#store.places(this.#id, client, clocks)
      for (const [index, { seq, clock, crc, voidReason }] of entries.entries()) {
        const expected: PlaceRow = { seq, client, clock, crc, voidReason }
        if (!isEqual(places[index], expected))
          this.#findings.add('its place row is missing or another', `log row ${seq}`)
      }
    }
  }

  /** What happened before there were such rows has none; the head counts those that there are. */
  async #compareEvents(expected: readonly EventRow[], range: SeqRange): Promise<void> {
    const bySeq = new Map(expected.map((event) => [event.seq, event]))
    for (const row of await this.#store.events(this.#id, { ...range, limit: rowsAtOnce, take: 'oldest' })) {
      this.#events++
      if (!isEqual(row, bySeq.get(row.seq))) this.#findings.add('its event row is another', `log row ${row.seq}`)
    }
  }

  async #compareClaims(expected: ReadonlyMap<MessageId, Claimed>): Promise<void> {
    const rows = await this.#store.claims(this.#id, [...expected.keys()])
    for (const [index, claim] of [...expected.values()].entries()) {
      const found = rows[index]
      const isOpen = claim.seq === undefined && found?.user === claim.user
      if (isOpen && found.seq === undefined) this.#openClaims.add(claim.id)
      if (!isOpen && !isEqual(found, { digest: found?.digest, ...claim }))
        this.#findings.add('its claim row is missing or another', `message ${claim.id}`)
    }
  }
}

/** Of what was erased nobody can tell what its digest was. */
type Claimed = Omit<ClaimRow, 'digest'> & Partial<Pick<ClaimRow, 'digest'>>
