import { generateKeyPairSync, sign } from 'node:crypto'

import { expect, test } from 'vitest'

import { type People, seenMessage } from './people.ts'
import { base64url, signByHand } from './rest-client.ts'

export function authCases(use: () => People): void {
  const soon = (): number => Math.floor(Date.now() / 1000) + 600
  const list = (token: string) => use().call('GET', '/api/conversations', { token })
  const secret = (): string => use().server.secret

  test('[AUTH1] a token signed by hand as it should be is taken', async () => {
    const token = signByHand({ claims: { sub: 'ann', exp: soon() }, secret: secret() })
    expect((await list(token)).status).toBe(200)
  })

  test.each<[string, Readonly<Record<string, string>>]>([
    ['no Authorization', {}],
    ['another scheme', { authorization: 'Basic YW5uOmFubg==' }],
    ['no token', { authorization: 'Bearer' }],
    ['an empty token', { authorization: 'Bearer ' }],
    ['garbage', { authorization: 'Bearer garbage' }],
    ['dots', { authorization: 'Bearer ..' }],
  ])('[AUTH1] %s is 401', async (_name, headers) => {
    const answer = await use().call('GET', '/api/conversations', { headers })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    expect(answer.body).toEqual({ detail: expect.any(String), code: 'unauthenticated' })
  })

  test.each<[string, object]>([
    ['no exp', { sub: 'ann' }],
    ['an exp that is text', { sub: 'ann', exp: '9999999999' }],
    ['no sub', { exp: 9_999_999_999 }],
    ['a sub that is a number', { sub: 7, exp: 9_999_999_999 }],
    ['an empty sub', { sub: '', exp: 9_999_999_999 }],
    ['a sub with a slash', { sub: 'a/b', exp: 9_999_999_999 }],
    ['a sub with a space', { sub: 'a b', exp: 9_999_999_999 }],
    ['a sub of 129 characters', { sub: 'a'.repeat(129), exp: 9_999_999_999 }],
    ['a time before which it is not good', { sub: 'ann', exp: 9_999_999_999, nbf: 9_999_999_000 }],
  ])('[AUTH1] a well signed token with %s is 401', async (_name, claims) => {
    const answer = await list(signByHand({ claims, secret: secret() }))
    expect(answer.status).toBe(401)
    expect(answer.body).toMatchObject({ code: 'unauthenticated' })
  })

  test('[AUTH1] a sub of 128 characters is a user', async () => {
    const token = signByHand({ claims: { sub: '~'.repeat(128), exp: soon() }, secret: secret() })
    expect((await list(token)).status).toBe(200)
  })

  test('[AUTH1] a wrong signature is 401', async () => {
    const token = signByHand({ claims: { sub: 'ann', exp: soon() }, secret: 'x'.repeat(32) })
    expect((await list(token)).status).toBe(401)
  })

  test('[AUTH1] claims changed after signing are 401', async () => {
    const [header, , signature] = signByHand({ claims: { sub: 'ann', exp: soon() }, secret: secret() }).split('.')
    const token = `${header}.${base64url({ sub: 'bob', exp: soon() })}.${signature}`
    expect((await list(token)).status).toBe(401)
  })

  test.each(['none', 'None', 'NONE'])('[AUTH1] alg %s is 401, signed or not', async (alg) => {
    const claims = { sub: 'ann', exp: soon() }
    const unsigned = `${base64url({ alg })}.${base64url(claims)}.`
    expect((await list(unsigned)).status).toBe(401)
    expect((await list(signByHand({ header: { alg }, claims, secret: secret() }))).status).toBe(401)
  })

  test.each([
    ['HS384', 'sha384'],
    ['HS512', 'sha512'],
  ])('[AUTH1] %s with the right key is 401', async (alg, hash) => {
    const token = signByHand({ header: { alg }, claims: { sub: 'ann', exp: soon() }, secret: secret(), hash })
    expect((await list(token)).status).toBe(401)
  })

  test('[AUTH1] RS256 is 401', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const signed = `${base64url({ alg: 'RS256' })}.${base64url({ sub: 'ann', exp: soon() })}`
    const token = `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
    expect((await list(token)).status).toBe(401)
  })

  test('[AUTH1] an expired token is 401 and says so, after 30 seconds of leeway', async () => {
    const at = (exp: number) => list(signByHand({ claims: { sub: 'ann', exp }, secret: secret() }))
    const now = Math.floor(Date.now() / 1000)
    expect((await at(now - 10)).status).toBe(200)
    const expired = await at(now - 60)
    expect(expired.status).toBe(401)
    expect(expired.body).toMatchObject({ code: 'expired' })
  })

  test('[AUTH1] who one is comes from the token, whatever else the request says', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const posted = await ann.post(path, 'hello', { user_id: 'bob', user: 'bob', author: 'bob' }, { 'x-user': 'bob' })
    expect(posted.status).toBe(201)
    expect(seenMessage(posted).user_id).toBe(ann.name)
    expect((await ann.reads(path)).map((message) => message.user_id)).toEqual([ann.name])
  })

  test('[AUTH2] a ticket is given to whoever has a token, and ends within 30 seconds', async () => {
    const ann = use().person('ann')
    const before = Date.now()
    const answer = await ann.call('POST', '/api/tickets')
    expect(answer.status).toBe(201)
    expect(answer.body).toEqual({ ticket: expect.stringMatching(/^[\w-]{43}$/), expires_at: expect.any(String) })
    const { expires_at: end } = answer.body as { expires_at: string }
    expect(Date.parse(end) - before).toBeLessThanOrEqual(30_000 + (Date.now() - before))
    expect((await use().call('POST', '/api/tickets')).status).toBe(401)
  })
}
