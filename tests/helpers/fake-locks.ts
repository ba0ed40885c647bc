// Web Locks as tabs of one browser share them: as much of them as `ifAvailable` needs. Knows no test runner.

export interface FakeLocks {
  /** What a tab has as `navigator.locks`. */
  readonly locks: Pick<LockManager, 'request'>
  readonly held: () => readonly string[]
}

export function createFakeLocks(): FakeLocks {
  const held = new Set<string>()

  async function request(name: string, ...rest: readonly unknown[]): Promise<unknown> {
    const callback = rest.at(-1) as LockGrantedCallback<unknown>
    // Browsers answer later, never within the call.
    await Promise.resolve()
    if (held.has(name)) return callback(null)
    held.add(name)
    try {
      return await callback({ name, mode: 'exclusive' })
    } finally {
      held.delete(name)
    }
  }

  return { locks: { request: request }, held: () => [...held] }
}
