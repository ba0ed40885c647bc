/**
 * How fast each user may write, over REST and sockets together: a bucket of entries that fills again by itself. Knows
 * nothing of requests and sockets: they are told how long to wait, and wait. Nothing is refused here.
 */

import type { UserId } from '../../shared/sync/ids.ts'

export interface RateRules {
  /** In ms. It may be set back: that refills nothing and costs nobody anything. */
  readonly now: () => number
  /** Entries that come back to each bucket in a second. */
  readonly perSecond: number
  /** Entries in a full bucket. */
  readonly burst: number
}

export interface Rates {
  /**
   * Takes `cost` entries out of the user's bucket, beyond its end too, so that whoever hands in much at once pays for it
   * afterwards. Returns in how many ms the bucket is no longer in debt: 0 means go, more means wait before the next read
   * or write. When that is longer than `patienceMs`, nothing was taken, and the caller refuses. A cost of 0 asks only.
   */
  take(user: UserId, cost: number, patienceMs?: number): number
  /** Users whose bucket is remembered: for tests and figures. */
  readonly size: number
}

/** Buckets that are remembered before full ones are looked for: a few kilobytes. */
const firstSweep = 1024

export function createRates({ now, perSecond, burst }: RateRules): Rates {
  const msPerEntry = 1000 / perSecond
  const burstMs = burst * msPerEntry
  // A bucket is one number: when it will be full. A full one is as good as none, and is forgotten.
  const fullAt = new Map<UserId, number>()
  let sweepAt = firstSweep
  let seenMs = now()
  let elapsedMs = 0

  // A clock that was set back by an hour would else keep everybody waiting for an hour.
  const tick = (): number => {
    const nowMs = now()
    elapsedMs += Math.max(0, nowMs - seenMs)
    seenMs = nowMs
    return elapsedMs
  }

  const remember = (user: UserId, full: number, atMs: number): void => {
    fullAt.set(user, full)
    if (fullAt.size < sweepAt) return
    for (const [other, end] of fullAt) if (end <= atMs) fullAt.delete(other)
    // Twice what is left, so that a sweep costs each taking a constant.
    sweepAt = Math.max(firstSweep, 2 * fullAt.size)
  }

  return {
    take(user, cost, patienceMs = Number.POSITIVE_INFINITY) {
      const atMs = tick()
      const full = Math.max(fullAt.get(user) ?? 0, atMs) + cost * msPerEntry
      const waitMs = Math.max(0, full - atMs - burstMs)
      if (cost > 0 && waitMs <= patienceMs) remember(user, full, atMs)
      return waitMs
    },
    get size() {
      return fullAt.size
    },
  }
}
