// Web Locks as tabs of one browser share them: exclusive ones, asked for with `ifAvailable` or waited for. Knows no test
// runner.

export interface FakeLocks {
  /** What a tab has as `navigator.locks`. */
  readonly locks: Pick<LockManager, 'request'>
  readonly held: () => readonly string[]
}

export function createFakeLocks(): FakeLocks {
  const held = new Set<string>()
  const waiting = new Map<string, (() => void)[]>()

  async function request(name: string, ...rest: readonly unknown[]): Promise<unknown> {
    const callback = rest.at(-1) as LockGrantedCallback<unknown>
    const { ifAvailable = false } = (rest.length > 1 ? rest[0] : {}) as LockOptions
    // Browsers answer later, never within the call.
    await Promise.resolve()
    if (held.has(name) && ifAvailable) return callback(null)
    if (held.has(name)) {
      await new Promise<void>((resolve) => waiting.set(name, [...(waiting.get(name) ?? []), resolve]))
    }
    held.add(name)
    try {
      return await callback({ name, mode: 'exclusive' })
    } finally {
      const [next, ...others] = waiting.get(name) ?? []
      waiting.set(name, others)
      if (next === undefined) held.delete(name)
      else next()
    }
  }

  return { locks: { request: request }, held: () => [...held] }
}
