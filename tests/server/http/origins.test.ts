import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'

import { isAllowedOrigin } from '../../../server/http/origins.ts'
import { tokenOf } from '../../contract/rest/rest-client.ts'
import { type FakeServer, startFakeServer } from './fake-server.ts'

const friend = 'https://app.example.org'

describe('isAllowedOrigin', () => {
  test.each<[string | undefined, string | undefined, boolean]>([
    [undefined, 'parley.example', true],
    [undefined, undefined, true],
    ['http://parley.example', 'parley.example', true],
    ['https://parley.example', 'parley.example', true],
    ['https://parley.example', 'Parley.Example', true],
    ['http://parley.example:8787', 'parley.example:8787', true],
    ['http://[::1]:8787', '[::1]:8787', true],
    [friend, 'parley.example', true],
    ['http://parley.example:8788', 'parley.example:8787', false],
    ['http://evil.example', 'parley.example', false],
    ['http://parley.example.evil.example', 'parley.example', false],
    ['http://evil.example/parley.example', 'parley.example', false],
    ['http://parley.example@evil.example', 'parley.example', false],
    ['https://app.example.org.evil.example', 'parley.example', false],
    ['http://app.example.org', 'parley.example', false],
    ['null', 'parley.example', false],
    ['', '', false],
    ['nonsense', 'nonsense', false],
    ['http://parley.example', undefined, false],
  ])('[HTTP1] origin %s at host %s: %s', (origin, host, isAllowed) => {
    expect(isAllowedOrigin(origin, host, [friend])).toBe(isAllowed)
  })
})

describe('over HTTP', () => {
  let server: FakeServer | undefined
  beforeAll(async () => {
    server = await startFakeServer({ deps: { origins: [friend] } })
  })
  afterAll(async () => {
    await server?.close()
  })
  const ask = async (
    headers: Readonly<Record<string, string>>,
    method = 'GET',
    path = '/api/conversations',
    body?: string,
  ) => {
    if (server === undefined) throw new Error('not started')
    return fetch(server.url + path, {
      method,
      headers: { authorization: `Bearer ${tokenOf(server, 'ann')}`, ...headers },
      ...(body !== undefined && { body }),
    })
  }

  test('[HTTP1] no origin and our own are served, without leave for others', async () => {
    for (const headers of [{}, { origin: server?.url ?? '' }]) {
      const answer = await ask(headers)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
      expect(answer.headers.get('vary')).toBe('origin')
    }
  })

  test('[HTTP1] a foreign origin is 403, before the token is looked at, on every path', async () => {
    for (const path of ['/api/conversations', '/api/openapi.json', '/health/live', '/nothing', '/']) {
      const answer = await ask({ origin: 'https://evil.example', authorization: '' }, 'GET', path)
      expect(answer.status).toBe(403)
      expect(await answer.json()).toEqual({ detail: expect.any(String), code: 'origin' })
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    }
  })

  test('[HTTP1] an origin on the list is served and told so, refusals included', async () => {
    for (const headers of [{ origin: friend }, { origin: friend, authorization: '' }]) {
      const answer = await ask(headers)
      expect([200, 401]).toContain(answer.status)
      expect(answer.headers.get('access-control-allow-origin')).toBe(friend)
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
    }
  })

  test('[HTTP1][PAGE1] a page of an origin on the list may read what pages and changes say of themselves', async () => {
    const created = await ask(
      { origin: friend, 'content-type': 'application/json' },
      'POST',
      '/api/conversations',
      '{}',
    )
    expect(created.status).toBe(201)
    const { id } = z.object({ id: z.string() }).parse(await created.json())
    const answers: [path: string, names: string[]][] = [
      ['messages', ['etag', 'parley-as-of']],
      ['changes?after=0', ['parley-as-of', 'parley-more']],
    ]
    for (const [path, names] of answers) {
      const { status, headers } = await ask({ origin: friend }, 'GET', `/api/conversations/${id}/${path}`)
      expect(status).toBe(200)
      const exposed = headers.get('access-control-expose-headers')?.split(', ')
      for (const name of names) expect([...headers.keys()]).toContain(name)
      expect(exposed).toEqual(expect.arrayContaining(names))
      expect(exposed).toEqual(expect.arrayContaining([...headers.keys()].filter((name) => name.startsWith('parley-'))))
    }
    expect((await ask({})).headers.get('access-control-expose-headers')).toBeNull()
  })

  test('[HTTP1] a preflight of an origin on the list is answered without a token', async () => {
    const asked = { 'access-control-request-method': 'POST', authorization: '' }
    for (const path of ['/api/conversations', '/api/demo/token', '/api/conversations/x/messages']) {
      const answer = await ask({ ...asked, origin: friend }, 'OPTIONS', path)
      expect(answer.status).toBe(204)
      expect(answer.headers.get('access-control-allow-origin')).toBe(friend)
      expect(answer.headers.get('access-control-allow-methods')).toContain('PATCH')
      expect(answer.headers.get('access-control-allow-headers')).toContain('idempotency-key')
    }
    expect((await ask({ ...asked, origin: 'https://evil.example' }, 'OPTIONS')).status).toBe(403)
    expect((await ask({ origin: friend }, 'OPTIONS')).status).toBe(405)
  })
})
