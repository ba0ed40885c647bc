/** Rows of an outbox whose fate is open, by chain and clock. Knows neither the store nor what settles them. */

import { type Entry, parseEntry } from '../shared/chat/entry.ts'
import type { ClientId } from '../shared/sync/ids.ts'
import type { OutboxPlace, OutboxRow } from './storage/client-storage.ts'

interface OpenRow {
  readonly row: OutboxRow
  readonly kind: Entry['kind'] | undefined
}

export class OpenRows {
  /** Within a chain by ascending clock: so they are kept, and so they are appended. */
  readonly #chains = new Map<ClientId, Map<number, OpenRow>>()
  readonly #kinds = new Map<Entry['kind'] | undefined, number>()
  #size = 0

  get size(): number {
    return this.#size
  }

  has({ client, clock }: OutboxPlace): boolean {
    return this.#chains.get(client)?.has(clock) === true
  }

  hasKind(kind: Entry['kind']): boolean {
    return (this.#kinds.get(kind) ?? 0) > 0
  }

  all(): readonly OutboxRow[] {
    return [...this.#chains.values()].flatMap((rows) => Array.from(rows.values(), ({ row }) => row))
  }

  /** Those before the clock up to which their chain is stamped. */
  *stamped(stampedThrough: (client: ClientId) => number): Generator<OutboxRow> {
    for (const [client, rows] of this.#chains) {
      const through = stampedThrough(client)
      for (const { row } of rows.values()) {
        if (row.clock >= through) break
        yield row
      }
    }
  }

  add(row: OutboxRow): void {
    this.delete(row)
    const parsed = parseEntry(row.payload)
    const kind = parsed.kind === 'entry' ? parsed.entry.kind : undefined
    const rows = this.#chains.get(row.client) ?? new Map<number, OpenRow>()
    this.#chains.set(row.client, rows.set(row.clock, { row, kind }))
    this.#count(kind, 1)
  }

  /** False when it is not among them. */
  delete({ client, clock }: OutboxPlace): boolean {
    const rows = this.#chains.get(client)
    const open = rows?.get(clock)
    if (rows === undefined || open === undefined) return false
    rows.delete(clock)
    if (rows.size === 0) this.#chains.delete(client)
    this.#count(open.kind, -1)
    return true
  }

  #count(kind: OpenRow['kind'], by: 1 | -1): void {
    this.#size += by
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + by)
  }
}
