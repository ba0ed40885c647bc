/**
 * Tokens: JWTs signed with HS256 and a secret, and nothing else (AUTH1); or with an asymmetric key of a JWKS, and nothing
 * else (AUTH4). The only file that knows jose.
 */

import {
  createRemoteJWKSet,
  type CryptoKey,
  customFetch,
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  SignJWT,
} from 'jose'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import { parseUserId, type UserId } from '../../shared/sync/ids.ts'
import type { Authenticate, Identity } from '../identity.ts'
import { createFetchKeys, keysUnavailable } from './fetch-keys.ts'

const secretAlgorithm = 'HS256'
/** Never a symmetric one: its key would be a public key, which everybody has. */
const publicAlgorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

export interface ClaimRules {
  /** Required `iss`; any or none when undefined. */
  readonly issuer?: string | undefined
  /** Required `aud`; any or none when undefined. */
  readonly audience?: string | undefined
  readonly now: () => number
}

export interface TokenRules extends ClaimRules {
  /** At least 32 bytes. */
  readonly secret: Uint8Array
}

export interface JwksRules extends ClaimRules {
  readonly url: URL
  /** Told why the keys could not be fetched, or not be used. */
  readonly onUnavailable: (error: unknown) => void
  /** In place of those in `limits`. */
  readonly times?: Partial<JwksTimes>
}

/** When keys are fetched, as `limits` says. */
export type JwksTimes = Readonly<Record<keyof typeof jwksTimes, number>>

const jwksTimes = {
  timeoutMs: limits.jwksTimeoutMs,
  pauseMs: limits.jwksPauseMs,
  coolDownMs: limits.jwksCoolDownMs,
  refreshMs: limits.jwksRefreshMs,
  maxAgeMs: limits.jwksMaxAgeMs,
}

export function createAuthenticate({ secret, ...rules }: TokenRules): Authenticate {
  const optionsNow = verifyOptions(rules, [secretAlgorithm])
  const key = importKey(secret, 'verify')
  return async (token) => {
    const verified = await key
    return identityOf(async () => (await jwtVerify(token, verified, optionsNow())).payload)
  }
}

/** Rejects with Fault `unavailable` too: while the keys cannot be fetched, nobody knows whether a token is good. */
export function createJwksAuthenticate({ url, onUnavailable, times, ...rules }: JwksRules): Authenticate {
  const optionsNow = verifyOptions(rules, publicAlgorithms)
  const keyOf = remoteKeys(url, rules.now, onUnavailable, { ...jwksTimes, ...times })
  return (token) =>
    identityOf(async () => {
      try {
        return await verifyWithSet(token, keyOf, optionsNow())
      } catch (error) {
        if (error instanceof Fault || isAboutToken(error)) throw error
        onUnavailable(error)
        throw keysUnavailable(error)
      }
    })
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
    .setProtectedHeader({ alg: secretAlgorithm })
    .setSubject(user)
    .setExpirationTime(exp)
    .sign(key)
  return { token, expiresMs: exp * 1000 }
}

function verifyOptions({ issuer, audience, now }: ClaimRules, algorithms: string[]): () => JWTVerifyOptions {
  const options = {
    algorithms,
    requiredClaims: ['exp', 'sub'],
    clockTolerance: limits.tokenLeewaySeconds,
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  }
  return () => ({ ...options, currentDate: new Date(now()) })
}

/** Why a token is not good is nobody's business, except that it was and has expired. */
async function identityOf(verify: () => Promise<JWTPayload>): Promise<Identity> {
  try {
    const { sub, exp } = await verify()
    const user = parseUserId(sub)
    if (user === undefined || exp === undefined || !Number.isFinite(exp)) throw new Fault('unauthenticated')
    return { user, expiresMs: (exp + limits.tokenLeewaySeconds) * 1000 }
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new Fault('expired')
    if (error instanceof errors.JOSEError) throw new Fault('unauthenticated')
    throw error
  }
}

/** Finds the key of a token by its header, fetching the set when there is need. */
function remoteKeys(
  url: URL,
  now: () => number,
  onUnavailable: (error: unknown) => void,
  { timeoutMs, pauseMs, coolDownMs, refreshMs, maxAgeMs }: JwksTimes,
): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(url, {
    timeoutDuration: timeoutMs,
    cooldownDuration: coolDownMs,
    cacheMaxAge: maxAgeMs,
    [customFetch]: createFetchKeys({ now, pauseMs, onFailure: onUnavailable }),
  })
  let refreshAtMs = now() + refreshMs
  return async (header, token) => {
    if (keys.fresh && now() >= refreshAtMs) {
      refreshAtMs = now() + refreshMs
      // Nobody waits for it: the keys that are there are good until they are too old. Failures have been told.
      keys.reload().catch(() => undefined)
    }
    return keys(header, token)
  }
}

/** Else something is wrong with the set: a broken key, or one that is too short for what it is used for. */
function isAboutToken(error: unknown): boolean {
  const isAboutSet = error instanceof errors.JWKSInvalid || error instanceof errors.JWKInvalid
  return error instanceof errors.JOSEError && !isAboutSet
}

/** A token need not say which key it was signed with: then each that fits is tried. */
async function verifyWithSet(token: string, keyOf: JWTVerifyGetKey, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keyOf, options)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      const payload = await payloadIfSigned(token, key, options)
      if (payload !== undefined) return payload
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

async function payloadIfSigned(
  token: string,
  key: CryptoKey,
  options: JWTVerifyOptions,
): Promise<JWTPayload | undefined> {
  try {
    return (await jwtVerify(token, key, options)).payload
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return undefined
    throw error
  }
}

/** Once, because jose would import raw bytes again for every token. */
function importKey(secret: Uint8Array, use: 'sign' | 'verify'): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', Uint8Array.from(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [use])
}
