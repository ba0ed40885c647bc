/** When a browser's page has come back, to the network or to somebody who looks at it, and when nobody looks any more. */

/** Returns what ends it. */
export function onWake(wake: () => void): () => void {
  const ending = new AbortController()
  const { signal } = ending
  globalThis.addEventListener('online', wake, { signal })
  // A worker has none.
  if (typeof document !== 'undefined') {
    const look = (): void => {
      if (document.visibilityState === 'visible') wake()
    }
    document.addEventListener('visibilitychange', look, { signal })
  }
  return () => ending.abort()
}

/** A page that is hidden may never run again. Returns what ends it. */
export function onHide(hide: () => void): () => void {
  const ending = new AbortController()
  const { signal } = ending
  if (typeof document !== 'undefined') {
    const look = (): void => {
      if (document.visibilityState === 'hidden') hide()
    }
    document.addEventListener('visibilitychange', look, { signal })
    globalThis.addEventListener('pagehide', hide, { signal })
  }
  return () => ending.abort()
}
