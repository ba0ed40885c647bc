/** Renews the token of a socket that stays open, before the server would close it. */

import type { TokenSource } from './token-source.ts'

export interface TokenRenewal {
  /** The server takes `token` until `expiresMs`. */
  readonly begin: (token: string, expiresMs: number) => void
  readonly end: () => void
}

/** A minute, as the token source has it: time to fetch another, and to try again. */
const leadMs = 60_000
/** A device whose clock is wrong must not fetch tokens without a pause. */
const leastWaitMs = 5000
/** The longest delay that a timer can hold. */
const longestTimerMs = 0x7fff_ffff

/** `say` hands the server a new token; its answer is a new `begin`. */
export function createTokenRenewal(tokens: TokenSource, now: () => number, say: (token: string) => void): TokenRenewal {
  let timer: ReturnType<typeof setTimeout> | undefined
  let turn = 0

  function begin(token: string, expiresMs: number): void {
    end()
    const leftMs = expiresMs - now()
    if (leftMs - leadMs > longestTimerMs) {
      timer = setTimeout(() => begin(token, expiresMs), longestTimerMs)
      return
    }
    const waitMs = Math.max(leftMs - leadMs, leftMs / 2, leastWaitMs)
    timer = setTimeout(() => renew(token, expiresMs), waitMs)
  }

  function renew(token: string, expiresMs: number): void {
    const own = ++turn
    fresh(token).then(
      (renewed) => {
        if (own === turn && renewed !== undefined) say(renewed)
      },
      // Until the server ends it there is time to try again.
      () => {
        if (own === turn) begin(token, expiresMs)
      },
    )
  }

  /** One that is not `token`; undefined when there will be no other. */
  async function fresh(token: string): Promise<string | undefined> {
    const held = await tokens.get()
    if (held !== token) return held
    return tokens.renew() ? tokens.get() : undefined
  }

  function end(): void {
    turn++
    clearTimeout(timer)
  }

  return { begin, end }
}
