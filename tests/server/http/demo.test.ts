import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { createAuthenticate, createDemo } from '../../../server/http/auth.ts'
import { loadKey } from '../../../server/http/data-key.ts'
import { restClient } from '../../contract/rest/rest-client.ts'
import { startFakeServer } from './fake-server.ts'
import { rawRequest } from './raw-request.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-demo-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

describe('the key', () => {
  test('[AUTH3] it is made once, of 32 random bytes, and is its owner only to read', async () => {
    const data = join(folder, 'not', 'there', 'yet')
    const key = await loadKey(data, 'demo-key', randomBytes)
    expect(key).toHaveLength(32)
    expect(await loadKey(data, 'demo-key', randomBytes)).toEqual(key)
    expect(await readdir(data)).toEqual(['demo-key'])
    expect((await stat(join(data, 'demo-key'))).mode & 0o777).toBe(0o600)
    expect(await loadKey(folder, 'demo-key', randomBytes)).not.toEqual(key)
  })

  test('[AUTH3] a key that others may read is closed to them', async () => {
    const key = await loadKey(folder, 'demo-key', randomBytes)
    await chmod(join(folder, 'demo-key'), 0o644)
    expect(await loadKey(folder, 'demo-key', randomBytes)).toEqual(key)
    expect((await stat(join(folder, 'demo-key'))).mode & 0o777).toBe(0o600)
  })

  test('[AUTH3] what a crash left unfinished is neither used nor in the way', async () => {
    await writeFile(join(folder, 'demo-key.unfinished'), 'half', { mode: 0o644 })
    const key = await loadKey(folder, 'demo-key', () => new Uint8Array(32).fill(7))
    expect(key).toEqual(new Uint8Array(32).fill(7))
    expect((await stat(join(folder, 'demo-key'))).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['demo-key'])
  })

  test.each(['', 'short', `${'A'.repeat(43)}!`, 'A'.repeat(44)])(
    '[AUTH3] a file with "%s" is an error, never replaced',
    async (text) => {
      await writeFile(join(folder, 'demo-key'), text)
      await expect(loadKey(folder, 'demo-key', randomBytes)).rejects.toThrow(/is not a key/)
      expect(await readFile(join(folder, 'demo-key'), 'utf8')).toBe(text)
    },
  )

  test('[AUTH3] a key that cannot be read is an error', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(loadKey(join(folder, 'file'), 'demo-key', randomBytes)).rejects.toThrow(/cannot be read/)
  })
})

describe('its tokens', () => {
  const now = Date.now
  const startDemo = async (origins: readonly string[] = []) => {
    const key = await loadKey(folder, 'demo-key', randomBytes)
    const authenticate = createAuthenticate({ secret: key, now })
    return startFakeServer({ deps: { authenticate, demo: createDemo(key, now), origins } })
  }
  const ask = { body: { user: 'ann' } }

  test('[AUTH3] whoever asks gets a token of 30 days, which a restarted server still takes', async () => {
    const first = await startDemo()
    const answer = await restClient(first)('POST', '/api/demo/token', ask)
    expect(answer.status).toBe(200)
    const { token, user, expires_at: end } = answer.body as { token: string; user: string; expires_at: string }
    expect(user).toBe('ann')
    const days = (Date.parse(end) - now()) / 86_400_000
    expect(days).toBeGreaterThan(29.99)
    expect(days).toBeLessThanOrEqual(30)
    await first.close()

    const second = await startDemo()
    expect((await restClient(second)('GET', '/api/conversations', { token })).status).toBe(200)
    await second.close()
  })

  test('[AUTH3] a user id is checked, unknown fields are ignored', async () => {
    const server = await startDemo()
    const call = restClient(server)
    for (const body of [{}, { user: '' }, { user: 'a/b' }, { user: 7 }, [], null]) {
      expect((await call('POST', '/api/demo/token', { body })).status).toBe(422)
    }
    expect((await call('POST', '/api/demo/token')).status).toBe(422)
    expect((await call('POST', '/api/demo/token', { body: { user: 'ann', days: 9000 } })).status).toBe(200)
    await server.close()
  })

  test('[AUTH3] outside demo mode there is no such path, whatever is sent', async () => {
    const server = await startFakeServer()
    const call = restClient(server)
    for (const sent of [ask, {}, { raw: '{' }]) {
      expect((await call('POST', '/api/demo/token', sent)).status).toBe(404)
    }
    await server.close()
  })

  test('[AUTH3] in demo mode a page whose name was pointed at this machine gets nothing', async () => {
    const server = await startDemo(['https://chat.example.org'])
    const statusFor = async (host: string): Promise<number> =>
      (await rawRequest(server.url, { path: '/health/live', headers: { host } })).status
    const { port } = new URL(server.url)
    for (const host of [`localhost:${port}`, 'LOCALHOST', '127.0.0.1', '127.1.2.3:1', '[::1]:9', 'chat.example.org']) {
      expect([host, await statusFor(host)]).toEqual([host, 200])
    }
    for (const host of [
      `evil.example:${port}`,
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      '192.168.1.1',
      '%',
    ]) {
      expect([host, await statusFor(host)]).toEqual([host, 403])
    }
    const refused = await rawRequest(server.url, {
      method: 'POST',
      path: '/api/demo/token',
      headers: { host: 'evil.example', origin: 'http://evil.example' },
    })
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'host' })
    await server.close()
  })
})
