// Tokens that somebody else signs: what of a JWKS is taken, and what happens while it cannot be had.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, describe, expect, onTestFinished, test } from 'vitest'

import { createJwksAuthenticate, type JwksRules } from '../../../server/http/auth.ts'
import { createLog } from '../../../server/http/create-log.ts'
import type { Authenticate } from '../../../server/identity.ts'
import { startServer } from '../../../server/server.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import { Fault } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import { freshId } from '../../contract/rest/people.ts'
import { base64url, restClient } from '../../contract/rest/rest-client.ts'
import { RawSocket } from '../../helpers/raw-socket.ts'
import { startFakeServer } from './fake-server.ts'
import { createKey, hmacToken, type KeyAlgorithm, KeyServer, type SigningKey } from './key-server.ts'

const running: KeyServer[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()))
})

async function serve(...keys: SigningKey[]): Promise<KeyServer> {
  const server = await KeyServer.start(keys)
  running.push(server)
  return server
}

/** Nobody listens there. */
async function nowhere(): Promise<URL> {
  const server = await KeyServer.start([])
  await server.stop()
  return server.url
}

const startMs = 1_700_000_000_000
const claims = { sub: 'ann', exp: startMs / 1000 + 36_000 }

interface Stand {
  readonly authenticate: Authenticate
  readonly failures: unknown[]
  readonly pass: (ms: number) => void
}

function stand(url: URL, rules: Partial<JwksRules> = {}): Stand {
  let nowMs = startMs
  const failures: unknown[] = []
  return {
    authenticate: createJwksAuthenticate({
      url,
      now: () => nowMs,
      onUnavailable: (error) => failures.push(error),
      ...rules,
    }),
    failures,
    pass: (ms) => {
      nowMs += ms
    },
  }
}

/** The user, or the code of the fault. */
async function outcome(identity: ReturnType<Authenticate>): Promise<string> {
  try {
    return (await identity).user
  } catch (error) {
    if (error instanceof Fault) return error.code
    throw error
  }
}

