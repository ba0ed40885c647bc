/**
 * When to try again: later and later, and somewhere in that time (full jitter), so that the clients of a server that comes
 * back do not come in step.
 */

export interface Backoff {
  /** Ms until the next attempt. */
  readonly next: () => number
  /** It went well. */
  readonly reset: () => void
}

/** Ceiling of the first wait: a server that restarts is back by then. */
export const firstRetryMs = 500
/** Ceiling of all later waits: who waits for the network is told by events, and a server that is down is not run over. */
export const lastRetryMs = 30_000

/** `random` is from 0 up to 1. */
export function createBackoff(random: () => number): Backoff {
  let tries = 0
  return {
    next: () => random() * Math.min(lastRetryMs, firstRetryMs * 2 ** tries++),
    reset: () => {
      tries = 0
    },
  }
}
