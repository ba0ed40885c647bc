// What the contract of stores is run on.
import type { ConversationStore, InDoubt, StoreError } from '../../server/storage/conversation-store.ts'

export interface OpenedStore {
  readonly store: ConversationStore
  /** Closes the store and opens what it left. */
  readonly reopen: () => Promise<ConversationStore>
  /** Makes the next write fail, once: refused before it is written, or its answer lost when it is. */
  readonly failNextWrite: (state?: InDoubt) => void
  /** Makes the next attempt of `recover` to open the store fail. */
  readonly failReopening: () => void
  /** What the store told of damage. */
  readonly damages: readonly StoreError[]
  readonly dispose: () => Promise<void>
}

/** Makes a test of a function that gets a store of its own. */
export type WithStore = (run: (opened: OpenedStore) => Promise<void>) => () => Promise<void>
