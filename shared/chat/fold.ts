/**
 * The fold: from the content of a conversation's document to what people see. Stamped entries in the order of the
 * server's chain, then pending ones in fold order. A pure function of the document, advanced record by record so that
 * one more entry costs one more step. Knows no Yjs: it reads the document through a `ChainSource`.
 */

import { crc32 } from '../sync/crc32.ts'
import type { ClientId, UserId } from '../sync/ids.ts'
import type { Genesis, ServerRecord, Stamp, StampRun } from '../sync/record.ts'
import type { Access } from './access.ts'
import { type Entry, type MessageId, parseEntry } from './entry.ts'
import { messageOf, type StampedMessage } from './message.ts'
import { PendingEntries, type PendingEntry, type PendingMessage } from './pending.ts'
import { type IdClaim, parseVoidReason, type PolicyView, type VoidReason } from './policy.ts'

/** A chain as it stands in a document. */
export interface SourceChain {
  readonly client: ClientId
  readonly user: UserId
  /** Clock of the first entry that has not arrived. */
  readonly next: number
}

/** How the fold reads a document. */
export interface ChainSource {
  readonly chains: () => Iterable<SourceChain>
  readonly userOf: (client: ClientId) => UserId | undefined
  /** The payload at a place, `gone` when it was deleted, undefined when it has not arrived. */
  readonly payloadAt: (client: ClientId, clock: number) => Uint8Array | 'gone' | undefined
  /** Changes whenever payloads that had arrived are gone. */
  readonly deletions: () => number
}

/** A stamped entry whose bytes are here and count. */
interface KeptEntry {
  readonly user: UserId
  readonly payload: Uint8Array
  readonly seq: number
}

/** Settings and members, which pending entries change too until they are stamped. */
export interface Roster {
  readonly title: string | null
  readonly settings: ReadonlyMap<string, unknown>
  readonly members: ReadonlyMap<UserId, Access>
  /** Seq up to which each user has read. */
  readonly reads: ReadonlyMap<UserId, number>
}

export interface Folded extends Roster {
  /** Undefined until the server's first record has arrived. */
  readonly genesis: Genesis | undefined
  /** By ascending seq. */
  readonly sent: readonly StampedMessage[]
  /** In fold order, behind all that is sent. */
  readonly pending: readonly PendingMessage[]
  /** Seq of the last stamped entry; -1 before the first. */
  readonly lastSeq: number
}

/** A stamp's checksum and the bytes of this device disagree: this device has forked. */
export interface Fork {
  readonly client: ClientId
  readonly clock: number
}

const emptyRoster: Roster = { title: null, settings: new Map(), members: new Map(), reads: new Map() }

export class ConversationFold {
  #genesis: Genesis | undefined
  #roster: Roster = emptyRoster
  readonly #sent: StampedMessage[] = []
  /** What was last shown of `#sent`; undefined since something was added. */
  #shownSent: readonly StampedMessage[] | undefined
  readonly #claims = new Map<MessageId, IdClaim>()
  readonly #voids = new Map<string, VoidReason>()
  readonly #stamped = new Map<ClientId, number>()
  /** Checksums of what is stamped, by chain and clock. */
  readonly #crcs = new Map<ClientId, number[]>()
  readonly #pending = new PendingEntries()
  #lastSeq = -1
  #nextRecord = 0
  #fork: Fork | undefined

  /** Clock of the first record that was not applied yet. */
  get nextRecord(): number {
    return this.#nextRecord
  }

  get fork(): Fork | undefined {
    return this.#fork
  }

  /** Clock up to which the entries of a chain are stamped. */
  stampedThrough(client: ClientId): number {
    return this.#stamped.get(client) ?? 0
  }

  /** The checksum that was stamped at a place; undefined when there is no stamp for it here. */
  stampedCrc(client: ClientId, clock: number): number | undefined {
    return this.#crcs.get(client)?.[clock]
  }

  /** Why the entry at a stamped place is void; undefined when it is not. */
  voidReason(client: ClientId, clock: number): VoidReason | undefined {
    return this.#voids.get(place(client, clock))
  }

  hasMessage(id: MessageId): boolean {
    return this.#claims.get(id)?.complete === true
  }

