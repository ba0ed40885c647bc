/** Locks that every tab of an origin sees, and that the browser releases when a tab dies. */

type MaybeLocks = Navigator & { readonly locks?: LockManager }

export function hasWebLocks(): boolean {
  return (navigator as MaybeLocks).locks !== undefined
}

/** Waits for its turn; at once, and for nothing, when the browser has no Web Locks. */
export function waitForLock(name: string): Promise<() => void> {
  const { locks } = navigator as MaybeLocks
  if (locks === undefined) return Promise.resolve(() => undefined)
  return new Promise((resolve, reject) => {
    locks.request(name, () => new Promise<void>((release) => resolve(release))).catch(reject)
  })
}

/** Undefined when another tab holds it, or when the browser has no Web Locks (insecure contexts). */
export function lockByName(name: string): Promise<(() => void) | undefined> {
  const { locks } = navigator as MaybeLocks
  if (locks === undefined) return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock === null) return resolve(undefined)
        return new Promise<void>((release) => resolve(release))
      })
      .catch(reject)
  })
}
