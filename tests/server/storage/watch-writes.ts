// Watches what is written to LevelDB, below the store: every write of a batch with its options, and lets one fail.
import { Level } from 'level'
import { vi } from 'vitest'

export interface WatchedWrite {
  readonly rows: number
  readonly options: unknown
}

export interface WriteWatch {
  readonly writes: readonly WatchedWrite[]
  /** The next write rejects with `error` and writes nothing. */
  readonly failNext: (error: Error) => void
  readonly restore: () => void
}

/** Watches all databases of this process until it is restored; one watch at a time. */
export function watchWrites(): WriteWatch {
  const writes: WatchedWrite[] = []
  const failures: Error[] = []
  // oxlint-disable-next-line typescript/unbound-method -- it is called on the database it belongs to
  const original = Level.prototype.batch
  const spy = vi.spyOn(Level.prototype, 'batch').mockImplementation(function (this: Level) {
    const batch = Reflect.apply(original, this, [])
    const write: (options: object) => Promise<void> = batch.write.bind(batch)
    vi.spyOn(batch, 'write').mockImplementation(async (options: object = {}) => {
      writes.push({ rows: batch.length, options })
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      await write(options)
    })
    return batch
  })
  return {
    writes,
    failNext: (error) => failures.push(error),
    restore: () => spy.mockRestore(),
  }
}
