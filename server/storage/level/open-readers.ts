/**
 * The iterators, snapshots and reads on other threads that a database has open: while one is, LevelDB keeps what it may
 * still read, files and older versions of rows, though they were erased since. Knows nothing of what they read.
 */

interface Waiter {
  readonly mark: number
  readonly resolve: () => void
}

export class OpenReaders {
  /** By the order in which they began, and so is the set. */
  readonly #open = new Set<number>()
  #next = 0
  #waiters: Waiter[] = []

  /** Notes one that begins; to be called when it has ended. */
  begin(): () => void {
    const reader = this.#next++
    this.#open.add(reader)
    return () => {
      this.#open.delete(reader)
      if (this.#waiters.length > 0) this.#release()
    }
  }

  /** Resolves when all that are open now have ended. Those that begin meanwhile are not waited for. */
  async untilEnded(): Promise<void> {
    const mark = this.#next
    if (!this.#isOpenBefore(mark)) return
    await new Promise<void>((resolve) => this.#waiters.push({ mark, resolve }))
  }

  #isOpenBefore(mark: number): boolean {
    const [oldest = mark] = this.#open
    return oldest < mark
  }

  #release(): void {
    const waiters = this.#waiters
    this.#waiters = waiters.filter(({ mark }) => this.#isOpenBefore(mark))
    for (const { mark, resolve } of waiters) if (!this.#isOpenBefore(mark)) resolve()
  }
}
