/** A value with subscribers. */

import type { ReadableStore } from './api.ts'

export interface Store<T> extends ReadableStore<T> {
  /** Replaces the value and tells subscribers, unless it is the same. */
  readonly set: (value: T) => void
  /** Somebody subscribes to it. */
  readonly isWatched: () => boolean
}

export function createStore<T>(initial: T): Store<T> {
  let value = initial
  const listeners = new Set<() => void>()
  return {
    getSnapshot: () => value,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    set: (next) => {
      if (Object.is(value, next)) return
      value = next
      for (const listener of [...listeners]) listener()
    },
    isWatched: () => listeners.size > 0,
  }
}

/** The same, for a value that is brought up to date when somebody asks for it. */
export function askedFor<T>(store: ReadableStore<T>, ask: () => void): ReadableStore<T> {
  return {
    getSnapshot: () => {
      ask()
      return store.getSnapshot()
    },
    subscribe: (listener) => {
      ask()
      return store.subscribe(listener)
    },
  }
}
