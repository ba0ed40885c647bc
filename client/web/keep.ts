/** Small texts kept in this browser by name. Where the browser forbids that, they live as long as the page. */

export interface Keep {
  readonly get: (name: string) => string | undefined
  /** False when the browser did not take it: it is gone with the page. */
  readonly set: (name: string, text: string) => boolean
  readonly remove: (name: string) => void
  /** Of all texts whose name begins so. */
  readonly names: (prefix: string) => readonly string[]
}

/** `storage` is asked for lazily: in a browser that blocks it, already the access to `localStorage` throws. */
export function createKeep(storage: () => Storage): Keep {
  const inMemory = new Map<string, string>()
  const attempt = <T>(act: (storage: Storage) => T): T | undefined => {
    try {
      return act(storage())
    } catch {
      // Blocked or full. `inMemory` has the text; what is lost is that the next page finds it.
      return undefined
    }
  }
  return {
    get: (name) => inMemory.get(name) ?? attempt((kept) => kept.getItem(name)) ?? undefined,
    set: (name, text) => {
      const taken = attempt((kept) => {
        kept.setItem(name, text)
        return true
      })
      if (taken === true) inMemory.delete(name)
      else inMemory.set(name, text)
      return taken === true
    },
    remove: (name) => {
      inMemory.delete(name)
      attempt((kept) => kept.removeItem(name))
    },
    names: (prefix) => {
      const kept = attempt((all) => Array.from({ length: all.length }, (_, index) => all.key(index) ?? '')) ?? []
      return [...new Set([...inMemory.keys(), ...kept])].filter((name) => name.startsWith(prefix))
    },
  }
}
