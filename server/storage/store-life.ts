/**
 * The life of a store, the same for every implementation: open, perhaps failed, perhaps recovered, closed. Knows nothing
 * of rows.
 */

import { StoreError } from './conversation-store.ts'

type Phase =
  | { readonly kind: 'open' }
  /** A write failed: what it acknowledged from here on could be gone after it is opened again. It can still be read. */
  | { readonly kind: 'failed'; readonly cause: unknown }
  | { readonly kind: 'recovering'; readonly done: Promise<unknown> }
  /** It could not be opened again: it neither takes nor tells anything. */
  | { readonly kind: 'lost'; readonly cause: unknown }
  | { readonly kind: 'closed'; readonly done: Promise<void> }

export class StoreLife {
  #phase: Phase = { kind: 'open' }
  #commit: Promise<unknown> | undefined
  /** Writes that need no turn. */
  readonly #beside = new Set<Promise<void>>()

  /** Neither failed, nor being opened again, nor closed. */
  get isOpen(): boolean {
    return this.#phase.kind === 'open'
  }

  /** Throws StoreError `closed` after `close()`, `failed` when it could not be opened again. */
  assertReadable(): void {
    if (this.#phase.kind === 'closed') throw new StoreError('closed', 'the store is closed')
    if (this.#phase.kind === 'lost') throw lost(this.#phase.cause)
  }

  /** The same, once it is known whether the store could be opened again. */
  async untilReadable(): Promise<void> {
    while (this.#phase.kind === 'recovering') await Promise.allSettled([this.#phase.done])
    this.assertReadable()
  }

  /** Throws StoreError `closed` or `failed` when nothing may be written. */
  assertWritable(): void {
    this.assertReadable()
    if (this.#phase.kind !== 'failed') return
    const { cause } = this.#phase
    throw new StoreError('failed', 'an earlier write failed: the store takes no more until it is opened again', {
      cause,
    })
  }

  /** Runs `write` unless the store is closed or failed (SPEC STORE2). A second call before the first is done is a bug. */
  async commit<T>(write: () => Promise<T>): Promise<T> {
    this.assertWritable()
    if (this.#phase.kind === 'recovering') throw new Error('commit was called before the store was recovered')
    if (this.#commit !== undefined) throw new Error('commit was called before the one before it was done')
    const commit = write()
    this.#commit = commit
    try {
      return await commit
    } finally {
      this.#commit = undefined
    }
  }

  /**
   * Runs `write`, of a row that no commit writes, whatever else is under way, unless the store is closed or failed; while it
   * is opened again it waits. When `write` fails, the store has failed.
   */
  async beside(write: () => Promise<void>): Promise<void> {
    await this.untilReadable()
    this.assertWritable()
    const done = write()
    this.#beside.add(done)
    try {
      await done
    } catch (cause) {
      throw this.fail(cause)
    } finally {
      this.#beside.delete(done)
    }
  }

  /** Marks the store as failed. */
  fail(cause: unknown): StoreError {
    if (this.#phase.kind === 'open') this.#phase = { kind: 'failed', cause }
    return new StoreError('failed', 'a write failed: it is not known to be durable', { cause })
  }

  /** Runs `reopen`; afterwards the store is open, or lost when that threw (SPEC STORE10). */
  async recover<T>(reopen: () => Promise<T>): Promise<T> {
    this.assertReadable()
    if (this.#commit !== undefined || this.#phase.kind === 'recovering') {
      throw new Error('recover was called while something was under way')
    }
    const done = releaseAfter(this.#beside, reopen)
    const recovering: Phase = { kind: 'recovering', done }
    this.#phase = recovering
    try {
      const recovered = await done
      if (this.#phase === recovering) this.#phase = { kind: 'open' }
      return recovered
    } catch (cause) {
      if (this.#phase === recovering) this.#phase = { kind: 'lost', cause }
      throw cause instanceof StoreError ? cause : lost(cause)
    }
  }

  /** Waits for what is under way, then releases; once, however often it is called. */
  async close(release: () => Promise<void>): Promise<void> {
    if (this.#phase.kind !== 'closed') {
      const recovering = this.#phase.kind === 'recovering' ? this.#phase.done : undefined
      const underWay = [this.#commit, recovering, ...this.#beside]
      this.#phase = { kind: 'closed', done: releaseAfter(underWay, release) }
    }
    await this.#phase.done
  }
}

async function releaseAfter<T>(underWay: Iterable<unknown>, release: () => Promise<T>): Promise<T> {
  await Promise.allSettled(underWay)
  return release()
}

function lost(cause: unknown): StoreError {
  return new StoreError('failed', 'the store could not be opened again after a failed write', { cause })
}
