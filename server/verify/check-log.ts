/**
 * The log of one conversation against the rows that follow from it: places, chains, deleted ranges, messages, claims,
 * members and title are made once more, with the functions that the server makes them with.
 */

import { parseEntry, type MessageId } from '../../shared/chat/entry.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import type { ClockRange } from '../../shared/sync/chain-update/chain-struct.ts'
import { crc32 } from '../../shared/sync/crc32.ts'
import type { ClientId, ConversationId, UserId } from '../../shared/sync/ids.ts'
import { applyEffects } from '../chat/effects.ts'
import type { LoadedConversation } from '../chat/loaded-conversation.ts'
import { Members } from '../chat/members.ts'
import { Staged } from '../chat/staged.ts'
import type { ClaimRow, ConversationStore, EntryRow, MemberRow, PlaceRow } from '../storage/conversation-store.ts'
import { withClock } from '../sync/projection.ts'
import type { Findings } from './finding.ts'

export interface LogSummary {
  readonly entries: number
  readonly messages: number
  /** Message ids that were claimed by pieces of a stream and by nothing more. */
  readonly openClaims: number
  /** Checksums of the payloads that are kept, in the order of each chain. */
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
  readonly #members: Members
  readonly #memberRows: Map<UserId, MemberRow>
  readonly #users: Map<ClientId, UserId>
  readonly #kept = new Map<ClientId, number[]>()
  readonly #next = new Map<ClientId, number>()
  readonly #deleted = new Map<ClientId, readonly ClockRange[]>()
  readonly #openClaims = new Set<MessageId>()
  #entries = 0
  #messages = 0
  #lastTimeMs = -1
  #lastMessageSeq: number | null = null
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
    const first: MemberRow[] = owner === undefined ? [] : [{ user: owner, access: 'owner', readThrough: -1 }]
    this.#members = new Members(first)
    this.#memberRows = new Map(first.map((row) => [row.user, row]))
    this.#users = new Map(conversation.chains.map(({ client, user }) => [client, user]))
  }

  /** The next rows, ascending. */
  async take(rows: readonly EntryRow[]): Promise<void> {
    const messages = new Map<number, StampedMessage>()
    const claims = new Map<MessageId, ClaimRow>()
    await this.#findDropped(rows)
    for (const row of rows) {
      this.#takeRow(row)
      const staged = this.#effectsOf(row)
      for (const { seq, message } of staged.messages) messages.set(seq, { ...message, seq, createdAt: row.timeMs })
      for (const claim of staged.claims.values()) {
        // A later piece of a stream says nothing new of an id.
        if (claim.seq !== undefined || !claims.has(claim.id)) claims.set(claim.id, claim)
      }
    }
    await this.#comparePlaces(rows)
    await this.#compareMessages(rows, messages)
    await this.#compareClaims(claims)
  }

  async end(): Promise<LogSummary> {
    const { head, chains, deleted, members } = this.#conversation
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
    for (const client of new Set([...ranges.keys(), ...this.#deleted.keys()])) {
      if (!isEqual(ranges.get(client), this.#deleted.get(client))) {
        add('its deleted ranges are not those of its void entries', `chain ${client}`)
      }
    }
    const rows = new Map(members.map((row) => [row.user, row]))
    for (const user of new Set([...rows.keys(), ...this.#memberRows.keys()])) {
      if (!isEqual(rows.get(user), this.#memberRows.get(user)))
        add('the row is not what the log makes of it', `member ${user}`)
    }
    if (head.title !== this.#title) add('the title is not the one of the log')
    if (head.lastMessageSeq !== this.#lastMessageSeq) add('the head names another last message than the log')
    if (head.lastStampMs < this.#lastTimeMs) add('the head is older than the log')
    return { entries: this.#entries, messages: this.#messages, openClaims: this.#openClaims.size, kept: this.#kept }
  }

  #takeRow(row: EntryRow): void {
    const { seq, client, clock, crc, payload, voidReason, timeMs } = row
    const add = (sort: string): void => this.#findings.add(sort, `log row ${seq}`)
    this.#entries++
    if (clock !== (this.#next.get(client) ?? 0)) add('it is not the next of its chain')
    this.#next.set(client, clock + 1)
    if (timeMs < this.#lastTimeMs) add('it is older than the one before')
    this.#lastTimeMs = timeMs
    if ((voidReason === undefined) !== (payload !== undefined)) add('a void one with bytes, or another without')
    if (payload === undefined) {
      this.#deleted.set(client, withClock(this.#deleted.get(client) ?? [], clock))
      return
    }
    const actual = crc32(payload)
    if (actual !== crc) add('its bytes do not fit their checksum')
    const kept = this.#kept.get(client)
    if (kept === undefined) this.#kept.set(client, [actual])
    else kept.push(actual)
  }

  /** What the entry changes, beside what it changes here. */
  #effectsOf({ seq, client, payload }: EntryRow): Staged {
    const staged = new Staged()
    const author = this.#users.get(client)
    if (payload === undefined || author === undefined) return staged
    const parsed = parseEntry(payload)
    if (parsed.kind !== 'entry') {
      this.#findings.add('its entry cannot be read', `log row ${seq}`)
      return staged
    }
    applyEffects({ author, seq, entry: parsed.entry }, { staged, members: this.#members, claims: new Map() })
    if (staged.title !== undefined) this.#title = staged.title.value
    if (staged.messages.length > 0) this.#lastMessageSeq = seq
    for (const [user, member] of staged.members) {
      if (member.access === null) this.#memberRows.delete(user)
      else this.#memberRows.set(user, member)
    }
    return staged
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

  async #compareMessages(rows: readonly EntryRow[], expected: ReadonlyMap<number, StampedMessage>): Promise<void> {
    const [first, last] = [rows[0], rows.at(-1)]
    if (first === undefined || last === undefined) return
    const range = { after: first.seq - 1, before: last.seq + 1 }
    const found = await this.#store.messages(this.#id, { ...range, limit: rows.length, take: 'oldest' })
    const bySeq = new Map(found.map((message) => [message.seq, message]))
    for (const seq of new Set([...expected.keys(), ...bySeq.keys()])) {
      if (!isEqual(bySeq.get(seq), expected.get(seq))) {
        this.#findings.add('the message row is not what the log makes of it', `log row ${seq}`)
      }
    }
    this.#messages += expected.size
  }

  async #compareClaims(expected: ReadonlyMap<MessageId, ClaimRow>): Promise<void> {
    const rows = await this.#store.claims(this.#id, [...expected.keys()])
    for (const [index, claim] of [...expected.values()].entries()) {
      const found = rows[index]
      const isOpen = claim.seq === undefined && found?.user === claim.user
      if (isOpen && found.seq === undefined) this.#openClaims.add(claim.id)
      if (!isOpen && !isEqual(found, claim))
        this.#findings.add('its claim row is missing or another', `message ${claim.id}`)
    }
  }
}

/** Of plain data as JSON has it, and undefined; the order of fields does not count. */
function isEqual(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
