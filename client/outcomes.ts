/**
 * Settles own entries whose places no longer tell what became of them, of one open document: asks the server when there is
 * a connection, again and again until it answers, and keeps nothing waiting meanwhile.
 */

import { type Fate, type LookUpChain, lookUpFates, placeKey } from './fates.ts'
import type { OpenDocument } from './open-document.ts'
import type { OutboxRow } from './storage/client-storage.ts'
import { type Backoff, createBackoff } from './sync/backoff.ts'

export interface OutcomesDeps {
  readonly document: OpenDocument
  readonly lookUp: LookUpChain
  /** From 0 up to 1. */
  readonly random: () => number
  /** Something was settled. */
  readonly onChange: () => void
  /** Another copy of this device has written where this one did. */
  readonly onFork: () => void
}

export class Outcomes {
  readonly #deps: OutcomesDeps
  readonly #backoff: Backoff
  #isLive = false
  #isBusy = false
  #isClosed = false
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Deletions of the document when no place was lost: only another one can empty a place. */
  #deletions = -1

  constructor(deps: OutcomesDeps) {
    this.#deps = deps
    this.#backoff = createBackoff(deps.random)
  }

  /** `isLive`: the document has all that the server has, so what is not in it is nowhere else. */
  look(isLive: boolean): void {
    if (isLive && !this.#isLive) {
      this.#backoff.reset()
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
    this.#isLive = isLive
    if (isLive && this.#timer === undefined) void this.#proceed()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  async #proceed(): Promise<void> {
    const { document, lookUp } = this.#deps
    const deletions = document.replica.source.deletions()
    if (this.#isBusy || this.#isClosed || deletions === this.#deletions) return
    const rows = lostPlaces(document)
    if (rows.length === 0) {
      this.#deletions = deletions
      return
    }
    this.#isBusy = true
    try {
      const fates = await lookUpFates(rows, lookUp)
      this.#backoff.reset()
      if (!this.#isClosed) await this.#settle(rows, fates)
    } catch {
      // Its rows stay open: nothing is lost by asking later.
      this.#retry()
    } finally {
      this.#isBusy = false
    }
  }

  #retry(): void {
    if (this.#isClosed) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#isLive) void this.#proceed()
    }, this.#backoff.next())
  }

  async #settle(rows: readonly OutboxRow[], fates: ReadonlyMap<string, Fate>): Promise<void> {
    const { document, onChange, onFork } = this.#deps
    const fateOf = (row: OutboxRow): Fate['kind'] | undefined => fates.get(placeKey(row))?.kind
    for (const row of rows) {
      const fate = fates.get(placeKey(row))
      if (fate?.kind === 'accepted') document.outbox.resolve(row, undefined)
      else if (fate?.kind === 'void') document.outbox.resolve(row, fate.reason)
    }
    await document.appendAgain((row) => fateOf(row) === 'unknown')
    if (this.#isClosed) return
    onChange()
    if (rows.some((row) => fateOf(row) === 'other')) onFork()
  }
}

/** Open rows whose places hold nothing any more, without a stamp that says what stood there. */
function lostPlaces({ outbox, replica }: OpenDocument): readonly OutboxRow[] {
  const { fold, source } = replica
  return outbox
    .open()
    .filter(
      ({ client, clock }) => source.payloadAt(client, clock) === 'gone' && fold.stampedCrc(client, clock) === undefined,
    )
}
