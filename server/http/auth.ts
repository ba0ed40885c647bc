/** Tokens: JWTs signed with HS256 and nothing else (AUTH1). The only file that knows jose. */

import { type CryptoKey, errors, jwtVerify, SignJWT } from 'jose'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import { parseUserId, type UserId } from '../../shared/sync/ids.ts'
import type { Authenticate, Identity } from '../identity.ts'

const algorithm = 'HS256'

export interface TokenRules {
  /** At least 32 bytes. */
  readonly secret: Uint8Array
  /** Required `iss`; any or none when undefined. */
  readonly issuer?: string | undefined
  /** Required `aud`; any or none when undefined. */
  readonly audience?: string | undefined
  readonly now: () => number
}

export function createAuthenticate({ secret, issuer, audience, now }: TokenRules): Authenticate {
  const options = {
    algorithms: [algorithm],
    requiredClaims: ['exp', 'sub'],
    clockTolerance: limits.tokenLeewaySeconds,
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  }
  const key = importKey(secret, 'verify')
  return async (token) => {
    const claims = await verify(token, await key, { ...options, currentDate: new Date(now()) })
    const user = parseUserId(claims.sub)
    if (user === undefined || claims.exp === undefined || !Number.isFinite(claims.exp))
      throw new Fault('unauthenticated')
    return { user, expiresMs: (claims.exp + limits.tokenLeewaySeconds) * 1000 }
  }
}

export interface SignedToken {
  readonly token: string
  /** What its `exp` says. */
  readonly expiresMs: number
}

/** Gives tokens to whoever asks: the demo mode. */
export interface Demo {
  sign(user: UserId): Promise<SignedToken>
}

export function createDemo(secret: Uint8Array, now: () => number): Demo {
  const key = importKey(secret, 'sign')
  return { sign: async (user) => signToken(await key, { user, expiresMs: now() + limits.demoTokenMs }) }
}

/** `exp` counts whole seconds, so the token ends up to one earlier than asked. */
async function signToken(key: Uint8Array | CryptoKey, { user, expiresMs }: Identity): Promise<SignedToken> {
  const exp = Math.floor(expiresMs / 1000)
  const token = await new SignJWT()
    .setProtectedHeader({ alg: algorithm })
    .setSubject(user)
    .setExpirationTime(exp)
    .sign(key)
  return { token, expiresMs: exp * 1000 }
}

type VerifyOptions = NonNullable<Parameters<typeof jwtVerify>[2]>

/** Why a token is not good is nobody's business, except that it was and has expired. */
async function verify(token: string, key: CryptoKey, options: VerifyOptions) {
  try {
    return (await jwtVerify(token, key, options)).payload
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new Fault('expired')
    if (error instanceof errors.JOSEError) throw new Fault('unauthenticated')
    throw error
  }
}

/** Once, because jose would import raw bytes again for every token. */
function importKey(secret: Uint8Array, use: 'sign' | 'verify'): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', Uint8Array.from(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [use])
}
