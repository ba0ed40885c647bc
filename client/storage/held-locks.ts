/** Locks among the conversations of one process: for stores that no other process can open. */

export type TryLock = (name: string) => (() => void) | undefined

export function createHeldLocks(): TryLock {
  const held = new Set<string>()
  return (name) => {
    if (held.has(name)) return undefined
    held.add(name)
    return () => void held.delete(name)
  }
}
