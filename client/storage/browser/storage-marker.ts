/**
 * Notes in localStorage that a store was made. Browsers may evict an origin's IndexedDB; a store that is new although this
 * remembers one was lost. Where both are lost together, nobody can tell.
 */

const keyPrefix = 'parley-kept:'

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