  /**
   * Applies the next record of the server's chain; undefined stands for one that is deleted or of a later version.
   * False when it is a stamp whose entries have not all arrived: it is to be offered again.
   */
  advance(record: ServerRecord | undefined, source: ChainSource): boolean {
    switch (record?.kind) {
      case 'genesis':
        this.#genesis = record
        this.#roster = { ...this.#roster, members: new Map([...this.#roster.members, [record.owner, 'owner']]) }
        break
      case 'stamp':
        if (this.#fork !== undefined || !this.#hasArrived(record, source)) return false
        if (!this.#applyStamp(record, source)) return false
        break
      case 'void':
        this.#voids.set(place(record.client, record.clock), parseVoidReason(record.reason))
        break
      case 'erased':
      case 'checkpoint':
      case undefined:
        break
    }
    this.#nextRecord++
    return true
  }

  /** The state with what is pending on top; a new object at every call, with the same messages inside. */
  view(source: ChainSource): Folded {
    const waiting = this.#pending.read(source, this.#nextRecord, (client) => this.stampedThrough(client))
    const { roster, pending } = this.#applyPending(waiting)
    return {
      ...roster,
      genesis: this.#genesis,
      sent: (this.#shownSent ??= [...this.#sent]),
      pending,
      lastSeq: this.#lastSeq,
    }
  }

  /** The state that the rules of `policy` look at before an own entry is sent. */
  policyView(view: Folded): PolicyView {
    const claims = new Map<MessageId, IdClaim>(view.pending.map(({ id, user }) => [id, { user, complete: true }]))
    return {
      accessOf: (user) => view.members.get(user),
      ownerCount: () => [...view.members.values()].filter((access) => access === 'owner').length,
      claimOf: (id) => this.#claims.get(id) ?? claims.get(id),
      nextSeq: () => this.#lastSeq + 1,
    }
  }

  /** Of what is void nothing needs to arrive: a new epoch does without chains that are void from end to end. */
  #hasArrived(stamp: Stamp, source: ChainSource): boolean {
    return stamp.runs.every(({ client, clock, crcs }) => {
      let last = clock + crcs.length - 1
      while (last >= clock && this.#voids.has(place(client, last))) last--
      return last < clock || source.payloadAt(client, last) !== undefined
    })
  }

  /** All of it or, where it contradicts this device, nothing: what was typed here must not look sent. */
  #applyStamp(stamp: Stamp, source: ChainSource): boolean {
    const kept: KeptEntry[] = []
    let seq = stamp.seq
    for (const { client, clock: first, crcs } of stamp.runs) {
      const user = source.userOf(client)
      for (const [index, crc] of crcs.entries()) {
        const clock = first + index
        const payload = source.payloadAt(client, clock)
        if (payload instanceof Uint8Array && !this.#voids.has(place(client, clock))) {
          if (crc32(payload) !== crc) {
            this.#fork = { client, clock }
            return false
          }
          if (user !== undefined) kept.push({ user, payload, seq })
        }
        seq++
      }
    }
    for (const run of stamp.runs) this.#noteStamped(run)
    for (const entry of kept) this.#applyEntry(entry, stamp.timeMs)
    this.#lastSeq = seq - 1
    return true
  }

  #noteStamped({ client, clock, crcs }: StampRun): void {
    this.#stamped.set(client, clock + crcs.length)
    const known = this.#crcs.get(client) ?? []
    for (const [index, crc] of crcs.entries()) known[clock + index] = crc
    this.#crcs.set(client, known)
  }

  #applyEntry({ user, payload, seq }: KeptEntry, timeMs: number): void {
    const parsed = parseEntry(payload)
    if (parsed.kind === 'unreadable') return
    const { entry } = parsed
    if (entry.kind === 'message') {
      this.#claims.set(entry.id, { user, complete: true })
      this.#sent.push({ ...messageOf(user, entry), seq, createdAt: timeMs })
      this.#shownSent = undefined
      return
    }
    if (entry.kind === 'delta' && !this.#claims.has(entry.of)) this.#claims.set(entry.of, { user, complete: false })
    this.#roster = applyToRoster(this.#roster, user, entry)
  }

  #applyPending(waiting: readonly PendingEntry[]): { roster: Roster; pending: readonly PendingMessage[] } {
    let roster = this.#roster
    const pending: PendingMessage[] = []
    const ids = new Set<MessageId>()
    for (const { user, entry, message } of waiting) {
      if (message === undefined) {
        roster = applyToRoster(roster, user, entry)
      } else if (!this.hasMessage(message.id) && !ids.has(message.id)) {
        // The same message can stand in two chains of its author: appended again after a crash, and not lost after all.
        ids.add(message.id)
        pending.push(message)
      }
    }
    return { roster, pending }
  }
}

/** What an entry of `user` changes in settings, members and read registers; the same roster when nothing. */
function applyToRoster(roster: Roster, user: UserId, entry: Entry): Roster {
  if (entry.kind === 'set') {
    const settings = new Map(roster.settings).set(entry.key, entry.value)
    const title = entry.key === 'title' ? asTitle(entry.value) : roster.title
    return { ...roster, settings, title }
  }
  if (entry.kind === 'member') {
    const members = new Map(roster.members)
    if (entry.access === null) members.delete(entry.user)
    else members.set(entry.user, entry.access)
    return { ...roster, members }
  }
  if (entry.kind === 'read' && entry.thread === undefined && (entry.through ?? -1) > (roster.reads.get(user) ?? -1)) {
    return { ...roster, reads: new Map(roster.reads).set(user, entry.through ?? -1) }
  }
  return roster
}

function place(client: ClientId, clock: number): string {
  return `${client}/${clock}`
}

/** Entries with another value are void. */
function asTitle(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
