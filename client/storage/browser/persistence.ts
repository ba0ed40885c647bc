/** What the browser says of this origin's storage: whether it may be evicted, and how much there is. Never throws. */

type MaybeStorage = Navigator & { readonly storage?: Partial<StorageManager> }

/** Of the whole origin, in bytes; browsers round, and pad what came from other origins. */
export interface StorageSpace {
  readonly usedBytes: number
  readonly quotaBytes: number
}

/**
 * Asks that nothing is evicted when the device runs short, where that is not so already: some browsers ask the user then.
 * Tells whether it is so now; undefined where the browser has no such promise to give.
 */
export async function askToPersist(): Promise<boolean | undefined> {
  try {
    const { storage } = navigator as MaybeStorage
    if (storage?.persist === undefined) return undefined
    if (await storage.persisted?.()) return true
    return await storage.persist()
  } catch {
    // Refused to answer, as to a page of an opaque origin: nothing is promised.
    return false
  }
}

/** Undefined where the browser does not tell. */
export async function estimate(): Promise<StorageSpace | undefined> {
  try {
    const { usage, quota } = (await (navigator as MaybeStorage).storage?.estimate?.()) ?? {}
    return usage === undefined || quota === undefined ? undefined : { usedBytes: usage, quotaBytes: quota }
  } catch {
    // As above: no answer.
    return undefined
  }
}
