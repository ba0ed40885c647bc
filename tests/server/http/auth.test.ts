import { describe, expect, test } from 'vitest'

import { createAuthenticate, createDemo, type TokenRules } from '../../../server/http/auth.ts'
import { Fault } from '../../../shared/fault.ts'
import { parseUserId, type UserId } from '../../../shared/sync/ids.ts'
import { signByHand } from '../../contract/rest/rest-client.ts'

const secret = 'a secret for tests, long enough for it'
const nowMs = 1_700_000_000_000
const nowSeconds = nowMs / 1000

function authenticate(rules: Partial<TokenRules> = {}) {
  return createAuthenticate({ secret: new TextEncoder().encode(secret), now: () => nowMs, ...rules })
}

function token(more: object = {}): string {
  return signByHand({ claims: { sub: 'ann', exp: nowSeconds + 60, ...more }, secret })
}

async function faultOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Fault && error.cause === undefined) return error.code
    throw error
  }
  return 'none'
}

function user(name: string): UserId {
  const id = parseUserId(name)
  if (id === undefined) throw new Error(`no user id: ${name}`)
  return id
}

describe('createAuthenticate', () => {
  test('[AUTH1] a token says who it is and when it ends, leeway included', async () => {
    expect(await authenticate()(token())).toEqual({ user: 'ann', expiresMs: nowMs + 90_000 })
  })

  test('[AUTH1] the leeway is 30 seconds, to the second', async () => {
    const check = authenticate()
    expect(await faultOf(check(token({ exp: nowSeconds - 29 })))).toBe('none')
    expect(await faultOf(check(token({ exp: nowSeconds - 30 })))).toBe('expired')
    expect(await faultOf(check(token({ nbf: nowSeconds + 30 })))).toBe('none')
    expect(await faultOf(check(token({ nbf: nowSeconds + 31 })))).toBe('unauthenticated')
  })

  test('[AUTH1] an issuer, when set, has to be in the token', async () => {
    const check = authenticate({ issuer: 'https://issuer.example' })
    expect(await faultOf(check(token({ iss: 'https://issuer.example' })))).toBe('none')
    expect(await faultOf(check(token({ iss: 'https://other.example' })))).toBe('unauthenticated')
    expect(await faultOf(check(token()))).toBe('unauthenticated')
    expect(await faultOf(authenticate()(token({ iss: 'anyone' })))).toBe('none')
  })

  test('[AUTH1] an audience, when set, has to be in the token', async () => {
    const check = authenticate({ audience: 'parley' })
    expect(await faultOf(check(token({ aud: 'parley' })))).toBe('none')
    expect(await faultOf(check(token({ aud: ['other', 'parley'] })))).toBe('none')
    expect(await faultOf(check(token({ aud: 'other' })))).toBe('unauthenticated')
    expect(await faultOf(check(token()))).toBe('unauthenticated')
  })

  test('[AUTH1] a token that never ends is no token', async () => {
    const [header, ,] = token().split('.')
    const { createHmac } = await import('node:crypto')
    const endless = `${header}.${Buffer.from('{"sub":"ann","exp":1e999}').toString('base64url')}`
    const signature = createHmac('sha256', secret).update(endless).digest('base64url')
    expect(await faultOf(authenticate()(`${endless}.${signature}`))).toBe('unauthenticated')
  })

  test('[AUTH1] an extension that has to be understood is not', async () => {
    const header = { alg: 'HS256', crit: ['b64'], b64: false }
    const claims = { sub: 'ann', exp: nowSeconds + 60 }
    expect(await faultOf(authenticate()(signByHand({ header, claims, secret })))).toBe('unauthenticated')
  })
})

describe('createDemo', () => {
  test('[AUTH3] its tokens are those that createAuthenticate takes, for 30 days', async () => {
    const key = new TextEncoder().encode(secret)
    const demo = createDemo(key, () => nowMs)
    const signed = await demo.sign(user('ann'))
    expect(signed.expiresMs).toBe(nowMs + 30 * 86_400_000)
    expect(await authenticate()(signed.token)).toEqual({ user: 'ann', expiresMs: signed.expiresMs + 30_000 })
    const after = authenticate({ now: () => signed.expiresMs + 30_000 })
    expect(await faultOf(after(signed.token))).toBe('expired')
  })
})
