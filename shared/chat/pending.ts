/**
 * What stands in a document without a stamp. Entries are read once, and only those that came since: whoever types for a
 * week offline does not pay for all of it at every word. Knows no Yjs: it reads the document through a `ChainSource`.
 */

import type { ClientId, UserId } from '../sync/ids.ts'
import { inFoldOrder } from '../sync/order.ts'
import { type Entry, entryTime, parseEntry } from './entry.ts'
import type { ChainSource } from './fold.ts'
import { type Message, messageOf } from './message.ts'

export interface PendingMessage extends Message {
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
      for (let clock = known.next; clock < next; clock++) {
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
  const message = entry.kind === 'message' ? { ...messageOf(user, entry), client, clock } : undefined
  return { client, clock, user, at: entryTime(entry), entry, message }
}
