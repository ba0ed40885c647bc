// Waits for what a store tells. Knows no test runner.
import type { ReadableStore } from '../../client/api.ts'

/** Resolves with the first value, from now on, for which `holds`. */
export function when<T>(store: ReadableStore<T>, holds: (value: T) => boolean): Promise<T> {
  return new Promise((resolve) => {
    const look = (): void => {
      const value = store.getSnapshot()
      if (!holds(value)) return
      end()
      resolve(value)
    }
    const end = store.subscribe(look)
    look()
  })
}

/** A promise and what settles it. */
export function deferred<T = void>(): {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
} {
  let settle: { resolve: (value: T) => void; reject: (error: Error) => void } | undefined
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  return {
    promise,
    resolve: (value) => settle?.resolve(value),
    reject: (error) => settle?.reject(error),
  }
}

/** Lets everything happen that is waiting for nothing but its turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
