/**
 * What stands in a document without a stamp. Entries are read once, and only those that came since: whoever types for a
 * week offline does not pay for all of it at every word. Knows no Yjs: it reads the document through a `ChainSource`.
 */

import type { ClientId, UserId } from '../sync/ids.ts'
import { inFoldOrder } from '../sync/order.ts'
import { type Entry, entryTime, parseEntry } from './entry.ts'
import type { ChainSource } from './chain-source.ts'
import { type EventEntry, eventIn } from './timeline-event.ts'
import { type AuthoredTouch, type Message, messageOf, touchIn } from './message.ts'

export interface PendingMessage extends Message {
  readonly client: ClientId
  readonly clock: number
}

export interface PendingTouch extends AuthoredTouch {
  readonly client: ClientId
  readonly clock: number
}

/** What is to happen to people, settings or pins. */
export interface PendingEvent {
  readonly client: ClientId
  readonly clock: number
  readonly user: UserId
  readonly entry: EventEntry
}

/** An entry without a stamp. */
export interface PendingEntry {
  readonly client: ClientId
  readonly clock: number
  readonly user: UserId
  readonly at: number | undefined
  readonly entry: Entry
  /** When it is one. */
  readonly message: PendingMessage | undefined
  readonly touch: PendingTouch | undefined
  readonly event: PendingEvent | undefined
}

export interface Waiting {
  /** In fold order. Not a snapshot: it grows. */
  readonly entries: readonly PendingEntry[]
  /** So many of the first are those of the reading before. */
  readonly kept: number
}

interface ReadChain {
  /** Clock up to which it was stamped. */
  from: number
  /** Clock up to which it was read. */
  next: number
  entries: PendingEntry[]
}

/** The place in fold order of the last entry of a chain. */
interface End {
  readonly client: ClientId
  /** The running maximum of `at` in its chain. */
  readonly latest: number
}

export class PendingEntries {
  #chains = new Map<ClientId, ReadChain>()
  #source: ChainSource | undefined
  #deletions = -1
  #inOrder: PendingEntry[] = []
  #end: End | undefined
  /** By chain: where its entries end. */
  #ends = new Map<ClientId, End>()

  /** Reads what has come; what was read before stays the same objects. */
  read(source: ChainSource, stampedThrough: (client: ClientId) => number): Waiting {
    const deletions = source.deletions()
    const isOther = source !== this.#source
    const mayBeGone = isOther || deletions !== this.#deletions
    if (isOther) this.#chains = new Map()
    this.#source = source
    this.#deletions = deletions
    const kept = this.#inOrder.length
    let isInOrder = !isOther
    for (const { client, user, next } of source.chains()) {
      const from = stampedThrough(client)
      const chain = this.#chains.get(client) ?? { from, next: from, entries: [] }
      this.#chains.set(client, chain)
      if (from !== chain.from || (mayBeGone && chain.entries.length > 0)) {
        if (settle(chain, from, source)) isInOrder = false
      }
      if (chain.next >= next) continue
      const fresh = [...readChain(source, client, user, { from: chain.next, to: next })]
      for (const entry of fresh) chain.entries.push(entry)
      chain.next = next
      isInOrder = isInOrder && this.#append(client, fresh)
    }
    if (isInOrder) return { entries: this.#inOrder, kept }
    this.#order()
    return { entries: this.#inOrder, kept: 0 }
  }

  /** False when they do not all come behind what is there. */
  #append(client: ClientId, entries: readonly PendingEntry[]): boolean {
    for (const entry of entries) {
      const end = { client, latest: Math.max(this.#ends.get(client)?.latest ?? 0, entry.at ?? 0) }
      if (this.#end !== undefined && isBefore(end, this.#end)) return false
      this.#inOrder.push(entry)
      this.#end = end
      this.#ends.set(client, end)
    }
    return true
  }

  #order(): void {
    const chains = [...this.#chains].filter(([, { entries }]) => entries.length > 0)
    this.#inOrder = inFoldOrder(chains.flatMap(([, { entries }]) => entries))
    this.#ends = new Map(
      chains.map(([client, { entries }]) => {
        return [client, { client, latest: entries.reduce((latest, { at = 0 }) => Math.max(latest, at), 0) }]
      }),
    )
    const last = this.#inOrder.at(-1)
    this.#end = last && this.#ends.get(last.client)
  }
}

function isBefore(a: End, b: End): boolean {
  return a.latest < b.latest || (a.latest === b.latest && a.client < b.client)
}

/** Leaves out what is stamped or gone by now; whether that is anything. */
function settle(chain: ReadChain, from: number, source: ChainSource): boolean {
  const before = chain.entries.length
  // Stamps are being read anew: so is all that they have not told of yet.
  const isReread = from < chain.from
  chain.entries = isReread
    ? []
    : chain.entries.filter(
        ({ client, clock }) => clock >= from && source.payloadAt(client, clock) instanceof Uint8Array,
      )
  chain.next = isReread ? from : Math.max(chain.next, from)
  chain.from = from
  return chain.entries.length < before
}

function* readChain(
  source: ChainSource,
  client: ClientId,
  user: UserId,
  { from, to }: { readonly from: number; readonly to: number },
): Generator<PendingEntry> {
  // What was archived is gone by the thousand.
  for (let clock = source.nextKept(client, from); clock < to; clock = source.nextKept(client, clock + 1)) {
    const entry = readEntry(source, client, clock, user)
    if (entry !== undefined) yield entry
  }
}

function readEntry(source: ChainSource, client: ClientId, clock: number, user: UserId): PendingEntry | undefined {
  const payload = source.payloadAt(client, clock)
  const parsed = payload instanceof Uint8Array ? parseEntry(payload) : undefined
  if (parsed?.kind !== 'entry') return undefined
  const { entry } = parsed
  const at = entryTime(entry)
  const message = entry.kind === 'message' ? { ...messageOf(user, entry), client, clock } : undefined
  const touching = touchIn(entry)
  const touch = touching && { user, timeMs: at ?? 0, entry: touching, client, clock }
  const happening = eventIn(entry)
  const event = happening && { client, clock, user, entry: happening }
  return { client, clock, user, at, entry, message, touch, event }
}
