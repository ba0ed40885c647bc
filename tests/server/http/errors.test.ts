// Refusals that need a broken service or a broken request; the others are acceptance cases.
import { once } from 'node:events'
import { connect, Socket } from 'node:net'

import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'

import { Conflict, type Conversations, Refused } from '../../../server/conversations.ts'
import type { VoidReason } from '../../../shared/chat/policy.ts'
import { Fault, type FaultCode } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import { People } from '../../contract/rest/people.ts'
import { restClient } from '../../contract/rest/rest-client.ts'
import { type FakeServer, type FakeServerOptions, partialConversations, startFakeServer } from './fake-server.ts'
import { rawBytes, rawRequest } from './raw-request.ts'

const running: FakeServer[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()))
})

async function start(options: FakeServerOptions = {}): Promise<FakeServer> {
  const server = await startFakeServer(options)
  running.push(server)
  return server
}

async function startFailing(get: () => Error): Promise<People> {
  const fail = async (): Promise<never> => {
    throw get()
  }
  const some: Partial<Conversations> = { get: fail, own: fail }
  return new People(await start({ deps: { conversations: partialConversations(some) }, logLevel: 'silent' }))
}

const path = '/api/conversations/01890a5d-ac96-774b-bcce-b302099a8057'

describe('errors of the service', () => {
  test.each<[FaultCode, number, string | null]>([
    ['no-access', 403, null],
    ['not-found', 404, null],
    ['deleted', 410, null],
    ['overloaded', 429, '1'],
    ['unavailable', 503, '1'],
    ['restart', 503, '1'],
  ])('[REST1] Fault %s is %d', async (code, status, retryAfter) => {
    const people = await startFailing(() => new Fault(code))
    const answer = await people.person('ann').call('GET', path)
    expect(answer.status).toBe(status)
    expect(answer.body).toEqual({ detail: new Fault(code).message, code })
    expect(answer.headers.get('retry-after')).toBe(retryAfter)
  })

  test.each<[VoidReason, number]>([
    ['access', 403],
    ['not-author', 403],
    ['no-target', 404],
    ['last-owner', 409],
    ['too-many', 409],
    ['redacted', 410],
    ['duplicate', 409],
    ['id-taken', 409],
    ['too-large', 413],
    ['beyond-end', 422],
    ['bad-schema', 422],
  ])('[REST1] Refused %s is %d', async (reason, status) => {
    const conversations = partialConversations({
      post: async () => {
        throw new Refused(reason)
      },
    })
    const people = new People(await start({ deps: { conversations } }))
    const answer = await people.person('ann').post(path, 'hello')
    expect([answer.status, answer.body]).toEqual([status, { detail: expect.any(String), code: reason }])
  })

  test.each(['id-taken', 'other-content'] as const)('[REST1] Conflict %s is 409', async (code) => {
    const conversations = partialConversations({
      post: async () => {
        throw new Conflict(code)
      },
    })
    const people = new People(await start({ deps: { conversations } }))
    const answer = await people.person('ann').post(path, 'hello')
    expect([answer.status, answer.body]).toEqual([409, { detail: expect.any(String), code }])
  })

  test('[REST1] our own bug is 500 and tells nothing', async () => {
    const people = await startFailing(() => new TypeError('the secret content is undefined'))
    const answer = await people.person('ann').call('GET', path)
    expect(answer.status).toBe(500)
    expect(answer.body).toMatchObject({ code: 'internal' })
    expect(JSON.stringify(answer.body)).not.toContain('secret')
  })

  test('[REST7] an answer that openapi.json does not describe fails the test that meets it', async () => {
    const conversations = partialConversations({ chain: async () => ({ next: -1, places: [] }) })
    const people = new People(await start({ deps: { conversations } }))
    await expect(people.person('ann').call('GET', `${path}/chains/7`)).rejects.toThrow(/not as openapi.json says/)
    const failing = await startFailing(() => new Fault('malformed'))
    await expect(failing.person('ann').call('GET', path)).rejects.toThrow(/does not know this status/)
  })
})

