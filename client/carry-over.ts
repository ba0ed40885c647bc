/**
 * What only this device has of a conversation whose document is built anew (SPEC FORK1, FORK2): own entries that the
 * server does not know, in fold order. Pure: reads two documents and the outbox, changes nothing.
 */

import { type Entry, entryTime, parseEntry } from '../shared/chat/entry.ts'
import { crc32 } from '../shared/sync/crc32.ts'
import type { ClientId, UserId } from '../shared/sync/ids.ts'
import { inFoldOrder } from '../shared/sync/order.ts'
import { type Fate, placeKey } from './fates.ts'
import type { Replica } from './replica.ts'
import type { OutboxPlace, OutboxRow } from './storage/client-storage.ts'

export interface CarryOverFrom {
  readonly user: UserId
  /** What was shown so far. */
  readonly old: Replica
  /** Built from what the server has. */
  readonly fresh: Replica
  /** Rows of the outbox whose fate is open and that are this tab's to bring. */
  readonly rows: readonly OutboxRow[]
  /** Chains that this tab alone may speak for: its own, and those of the device that nobody uses. */
  readonly chains: ReadonlySet<ClientId>
  /** What the server says of those of `unclearPlaces`, by `placeKey`. */
  readonly fates: ReadonlyMap<string, Fate>
}

export interface CarryOver {
  /** To be appended, in this order. */
  readonly payloads: readonly Uint8Array[]
  /** Rows that are not needed any more: they are among `payloads`, or the server has their message. */
  readonly settled: readonly OutboxRow[]
  /** Rows whose place in the new document tells their fate, or that the server has still to be asked for. */
  readonly kept: readonly OutboxRow[]
  /** Rows that the server says are void. */
  readonly voided: readonly OutboxRow[]
}

interface Candidate extends OutboxPlace {
  readonly payload: Uint8Array
  readonly at: number | undefined
  readonly entry: Entry
  /** Undefined when only the old document has it. */
  readonly row: OutboxRow | undefined
}

/** Entries whose places are empty in the new document without a word of what they were: the server has to say. */
export function unclearPlaces({
  user,
  old,
  fresh,
  rows,
}: Pick<CarryOverFrom, 'user' | 'old' | 'fresh' | 'rows'>): readonly Pick<OutboxRow, 'client' | 'clock' | 'payload'>[] {
  return candidates(user, old, rows).filter((candidate) => standingOf(candidate, user, fresh) === 'gone')
}

export function carryOver({ user, old, fresh, rows, chains, fates }: CarryOverFrom): CarryOver {
  const known = new Set(fresh.folded.pending.filter((message) => message.user === user).map(({ id }) => id))
  const payloads: Uint8Array[] = []
  const settled: OutboxRow[] = []
  const kept: OutboxRow[] = []
  const voided: OutboxRow[] = []

  for (const candidate of inOrder(candidates(user, old, rows))) {
    const { row, entry, payload } = candidate
    const standing = standingOf(candidate, user, fresh)
    const fate = standing === 'gone' ? fateOf(candidate) : undefined
    const isUnsaid = standing === 'gone' && fate === undefined
    if (row !== undefined && (standing === 'same' || isUnsaid)) {
      kept.push(row)
      continue
    }
    if (row !== undefined && fate?.kind === 'void') voided.push({ ...row, failed: fate.reason })
    else if (row !== undefined) settled.push(row)
    if (standing === 'same' || isUnsaid || fate?.kind === 'accepted' || fate?.kind === 'void') continue
    const isOurs = row !== undefined || chains.has(candidate.client)
    if (entry.kind === 'message') {
      // What is pending on other chains belongs to other tabs, which bring it themselves.
      const isWanted = isOurs || isStamped(candidate, old)
      if (!isWanted || fresh.fold.message(entry.id) !== undefined || known.has(entry.id)) continue
      known.add(entry.id)
    } else if (!isOurs || !stillMeans(entry, old, fresh)) continue
    payloads.push(payload)
  }
  return { payloads, settled, kept, voided }

  function fateOf(candidate: Candidate): Fate | undefined {
    // What was stamped before is archived by now, in all likelihood.
    return fates.get(placeKey(candidate)) ?? (isStamped(candidate, old) ? { kind: 'accepted' } : undefined)
  }

  /** Behind what was stamped, in the order of the stamps, comes what was pending. */
  function inOrder(all: readonly Candidate[]): readonly Candidate[] {
    const places = stampedPlaces(old)
    const placeOf = (candidate: Candidate): number => places.get(placeKey(candidate)) ?? 0
    const stamped = all.filter((candidate) => isStamped(candidate, old))
    const pending = all.filter((candidate) => !isStamped(candidate, old))
    return [...stamped.toSorted((a, b) => placeOf(a) - placeOf(b)), ...inFoldOrder(pending)]
  }
}

