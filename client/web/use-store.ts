/** Reads a store in a component. */

import { useSyncExternalStore } from 'react'

import type { ReadableStore } from '../api.ts'

export function useStore<T>(store: ReadableStore<T>): T {
  return useSyncExternalStore(store.subscribe, store.getSnapshot)
}