describe('whose tokens are taken', () => {
  test.each<KeyAlgorithm>(['RS256', 'PS256', 'ES256', 'EdDSA'])('[AUTH4] %s with a key of the set', async (alg) => {
    const [key, stranger] = [createKey('one', alg), createKey('one', alg)]
    const { authenticate } = stand((await serve(key)).url)
    expect(await authenticate(key.token(claims))).toEqual({
      user: 'ann',
      expiresMs: (claims.exp + limits.tokenLeewaySeconds) * 1000,
    })
    expect(await outcome(authenticate(stranger.token(claims)))).toBe('unauthenticated')
  })

  test('[AUTH4] sub and exp are required, and end, issuer and audience are held to', async () => {
    const key = createKey('one')
    const { authenticate } = stand((await serve(key)).url, { issuer: 'https://issuer.example', audience: 'parley' })
    const full = { ...claims, iss: 'https://issuer.example', aud: 'parley' }
    const seen = async (more: object): Promise<string> => outcome(authenticate(key.token({ ...full, ...more })))
    expect(await seen({})).toBe('ann')
    for (const more of [{ sub: undefined }, { sub: 'a/b' }, { exp: undefined }, { iss: 'else' }, { aud: 'else' }]) {
      expect([more, await seen(more)]).toEqual([more, 'unauthenticated'])
    }
    expect(await seen({ exp: startMs / 1000 - 60 })).toBe('expired')
  })

  test('[AUTH4] HS256 with the bytes of a public key is no signature, and nobody is asked about it', async () => {
    const key = createKey('one', 'RS256')
    const server = await serve(key)
    const { authenticate } = stand(server.url)
    const { n = '' } = key.jwk
    for (const bytes of [key.pem, key.pem.trim(), JSON.stringify(key.jwk), n, Buffer.from(n, 'base64url')]) {
      expect(await outcome(authenticate(hmacToken(bytes, 'one', claims)))).toBe('unauthenticated')
    }
    const none = `${base64url({ alg: 'none', kid: 'one' })}.${base64url(claims)}.`
    expect(await outcome(authenticate(none))).toBe('unauthenticated')
    expect(server.hits).toBe(0)
  })

  test('[AUTH4] a symmetric key in the set is not used, whatever the token says', async () => {
    const server = await serve()
    const secret = 'a secret that somebody published by mistake'
    const jwk = { kty: 'oct', k: Buffer.from(secret).toString('base64url'), kid: 'one' }
    server.respond = (response) => response.end(JSON.stringify({ keys: [jwk] }))
    expect(await outcome(stand(server.url).authenticate(hmacToken(secret, 'one', claims)))).toBe('unauthenticated')
  })

  test('[AUTH4] a key is used for its own algorithm only', async () => {
    const key = createKey('one', 'RS256')
    const server = await serve({ ...key, jwk: { ...key.jwk, alg: 'RS512' } })
    expect(await outcome(stand(server.url).authenticate(key.token(claims)))).toBe('unauthenticated')
  })

  test('[AUTH4] a token that does not name its key is checked with each that fits', async () => {
    const [one, two, stranger] = [createKey('one'), createKey('two'), createKey('three')]
    const { authenticate } = stand((await serve(one, two, createKey('rsa', 'RS256'))).url)
    const header = { alg: 'ES256' }
    expect(await outcome(authenticate(one.token(claims, header)))).toBe('ann')
    expect(await outcome(authenticate(two.token({ ...claims, sub: 'bob' }, header)))).toBe('bob')
    expect(await outcome(authenticate(two.token({ ...claims, exp: 1 }, header)))).toBe('expired')
    expect(await outcome(authenticate(stranger.token(claims, header)))).toBe('unauthenticated')
  })

  test('[AUTH4] what is no token at all is refused without asking anybody', async () => {
    const server = await serve(createKey('one'))
    const { authenticate, failures } = stand(server.url)
    for (const text of ['', 'nonsense', '..', 'a.b.c', `${base64url({ alg: 'ES256' })}..`]) {
      expect([text, await outcome(authenticate(text))]).toEqual([text, 'unauthenticated'])
    }
    expect(failures).toEqual([])
  })
})

describe('keys change', () => {
  test('[AUTH4] a new key is fetched when the first token of it comes', async () => {
    const [old, fresh] = [createKey('old'), createKey('fresh')]
    const server = await serve(old)
    const { authenticate } = stand(server.url, { times: { coolDownMs: 0 } })
    expect(await outcome(authenticate(old.token(claims)))).toBe('ann')
    server.set([old, fresh])
    expect(await outcome(authenticate(fresh.token(claims)))).toBe('ann')
    expect(await outcome(authenticate(old.token(claims)))).toBe('ann')
    expect(server.hits).toBe(2)
    server.set([fresh])
    expect(await outcome(authenticate(createKey('unknown').token(claims)))).toBe('unauthenticated')
    expect(await outcome(authenticate(old.token(claims)))).toBe('unauthenticated')
  })

  test('[AUTH4] made-up key ids are 401, and do not have the keys fetched again and again', async () => {
    const key = createKey('one')
    const server = await serve(key)
    const { authenticate } = stand(server.url)
    for (let n = 0; n < 50; n++) {
      expect(await outcome(authenticate(key.token(claims, { alg: 'ES256', kid: `made-up-${n}` })))).toBe(
        'unauthenticated',
      )
    }
    expect(await outcome(authenticate(key.token(claims)))).toBe('ann')
    expect(server.hits).toBe(1)
  })

  test('[AUTH4] many tokens at once fetch the keys once', async () => {
    const key = createKey('one')
    const server = await serve(key)
    const { authenticate } = stand(server.url)
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => outcome(authenticate(key.token(claims)))))
    expect(new Set(outcomes)).toEqual(new Set(['ann']))
    expect(server.hits).toBe(1)
  })

  test('[AUTH4] a withdrawn key is no good after five minutes, and nobody waits for that', async () => {
    const [old, fresh] = [createKey('old'), createKey('fresh')]
    const server = await serve(old)
    const { authenticate, pass } = stand(server.url, { times: { coolDownMs: 0 } })
    expect(await outcome(authenticate(old.token(claims)))).toBe('ann')
    server.set([fresh])
    pass(limits.jwksRefreshMs - 1)
    expect(await outcome(authenticate(old.token(claims)))).toBe('ann')
    expect(server.hits).toBe(1)
    pass(1)
    expect(await outcome(authenticate(old.token(claims)))).toBe('ann')
    await server.asked(2)
    // Shares the fetch that is under way.
    expect(await outcome(authenticate(fresh.token(claims)))).toBe('ann')
    expect(await outcome(authenticate(old.token(claims)))).toBe('unauthenticated')
  })
})

