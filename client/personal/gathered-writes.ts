/** Writes what changes often: the first at once, later ones gathered, by key. Knows nothing of what it writes. */

export interface GatheredWritesDeps {
  /** At least so long between two writes of one key, in ms. */
  readonly pauseMs: number
  /** The same while the last one of that key was not taken yet. */
  readonly untakenPauseMs: number
  /** Something of this key is on its way. */
  readonly isUntaken: (key: string) => boolean
  /** Resolves when it is kept on this device. */
  readonly write: (key: string, value: unknown) => Promise<void>
}

interface Gathered {
  timer: ReturnType<typeof setTimeout> | undefined
  /** The newest, when it is not written yet. */
  waiting: { readonly value: unknown } | undefined
  hasWaited: boolean
  /** Settles with the write of what waits. */
  written: Follower | undefined
}

interface Follower {
  readonly promise: Promise<void>
  readonly follow: (write: Promise<void>) => void
}

export class GatheredWrites {
  readonly #deps: GatheredWritesDeps
  readonly #keys = new Map<string, Gathered>()

  constructor(deps: GatheredWritesDeps) {
    this.#deps = deps
  }

  /** Resolves when it, or a later one of the key, is kept on this device. */
  put(key: string, value: unknown): Promise<void> {
    const gathered = this.#keys.get(key)
    if (gathered !== undefined) {
      gathered.waiting = { value }
      gathered.written ??= untilFollowed()
      return gathered.written.promise
    }
    const fresh: Gathered = { timer: undefined, waiting: undefined, hasWaited: false, written: undefined }
    this.#keys.set(key, fresh)
    this.#pause(key, fresh, this.#deps.pauseMs)
    return this.#deps.write(key, value)
  }

  /** The same without a pause before it: what waited is not written any more. */
  putNow(key: string, value: unknown): Promise<void> {
    const written = this.put(key, value)
    const gathered = this.#keys.get(key)
    if (gathered !== undefined) this.#write(key, gathered)
    return written
  }

  /** What is not written yet, by key. */
  waiting(): ReadonlyMap<string, unknown> {
    const waiting = new Map<string, unknown>()
    for (const [key, gathered] of this.#keys)
      if (gathered.waiting !== undefined) waiting.set(key, gathered.waiting.value)
    return waiting
  }

  /** Writes all that waits: nobody may be there to do it later. */
  flush(): void {
    for (const [key, gathered] of this.#keys) this.#write(key, gathered)
  }

  close(): void {
    this.flush()
    for (const { timer } of this.#keys.values()) clearTimeout(timer)
    this.#keys.clear()
  }

  #pause(key: string, gathered: Gathered, ms: number): void {
    clearTimeout(gathered.timer)
    gathered.timer = setTimeout(() => this.#proceed(key, gathered), ms)
  }

  #proceed(key: string, gathered: Gathered): void {
    const { pauseMs, untakenPauseMs, isUntaken } = this.#deps
    if (gathered.waiting === undefined) return void this.#keys.delete(key)
    if (!gathered.hasWaited && isUntaken(key)) {
      gathered.hasWaited = true
      return this.#pause(key, gathered, untakenPauseMs - pauseMs)
    }
    this.#write(key, gathered)
  }

  #write(key: string, gathered: Gathered): void {
    const { waiting, written } = gathered
    if (waiting === undefined) return
    gathered.waiting = undefined
    gathered.written = undefined
    gathered.hasWaited = false
    this.#pause(key, gathered, this.#deps.pauseMs)
    const write = this.#deps.write(key, waiting.value)
    written?.follow(write)
  }
}

function untilFollowed(): Follower {
  let settle: ((write: Promise<void>) => void) | undefined
  const promise = new Promise<void>((resolve) => {
    settle = resolve
  })
  return { promise, follow: (write) => settle?.(write) }
}
