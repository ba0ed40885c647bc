/** What a client tells of its kept archives: how much there is, and how the device takes it. */

import type { ArchiveStorageStatus, ReadableStore } from './api.ts'
import type { ClientStorage } from './storage/client-storage.ts'
import { createStore } from './store.ts'

export interface ArchiveStorage {
  readonly status: ReadableStore<ArchiveStorageStatus>
  /** A conversation was opened: from now on there is something to ask for that it stays. */
  readonly noteOpened: () => void
  /** A page was kept. */
  readonly noteKept: () => void
  /** The budget is spent. */
  readonly noteFull: () => void
  /** The device reads or keeps no pages just now. */
  readonly noteFailure: (error: unknown) => void
}

/** Part of the budget below which there is room again: what is fetched does not fit to the byte. */
const roomAgain = 0.9

export function createArchiveStorage(
  opening: Promise<ClientStorage>,
  askToPersist: () => Promise<boolean | undefined> = async () => undefined,
): ArchiveStorage {
  const status = createStore<ArchiveStorageStatus>({
    persisted: undefined,
    bytes: 0,
    budgetBytes: 0,
    full: false,
    lost: false,
  })
  let hasAsked = false

  function change(changes: Partial<ArchiveStorageStatus>): void {
    const before = status.getSnapshot()
    const next = { ...before, ...changes }
    if (JSON.stringify(next) !== JSON.stringify(before)) status.set(next)
  }

  async function count(): Promise<void> {
    const storage = await opening
    const totals = await storage.pages.totals()
    const full = status.getSnapshot().full && totals.bytes >= roomAgain * totals.budgetBytes
    change({ lost: storage.wasLost, ...totals, full })
  }

  function noteFailure(error: unknown): void {
    change({ failure: error instanceof Error ? error.message : String(error) })
  }

  // Where nothing can be opened each conversation says so.
  count().catch(() => undefined)
  return {
    status,
    noteOpened: () => {
      if (hasAsked) return
      hasAsked = true
      askToPersist().then((persisted) => change({ persisted }), noteFailure)
    },
    noteKept: () => {
      const { failure: _failure, ...rest } = status.getSnapshot()
      if (_failure !== undefined) status.set(rest)
      count().catch(noteFailure)
    },
    noteFull: () => {
      change({ full: true })
      count().catch(noteFailure)
    },
    noteFailure,
  }
}
