import { afterEach, expect, test } from 'vitest'

import type { AuthConfig, Config } from '../../../server/config.ts'
import { createLog } from '../../../server/http/create-log.ts'
import { type Auth, openAuth } from '../../../server/http/open-auth.ts'
import { limits } from '../../../shared/limits.ts'
import { signByHand } from '../../contract/rest/rest-client.ts'
import { createKey, KeyServer } from './key-server.ts'

const clock = { ms: 1_700_000_000_000 }
const claims = { sub: 'ann', exp: clock.ms / 1000 + 36_000 }
const running: KeyServer[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()))
})

async function open(auth: AuthConfig): Promise<Auth> {
  const config: Config = { port: 0, host: '127.0.0.1', dataDir: '', logLevel: 'silent', auth, origins: [] }
  return await openAuth(config, { now: () => clock.ms, log: createLog('silent', process.stderr) })
}

const unclaimed = { issuer: undefined, audience: undefined }

async function withSecret(): Promise<{ auth: Auth; token: string }> {
  const secret = 'a secret for tests, long enough for it'
  const auth = await open({ kind: 'secret', secret: new TextEncoder().encode(secret), ...unclaimed })
  return { auth, token: signByHand({ claims, secret }) }
}

async function withKeys(): Promise<{ auth: Auth; token: string }> {
  const key = createKey('one')
  const server = await KeyServer.start([key])
  running.push(server)
  return { auth: await open({ kind: 'jwks', url: server.url, ...unclaimed }), token: key.token(claims) }
}

test.each([
  ['a secret', withSecret],
  ['a JWKS', withKeys],
])('[AUTH1] with %s a token that was proved is remembered for a while, then proved again', async (_kind, prepare) => {
  const { auth, token } = await prepare()
  const proved = await auth.authenticate(token)
  expect(proved).toMatchObject({ user: 'ann' })
  clock.ms += limits.provedTokenMs - 1
  // Each proof makes an object of its own.
  expect(await auth.authenticate(token)).toBe(proved)
  clock.ms += 1
  const again = await auth.authenticate(token)
  expect(again).toEqual(proved)
  expect(again).not.toBe(proved)
})