/** Own entries of the old document that are not void, and rows; chain by chain, by ascending clock. */
function candidates(user: UserId, old: Replica, rows: readonly OutboxRow[]): readonly Candidate[] {
  const found = new Map<string, Candidate>()
  const add = (place: OutboxPlace, payload: Uint8Array, row: OutboxRow | undefined): void => {
    const parsed = parseEntry(payload)
    if (parsed.kind === 'unreadable') return
    const { client, clock } = place
    found.set(placeKey(place), { client, clock, payload, at: entryTime(parsed.entry), entry: parsed.entry, row })
  }
  for (const { client, user: owner, next } of old.source.chains()) {
    if (owner !== user) continue
    const { nextKept } = old.source
    for (let clock = nextKept(client, 0); clock < next; clock = nextKept(client, clock + 1)) {
      const payload = old.source.payloadAt(client, clock)
      const isVoid = old.fold.voidReason(client, clock) !== undefined
      if (payload instanceof Uint8Array && !isVoid) add({ client, clock }, payload, undefined)
    }
  }
  // Where another copy of this device has written, the row is what was written here.
  for (const row of rows) add(row, row.payload, row)
  return [...found.values()].toSorted((a, b) => a.client - b.client || a.clock - b.clock)
}

/** What the new document has at the place of an entry: the same, deleted without a word of what it was, or no such thing. */
function standingOf({ client, clock, payload }: Candidate, user: UserId, fresh: Replica): 'same' | 'gone' | 'absent' {
  if (fresh.source.userOf(client) !== user) return 'absent'
  const there = fresh.source.payloadAt(client, clock)
  if (there === undefined) return 'absent'
  const crc = there === 'gone' ? fresh.fold.stampedCrc(client, clock) : crc32(there)
  if (crc === undefined) return 'gone'
  return crc === crc32(payload) ? 'same' : 'absent'
}

/** By what was stamped in the old document, and not by other bytes at its place. */
function isStamped({ client, clock, payload }: Candidate, old: Replica): boolean {
  return old.fold.stampedCrc(client, clock) === crc32(payload)
}

/** A read register names a seq: in a later epoch that can be the seq of another message. */
function stillMeans(entry: Entry, old: Replica, fresh: Replica): boolean {
  if (entry.kind !== 'read') return true
  const messageAt = (replica: Replica): string | undefined =>
    replica.folded.sent.find(({ seq }) => seq === entry.through)?.id
  const before = messageAt(old)
  return before !== undefined && before === messageAt(fresh)
}

/** The stamped places of a document, by their order. */
function stampedPlaces({ source, server }: Replica): ReadonlyMap<string, number> {
  const places = new Map<string, number>()
  if (server === undefined) return places
  for (let clock = 0; ; clock = source.nextKept(server.client, clock + 1)) {
    const record = source.recordAt(server.client, clock)
    if (record === undefined) return places
    if (record === 'gone' || record.kind !== 'stamp') continue
    for (const { client, clock: first, crcs } of record.runs) {
      for (const index of crcs.keys()) places.set(placeKey({ client, clock: first + index }), places.size)
    }
  }
}
