/**
 * Where a token comes from: given once, or fetched anew when the one in hand was refused or is about to end. One that says
 * that it is somebody else's is none: what the server does not show them is not lost to this user, and stays.
 */

import type { UserId } from '../../shared/sync/ids.ts'

export type Token = string | (() => Promise<string>)

export interface TokenSource {
  /** The token in hand, or a new one; rejects with the reason when none can be had. */
  readonly get: () => Promise<string>
  /** Forgets the token in hand. False when there will be no other. */
  readonly renew: () => boolean
}

const earlyMs = 60_000
/** As long as a request may take: what has not brought a token by then brings none, and another attempt may. */
const tokenTimeoutMs = 15_000

export function createTokenSource(token: Token, now: () => number, user: UserId): TokenSource {
  if (typeof token === 'string') return { get: async () => asJwt(token, user), renew: () => false }
  let held: Promise<string> | undefined
  return {
    get: async () => {
      const known = held
      // Others may have asked meanwhile: what they fetch is not thrown away.
      const ends = known !== undefined && endsBefore(await known.catch(() => ''), now() + earlyMs)
      if (ends && held === known) held = undefined
      held ??= inTime(token()).then((text) => asJwt(text, user))
      const fetched = held
      try {
        return await fetched
      } catch (error) {
        if (held === fetched) held = undefined
        throw error
      }
    },
    renew: () => {
      held = undefined
      return true
    },
  }
}

/** A promise that settles, whatever the application's does: everything waits for a token. */
async function inTime(token: Promise<string>): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('No token came in time.')), tokenTimeoutMs)
  })
  try {
    return await Promise.race([token, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Files end with a newline, and a WebSocket's constructor throws at one. */
function asJwt(text: string, user: UserId): string {
  const token = text.trim()
  if (!/^[\w.-]+$/.test(token)) throw new TypeError('The token is not a JWT.')
  const { sub } = claimsIn(token)
  if (typeof sub === 'string' && sub !== user) throw new TypeError('The token is of somebody else.')
  return token
}

/** Reads `exp` without proving it: only to know when to ask for another. */
function endsBefore(token: string, timeMs: number): boolean {
  const { exp } = claimsIn(token)
  return typeof exp === 'number' && exp * 1000 < timeMs
}

interface Claims {
  readonly sub?: unknown
  readonly exp?: unknown
}

/** What a token says, which nobody proves here; nothing for what is no JWT: the server will say what it thinks of it. */
function claimsIn(token: string): Claims {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
    const claims: unknown = JSON.parse(atob(payload))
    return typeof claims === 'object' && claims !== null ? claims : {}
  } catch {
    return {}
  }
}
