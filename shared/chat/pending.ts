/**
 * What stands in a document without a stamp. Entries are read once, and only those that came since: whoever types for a
 * week offline does not pay for all of it at every word. Knows no Yjs: it reads the document through a `ChainSource`.
 */

import type { ClientId, UserId } from '../sync/ids.ts'
import { inFoldOrder } from '../sync/order.ts'
import { type Entry, entryTime, type MessageId, parseEntry } from './entry.ts'
import type { ChainSource } from './chain-source.ts'
import { type AuthoredTouch, type Message, messageOf, touchIn } from './message.ts'
import { applyToRoster, type Roster } from './roster.ts'

export interface PendingMessage extends Message {
  readonly client: ClientId
  readonly clock: number
}

export interface PendingTouch extends AuthoredTouch {
  readonly client: ClientId
  readonly clock: number
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
}

interface ReadChain {
  readonly entries: readonly PendingEntry[]
  readonly next: number
}

export class PendingEntries {
  #chains = new Map<ClientId, ReadChain>()
  #source: ChainSource | undefined
  #nextRecord = -1
  #deletions = -1
  #inOrder: readonly PendingEntry[] = []

  /** In fold order; the same array until it changes. `nextRecord` is how far the stamps have been applied. */
  read(source: ChainSource, nextRecord: number, stampedThrough: (client: ClientId) => number): readonly PendingEntry[] {
    const deletions = source.deletions()
    let isChanged = source !== this.#source || nextRecord !== this.#nextRecord || deletions !== this.#deletions
    if (isChanged) this.#chains = new Map()
    this.#source = source
    this.#nextRecord = nextRecord
    this.#deletions = deletions
    for (const { client, user, next } of source.chains()) {
      const known = this.#chains.get(client) ?? { entries: [], next: stampedThrough(client) }
      if (known.next >= next) continue
      const entries = [...known.entries]
      // What was archived is gone by the thousand.
      for (let clock = source.nextKept(client, known.next); clock < next; clock = source.nextKept(client, clock + 1)) {
        const entry = readEntry(source, client, clock, user)
        if (entry !== undefined) entries.push(entry)
      }
      this.#chains.set(client, { entries, next })
      isChanged = true
    }
    if (isChanged) this.#inOrder = inFoldOrder([...this.#chains.values()].flatMap(({ entries }) => entries))
    return this.#inOrder
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
  return { client, clock, user, at, entry, message, touch }
}

export interface FoldedPending {
  readonly roster: Roster
  readonly pending: readonly PendingMessage[]
  readonly touches: ReadonlyMap<MessageId, readonly PendingTouch[]>
}

/** What is pending on top of what is stamped. */
export function foldPending(
  waiting: readonly PendingEntry[],
  stamped: Roster,
  isSent: (id: MessageId) => boolean,
): FoldedPending {
  let roster = stamped
  const pending: PendingMessage[] = []
  const ids = new Set<MessageId>()
  const touches = new Map<MessageId, PendingTouch[]>()
  for (const { user, entry, message, touch } of waiting) {
    if (message !== undefined) {
      // The same message can stand in two chains of its author: appended again after a crash, and not lost after all.
      if (isSent(message.id) || ids.has(message.id)) continue
      ids.add(message.id)
      pending.push(message)
    }
    if (touch !== undefined) {
      const list = touches.get(touch.entry.of)
      if (list === undefined) touches.set(touch.entry.of, [touch])
      else list.push(touch)
    }
    if (message === undefined) roster = applyToRoster(roster, user, entry, Number.MAX_SAFE_INTEGER)
  }
  return { roster, pending, touches }
}
