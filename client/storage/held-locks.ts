/** Locks among the conversations of one process: for stores that no other process can open. */

export interface HeldLocks {
  /** Undefined when it is held. The result releases it; so does the result of `wait`. */
  readonly take: (name: string) => (() => void) | undefined
  /** Waits for its turn. */
  readonly wait: (name: string) => Promise<() => void>
}

export function createHeldLocks(): HeldLocks {
  /** By name, those who wait for a lock that is held. */
  const held = new Map<string, (() => void)[]>()

  function release(name: string): void {
    const next = held.get(name)?.shift()
    if (next === undefined) held.delete(name)
    else next()
  }

  /** Idempotent: a lock that was passed on is another's. */
  function holding(name: string): () => void {
    let isHeld = true
    return () => {
      if (isHeld) release(name)
      isHeld = false
    }
  }

  function take(name: string): (() => void) | undefined {
    if (held.has(name)) return undefined
    held.set(name, [])
    return holding(name)
  }

  return {
    take,
    wait: async (name) => {
      const taken = take(name)
      if (taken !== undefined) return taken
      await new Promise<void>((resolve) => held.get(name)?.push(resolve))
      return holding(name)
    },
  }
}
