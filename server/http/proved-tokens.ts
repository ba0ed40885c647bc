/**
 * Remembers for a while what tokens proved: a device shows the same one with every request and every socket, and a check
 * costs more than the rest of a small request. What was refused is not remembered.
 */

import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { Authenticate, Identity } from '../identity.ts'

interface Proof {
  readonly identity: Identity
  /** Until then it need not be checked again. */
  readonly untilMs: number
}

/** Exactly as it was signed: readers of base64 pass over spaces, and with them one token would have any number of names. */
const jwtShape = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** `now` in ms. A token is checked again when it ends, and after `limits.provedTokenMs`, for its key may be withdrawn. */
export function rememberProved(authenticate: Authenticate, now: () => number): Authenticate {
  const proofs = new Map<string, Proof>()

  function remember(token: string, identity: Identity): void {
    const [oldest] = proofs.keys()
    if (oldest !== undefined && proofs.size >= limits.provedTokens) proofs.delete(oldest)
    proofs.set(token, { identity, untilMs: Math.min(identity.expiresMs, now() + limits.provedTokenMs) })
  }

  return async (token) => {
    if (token.length > limits.tokenLength || !jwtShape.test(token)) throw new Fault('unauthenticated')
    const proof = proofs.get(token)
    // A clock that was set back must not lengthen it.
    if (proof !== undefined && now() < proof.untilMs && proof.untilMs <= now() + limits.provedTokenMs)
      return proof.identity
    proofs.delete(token)
    const identity = await authenticate(token)
    remember(token, identity)
    return identity
  }
}
