import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { contentSecurityPolicy } from '../../../server/http/web.ts'
import { type FakeServer, startFakeServer } from './fake-server.ts'
import { rawRequest } from './raw-request.ts'

describe('the web chat', () => {
  let folder = ''
  let server: FakeServer | undefined
  const url = (): string => server?.url ?? ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-web-'))
    const root = join(folder, 'web')
    await mkdir(join(root, 'assets'), { recursive: true })
    await writeFile(join(folder, 'secret.txt'), 'secret')
    await writeFile(join(root, 'index.html'), '<!doctype html><title>Parley</title>')
    await writeFile(join(root, 'sw.js'), '// worker')
    await writeFile(join(root, 'assets/index-abc123.js'), '// script')
    server = await startFakeServer({ deps: { webRoot: root } })
  })
  afterAll(async () => {
    await server?.close()
    await rm(folder, { recursive: true })
  })

  test('[HTTP1] / is the page, under a policy that runs no script but its own', async () => {
    const { host } = new URL(url())
    for (const path of ['/', '/index.html']) {
      const answer = await fetch(url() + path)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(await answer.text()).toContain('Parley')
      expect(answer.headers.get('cache-control')).toBe('no-cache')
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
      const policy = answer.headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'self';")
      expect(policy).toContain(`connect-src 'self' ws://${host} wss://${host};`)
      expect(policy).not.toContain('unsafe')
    }
  })

  test('[HTTP1] a Host that would write the policy is left out of it', () => {
    for (const host of [undefined, "x; script-src 'unsafe-inline'", 'a b', 'a\r\nb', '*']) {
      expect(contentSecurityPolicy(host)).toMatch(/^default-src 'self'; connect-src 'self'; img-src/)
    }
  })

  test('[HTTP1] files with a hash in their name are kept by browsers, others are asked for', async () => {
    const script = await fetch(`${url()}/assets/index-abc123.js`)
    expect(script.status).toBe(200)
    expect(script.headers.get('content-type')).toMatch(/javascript/)
    expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    const worker = await fetch(`${url()}/sw.js`)
    expect(worker.headers.get('cache-control')).toBe('no-cache')
    const tag = worker.headers.get('etag') ?? ''
    // Not by fetch, which asks for a fresh one whenever it is told a tag.
    const again = await rawRequest(url(), { path: '/sw.js', headers: { 'if-none-match': tag } })
    expect(again.status).toBe(304)
  })

  test('[REST1] what is no file is 404, and other methods are 405, in the one shape', async () => {
    for (const path of ['/nothing', '/assets', '/assets/', '/assets/other.js', '/sync', '/api/../secret.txt']) {
      const answer = await fetch(url() + path)
      expect([path, answer.status]).toEqual([path, 404])
      expect(await answer.json()).toMatchObject({ code: 'not-found' })
    }
    const posted = await fetch(`${url()}/index.html`, { method: 'POST' })
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect(await posted.json()).toMatchObject({ code: 'method-not-allowed' })
    expect((await fetch(`${url()}/api/nothing`)).status).toBe(401)
  })

  test.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/../../secret.txt',
    '/..\\secret.txt',
  ])('[HTTP1] %s is not served', async (path) => {
    const answer = await rawRequest(url(), { path })
    expect(answer.status).toBe(404)
    expect(answer.body).not.toContain('secret')
  })
})
