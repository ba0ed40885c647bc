/**
 * The life of a store, the same for every implementation: open, perhaps failed, closed. Knows nothing of rows.
 */

import { StoreError } from './conversation-store.ts'

type Phase =
  | { readonly kind: 'open' }
  | { readonly kind: 'failed'; readonly cause: unknown }
  | { readonly kind: 'closed'; readonly done: Promise<void> }

export class StoreLife {
  #phase: Phase = { kind: 'open' }
  #commit: Promise<unknown> | undefined

  /** Throws StoreError `closed` after `close()`. A failed store may still be read. */
  assertOpen(): void {
    if (this.#phase.kind === 'closed') throw new StoreError('closed', 'the store is closed')
  }

  /** Runs `write` unless the store is closed or failed (SPEC STORE2). A second call before the first is done is a bug. */
  async commit<T>(write: () => Promise<T>): Promise<T> {
    this.assertOpen()
    if (this.#phase.kind === 'failed') {
      throw new StoreError('failed', 'an earlier write failed: the store takes no more until it is opened again', {
        cause: this.#phase.cause,
      })
    }
    if (this.#commit !== undefined) throw new Error('commit was called before the one before it was done')
    const commit = write()
    this.#commit = commit
    try {
      return await commit
    } finally {
      this.#commit = undefined
    }
  }

  /** Marks the store as failed: what it acknowledged from here on could be gone after it is opened again. */
  fail(cause: unknown): StoreError {
    if (this.#phase.kind === 'open') this.#phase = { kind: 'failed', cause }
    return new StoreError('failed', 'a write failed: it is not known to be durable', { cause })
  }

  /** Waits for the commit under way, then releases; once, however often it is called. */
  async close(release: () => Promise<void>): Promise<void> {
    if (this.#phase.kind !== 'closed') this.#phase = { kind: 'closed', done: this.#release(release) }
    await this.#phase.done
  }

  async #release(release: () => Promise<void>): Promise<void> {
    await Promise.allSettled([this.#commit])
    await release()
  }
}
