/** Where a token comes from: given once, or fetched anew when the one in hand was refused or is about to end. */

export type Token = string | (() => Promise<string>)

export interface TokenSource {
  /** The token in hand, or a new one; rejects with the reason when none can be had. */
  readonly get: () => Promise<string>
  /** Forgets the token in hand. False when there will be no other. */
  readonly renew: () => boolean
}

const earlyMs = 60_000

export function createTokenSource(token: Token, now: () => number): TokenSource {
  if (typeof token === 'string') return { get: async () => asJwt(token), renew: () => false }
  let held: Promise<string> | undefined
  return {
    get: async () => {
      const known = held
      // Others may have asked meanwhile: what they fetch is not thrown away.
      const ends = known !== undefined && endsBefore(await known.catch(() => ''), now() + earlyMs)
      if (ends && held === known) held = undefined
      held ??= token().then(asJwt)
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

/** Files end with a newline, and a WebSocket's constructor throws at one. */
function asJwt(text: string): string {
  const token = text.trim()
  if (!/^[\w.-]+$/.test(token)) throw new TypeError('The token is not a JWT.')
  return token
}

/** Reads `exp` without proving it: only to know when to ask for another. */
function endsBefore(token: string, timeMs: number): boolean {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
    const claims: unknown = JSON.parse(atob(payload))
    const exp = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : undefined
    return typeof exp === 'number' && exp * 1000 < timeMs
  } catch {
    // Not a JWT: the server will say what it thinks of it.
    return false
  }
}
