import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, expect, onTestFinished, test } from 'vitest'

import type { AuthConfig, Config } from '../../../server/config.ts'
import { createLog } from '../../../server/http/create-log.ts'
import { type Auth, openAuth } from '../../../server/http/open-auth.ts'
import { createInvitationTokens } from '../../../server/http/invitation-token.ts'
import { parseInvitationId } from '../../../shared/chat/invitation.ts'
import { limits } from '../../../shared/limits.ts'
import { parseConversationId } from '../../../shared/sync/ids.ts'
import { freshId } from '../../contract/rest/people.ts'
import { signByHand } from '../../contract/rest/rest-client.ts'
import { createKey, KeyServer } from './key-server.ts'

const clock = { ms: 1_700_000_000_000 }
const claims = { sub: 'ann', exp: clock.ms / 1000 + 36_000 }
const running: KeyServer[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()))
})

async function open(auth: AuthConfig, dataDir = ''): Promise<Auth> {
  const config: Config = { port: 0, host: '127.0.0.1', dataDir, logLevel: 'silent', auth, origins: [] }
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
  const folder = await mkdtemp(join(tmpdir(), 'parley-keys-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return { auth: await open({ kind: 'jwks', url: server.url, ...unclaimed }, folder), token: key.token(claims) }
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

test('[INVITE2] tokens of invitations are signed with a key of their own: from the secret, or kept in the data folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-keys-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const invitation = parseInvitationId(freshId())
  const conversation = parseConversationId(freshId())
  if (invitation === undefined || conversation === undefined) throw new Error('not a UUIDv7')
  const ref = { conversation, id: invitation, expiresMs: clock.ms }
  const secret = (text: string): AuthConfig => ({ kind: 'secret', secret: Buffer.from(text.repeat(32)), ...unclaimed })
  const jwks: AuthConfig = { kind: 'jwks', url: new URL('https://keys.example/'), ...unclaimed }
  const first = (await open(jwks, folder)).invitationTokens
  expect((await stat(join(folder, 'invitation-key'))).mode & 0o777).toBe(0o600)
  const again = (await open(jwks, folder)).invitationTokens
  expect(again.verify(first.sign(ref))).toEqual(ref)
  const one = (await open(secret('a'))).invitationTokens
  expect((await open(secret('a'))).invitationTokens.verify(one.sign(ref))).toEqual(ref)
  for (const other of [secret('b'), { kind: 'demo' } as const]) {
    const { invitationTokens, authenticate } = await open(other, folder)
    expect(invitationTokens.verify(one.sign(ref))).toBeUndefined()
    expect(invitationTokens.verify(first.sign(ref))).toBeUndefined()
    // Nor is it a token of a user, whatever it is signed with.
    await expect(authenticate(invitationTokens.sign(ref))).rejects.toMatchObject({ code: 'unauthenticated' })
  }
  expect((await readdir(folder)).toSorted()).toEqual(['demo-key', 'invitation-key'])
})

test('[INVITE2] a token with one bit changed, cut short, or spelled otherwise is none', () => {
  const tokens = createInvitationTokens(Buffer.alloc(32, 7))
  const [conversation, id] = [parseConversationId(freshId()), parseInvitationId(freshId())]
  if (id === undefined || conversation === undefined) throw new Error('not a UUIDv7')
  const ref = { conversation, id, expiresMs: clock.ms }
  const token = tokens.sign(ref)
  expect(tokens.verify(token)).toEqual(ref)
  const bytes = Buffer.from(token, 'base64url')
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const turned = Buffer.from(bytes)
    turned[bit >>> 3] = (turned[bit >>> 3] ?? 0) ^ (1 << (bit & 7))
    expect(tokens.verify(turned.toString('base64url'))).toBeUndefined()
  }
  for (let length = 0; length < token.length; length++) expect(tokens.verify(token.slice(0, length))).toBeUndefined()
  for (const other of [`${token}=`, `${token} `, ` ${token}`, `${token}A`]) expect(tokens.verify(other)).toBeUndefined()
})
