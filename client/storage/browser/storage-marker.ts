/**
 * Notes in localStorage that a store was made. Browsers may evict an origin's IndexedDB; a store that is new although this
 * remembers one was lost. Where both are lost together, nobody can tell. And notes of stores that are being deleted: a page
 * may be closed in the middle of it.
 */

const keyPrefix = 'parley-kept:'
const wipePrefix = 'parley-wiping:'

/** Marks that a store of this name was made here; true when one was before. False where there is no localStorage. */
export function markStorage(name: string): boolean {
  const key = keyPrefix + name
  try {
    const wasMarked = localStorage.getItem(key) !== null
    if (!wasMarked) localStorage.setItem(key, '1')
    return wasMarked
  } catch {
    // Absent, forbidden, or full: then a loss goes unnoticed, which the synchronisation heals as well.
    return false
  }
}

/** It is gone by its owner's wish. */
export function unmarkStorage(name: string): void {
  try {
    localStorage.removeItem(keyPrefix + name)
  } catch {
    // Absent or forbidden: then there is no mark either.
  }
}

/** It is being deleted, all of it, until `endWipe`. */
export function noteWipe(name: string): void {
  try {
    localStorage.setItem(wipePrefix + name, '1')
  } catch {
    // Absent, forbidden, or full: then it is done now or, when the page is closed meanwhile, not to its end.
  }
}

export function endWipe(name: string): void {
  try {
    localStorage.removeItem(wipePrefix + name)
  } catch {
    // Absent or forbidden: then there is no note either.
  }
}

/** Names of stores whose deleting has begun, here or in another tab, and has not ended. */
export function begunWipes(): readonly string[] {
  try {
    const keys = Array.from({ length: localStorage.length }, (_, index) => localStorage.key(index) ?? '')
    return keys.filter((key) => key.startsWith(wipePrefix)).map((key) => key.slice(wipePrefix.length))
  } catch {
    // Absent or forbidden.
    return []
  }
}