describe('broken requests', () => {
  test('[REST1] a URL that does not decode is refused in the one shape', async () => {
    const { url } = await start()
    const answer = await rawRequest(url, { path: '/api/conversations/%zz' })
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.body)).toEqual({ detail: 'Bad Request.', code: 'bad-request' })
  })

  test.each([
    ['garbage', 'hello\r\n\r\n', 400],
    ['headers without end', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
    ['two lengths', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
  ])('[REST1] %s is refused in the one shape', async (_name, bytes, status) => {
    const { url } = await start()
    const answer = await rawBytes(url, bytes)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toEqual({
      detail: expect.any(String),
      code: 'bad-request',
    })
  })

  test('[AUTH1] a path written with escapes needs a token all the same', async () => {
    const server = await start()
    for (const odd of ['/%61pi/conversations', '/api/%63onversations', '//api/conversations', '/api//conversations']) {
      const { status } = await rawRequest(server.url, { path: odd })
      expect([odd, status]).toEqual([odd, odd.startsWith('//') ? 404 : 401])
    }
  })

  test('[REST1] a method that HTTP knows and we do not is refused in the one shape', async () => {
    const { url } = await start()
    const answer = await rawRequest(url, { method: 'PROPFIND', path: '/api/conversations' })
    expect(answer.status).toBe(404)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'not-found' })
  })

  test.each<[string, number, string, (socket: Socket) => void, string]>([
    // 201 is that of the conversation before.
    ['ends too early', 100, '{"role"', (socket) => socket.end(), '201'],
    ['is cut off', 100, '{"role"', (socket) => socket.destroy(), '201'],
    ['goes on and on', 9 * limits.restBodyBytes, 'x'.repeat(9 * limits.restBodyBytes), () => {}, '413'],
  ])('[REST1] a body that %s is let go and hurts nobody', async (_name, length, sent, finish, lastStatus) => {
    const lines: string[] = []
    const server = await start({ logLevel: 'info', logStream: { write: (line) => lines.push(line) } })
    const ann = new People(server).person('ann')
    const where = await ann.creates()
    const { hostname, port } = new URL(server.url)
    const head = [
      `POST ${where}/messages HTTP/1.1`,
      `host: ${hostname}`,
      `authorization: Bearer ${ann.token}`,
      'content-type: application/json',
      `content-length: ${length}`,
    ]
    const arrival = [once(server.app.server, 'connection'), once(server.app.server, 'request')] as const
    const socket = connect(Number(port), hostname).on('error', () => {})
    socket.resume().write(`${head.join('\r\n')}\r\n\r\n${sent}`)
    const [accepted] = await Promise.all(arrival)
    const [connection] = z.tuple([z.instanceof(Socket)]).parse(accepted)
    finish(socket)
    if (!connection.destroyed) await once(connection, 'close')
    socket.destroy()
    expect(lines.filter((line) => line.includes('failed'))).toEqual([])
    expect(lines.map((line) => /"status":(\d+)/.exec(line)?.[1]).at(-1)).toBe(lastStatus)
    expect(await ann.reads(where)).toEqual([])
  })
})

describe('headers', () => {
  test('[REST1] every answer forbids sniffing, referrers and, under /api, storing', async () => {
    const server = await start()
    const call = restClient(server)
    for (const where of ['/api/conversations', '/api/openapi.json', '/health/live', '/nothing']) {
      const { headers } = await call('GET', where)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cache-control')).toBe('no-store')
    }
  })

  test('[REST1] HEAD is GET without a body', async () => {
    const people = new People(await start())
    const ann = people.person('ann')
    const where = await ann.creates()
    const [head, get] = [await ann.call('HEAD', where), await ann.call('GET', where)]
    expect([head.status, head.body]).toEqual([200, undefined])
    expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'))
    expect((await people.call('HEAD', where)).status).toBe(401)
  })
})

describe('closing', () => {
  test('[REST1] what arrives while it closes is 503 in the one shape', async () => {
    const seen: unknown[] = []
    const server = await startFakeServer({
      prepare: (app) => {
        app.addHook('preClose', async () => {
          const answer = await fetch(`${app.listeningOrigin}/health/live`)
          seen.push(answer.status, await answer.json())
        })
      },
    })
    await server.close()
    expect(seen).toEqual([503, { detail: expect.any(String), code: 'restart' }])
  })
})

describe('chains', () => {
  test('[REST8] the places of a chain are told from a clock on', async () => {
    const ann = new People(await start()).person('ann')
    const where = `${await ann.creates()}/chains/7`
    const [accepted, refused] = [
      { clock: 0, state: 'accepted', seq: 0, crc: 7 },
      { clock: 1, state: 'void', reason: 'access', crc: 8 },
    ]
    expect((await ann.call('GET', where)).body).toEqual({ client: 7, next_clock: 2, entries: [accepted, refused] })
    expect((await ann.call('GET', `${where}?from=1`)).body).toEqual({ client: 7, next_clock: 2, entries: [refused] })
    expect((await ann.call('GET', `${where}?from=2`)).body).toEqual({ client: 7, next_clock: 2, entries: [] })
    for (const from of ['x', '-1', '', '4294967296']) {
      expect((await ann.call('GET', `${where}?from=${from}`)).status).toBe(422)
    }
  })
})

describe('health', () => {
  test('[REST1] ready is 503 with the reasons while it is not; warnings keep it from nothing', async () => {
    const failures: string[] = []
    const warnings: string[] = []
    const call = restClient(await start({ deps: { health: async () => ({ failures, warnings }) } }))
    expect((await call('GET', '/health/ready')).body).toEqual({ status: 'ok', warnings: [] })
    warnings.push('conversation 1 is damaged')
    expect(await call('GET', '/health/ready')).toMatchObject({ status: 200, body: { status: 'ok', warnings } })
    failures.push('The disk is full.', 'The clock is wrong.')
    const answer = await call('GET', '/health/ready')
    expect(answer.status).toBe(503)
    expect(answer.body).toEqual({ detail: 'The disk is full. The clock is wrong.', code: 'unavailable' })
    expect((await call('GET', '/health/live')).status).toBe(200)
  })
})