describe('while it cannot be reached', () => {
  test('[AUTH4] nobody listening is a fault to come back from, and the next attempt waits', async () => {
    const { authenticate, failures, pass } = stand(await nowhere())
    const token = createKey('one').token(claims)
    for (let n = 0; n < 20; n++) expect(await outcome(authenticate(token))).toBe('unavailable')
    expect(failures).toHaveLength(1)
    pass(limits.jwksPauseMs - 1)
    expect(await outcome(authenticate(token))).toBe('unavailable')
    expect(failures).toHaveLength(1)
    pass(1)
    expect(await outcome(authenticate(token))).toBe('unavailable')
    expect(failures).toHaveLength(2)
  })

  test('[AUTH4] it is taken up again when it is there, also by a clock that was set back', async () => {
    const key = createKey('one')
    const server = await serve(key)
    const { authenticate, failures, pass } = stand(server.url)
    server.respond = (response) => response.destroy()
    expect(await outcome(authenticate(key.token(claims)))).toBe('unavailable')
    server.respond = undefined
    pass(-1)
    expect(await outcome(authenticate(key.token(claims)))).toBe('ann')
    expect(failures).toHaveLength(1)
  })

  test.each<[string, KeyServer['respond']]>([
    ['never answers', () => undefined],
    ['stops in the middle', (response) => void response.writeHead(200).write('{"keys":[')],
    ['cuts the answer off', (response) => void response.writeHead(200).write('{"keys":', () => response.destroy())],
    ['has an error', (response) => void response.writeHead(500).end('{"keys":[]}')],
    ['sends elsewhere', (response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/keys' }).end()],
    ['answers no JSON', (response) => void response.end('<html>')],
    ['answers another JSON', (response) => void response.end('{"error":"maintenance"}')],
    ['answers keys that are none', (response) => void response.end('{"keys":[7]}')],
    ['answers too much', (response) => void response.end(`{"keys":[],"x":"${'x'.repeat(limits.jwksBytes)}"}`)],
  ])('[AUTH4] a server that %s is one that cannot be reached', async (_name, respond) => {
    const key = createKey('one')
    const server = await serve(key)
    server.respond = respond
    const { authenticate, failures, pass } = stand(server.url, { times: { timeoutMs: 100 } })
    const begin = performance.now()
    expect(await outcome(authenticate(key.token(claims)))).toBe('unavailable')
    expect(performance.now() - begin).toBeLessThan(limits.jwksTimeoutMs / 2)
    // A socket is closed 4401, for good, when nobody knows it by then.
    expect(limits.jwksTimeoutMs).toBeLessThan(limits.helloMs - 1000)
    expect(failures).toEqual([expect.any(Error)])
    server.respond = undefined
    pass(limits.jwksPauseMs)
    expect(await outcome(authenticate(key.token(claims)))).toBe('ann')
  })

  test.each<[string, SigningKey]>([
    ['is too short', createKey('one', 'RS256', 1024)],
    ['is not on its curve', { ...createKey('one'), jwk: { ...createKey('one').jwk, x: 'AAAA' } }],
  ])('[AUTH4] a key of the set that %s is the fault of the set, never 500', async (_name, key) => {
    const { authenticate, failures } = stand((await serve(key)).url)
    expect(await outcome(authenticate(key.token(claims)))).toBe('unavailable')
    expect(failures).toHaveLength(1)
  })

  test('[AUTH4] an outage signs nobody out whose key is known, and says nothing about unknown ones', async () => {
    const key = createKey('one')
    const server = await serve(key)
    const { authenticate, failures, pass } = stand(server.url, { times: { coolDownMs: 0 } })
    expect(await outcome(authenticate(key.token(claims)))).toBe('ann')
    server.respond = (response) => response.destroy()
    expect(await outcome(authenticate(createKey('two').token(claims)))).toBe('unavailable')
    pass(limits.jwksRefreshMs)
    for (let n = 0; n < 10; n++) expect(await outcome(authenticate(key.token(claims)))).toBe('ann')
    await server.asked(3)
    expect(await outcome(authenticate(key.token(claims)))).toBe('ann')
    expect(failures.length).toBeGreaterThan(0)
  })

  test('[AUTH4] keys that are too old are not used any more', async () => {
    const key = createKey('one')
    const server = await serve(key)
    const { authenticate } = stand(server.url, { times: { maxAgeMs: 0 } })
    expect(await outcome(authenticate(key.token(claims)))).toBe('ann')
    server.respond = (response) => response.destroy()
    expect(await outcome(authenticate(key.token(claims)))).toBe('unavailable')
  })
})

describe('what peers are told', () => {
  const lasting = { sub: 'ann', exp: Math.floor(Date.now() / 1000) + 3600 }

  test('[AUTH4] REST: 200 with the keys, 503 and when to come back without', async () => {
    const key = createKey('one')
    const [server, gone] = [await serve(key), await nowhere()]
    const rules = { now: Date.now, onUnavailable: () => undefined }
    const ask = async (url: URL) => {
      const fake = await startFakeServer({ deps: { authenticate: createJwksAuthenticate({ ...rules, url }) } })
      onTestFinished(() => fake.close())
      return restClient(fake)('GET', '/api/conversations', { token: key.token(lasting) })
    }
    expect((await ask(server.url)).status).toBe(200)
    const answer = await ask(gone)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect(answer.body).toEqual({ detail: expect.any(String), code: 'unavailable' })
  })

  test('[AUTH4] a whole server: sockets are closed 4503 while the keys are away, and 4404 when they are there', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'parley-test-'))
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
    const key = createKey('one')
    const keys = await serve(key)
    keys.respond = (response) => response.destroy()
    let nowMs = Date.now()
    const server = await startServer(
      {
        port: 0,
        host: '127.0.0.1',
        dataDir,
        logLevel: 'silent',
        auth: { kind: 'jwks', url: keys.url, issuer: undefined, audience: undefined },
        origins: [],
      },
      {
        log: createLog('silent', process.stderr),
        now: () => nowMs,
        webRoot: undefined,
        onStoreFailure: () => undefined,
        openStore: async () => createMemoryStore(),
      },
    )
    onTestFinished(() => server.close())
    const connect = (): RawSocket => new RawSocket({ url: server.url, room: freshId(), token: key.token(lasting) })
    expect(await connect().closed).toEqual({ code: 4503, reason: 'unavailable' })
    keys.respond = undefined
    nowMs += limits.jwksPauseMs
    expect(await connect().closed).toEqual({ code: 4404, reason: 'not-found' })
    const demo = await restClient({ ...server, secret: '', restart: async () => undefined })('POST', '/api/demo/token')
    expect(demo.status).toBe(404)
  })
})
