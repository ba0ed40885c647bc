// Whoever writes too fast over REST waits first and is refused last.
import type { Socket } from 'node:net'

import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'

import { createRates, type Rates } from '../../../server/sync/rate.ts'
import { limits } from '../../../shared/limits.ts'
import { parseUserId } from '../../../shared/sync/ids.ts'
import { freshId, People, type Person } from '../../contract/rest/people.ts'
import { rawRequest } from './raw-request.ts'
import { type FakeServer, startFakeServer } from './fake-server.ts'

const running: FakeServer[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()))
})

interface Wait {
  readonly ms: number
  readonly end: () => void
}

interface Stand {
  readonly server: FakeServer
  readonly people: People
  readonly rates: Rates
  readonly bytesRead: () => number
  /** The next request that has begun to wait. */
  readonly nextWait: () => Promise<Wait>
  readonly pass: (ms: number) => void
}

/** A server on which one entry comes back in 100 ms, on a clock that stands still. */
async function start(): Promise<Stand> {
  let nowMs = 1_700_000_000_000
  const rates = createRates({ now: () => nowMs, perSecond: 10, burst: 50 })
  const begun: Wait[] = []
  let told: (() => void) | undefined
  const delay = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')))
      begun.push({ ms, end: resolve })
      told?.()
    })
  const connections: Socket[] = []
  const server = await startFakeServer({
    deps: { rates, delay },
    prepare: (app) => app.server.on('connection', (socket) => connections.push(socket)),
  })
  running.push(server)
  const nextWait = async (): Promise<Wait> => {
    const wait = begun.shift()
    if (wait !== undefined) return wait
    await new Promise<void>((resolve) => {
      told = resolve
    })
    return nextWait()
  }
  return {
    server,
    people: new People(server),
    rates,
    bytesRead: () => connections.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    nextWait,
    pass: (ms) => {
      nowMs += ms
    },
  }
}

function spend({ rates }: Stand, { name }: Person, entries: number): void {
  const user = parseUserId(name)
  if (user === undefined) throw new Error(`no user id: ${name}`)
  rates.take(user, entries)
}

const openapi = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })

describe('writing too fast', () => {
  test('[LIMIT1] first a request waits, then it is refused and told when to come back', async () => {
    const stand = await start()
    const ann = stand.people.person('ann')
    const path = await ann.creates()
    for (let n = 0; n < 49; n++) expect((await ann.post(path, `${n}`)).status).toBe(201)

    const late = ann.post(path, 'late')
    const wait = await stand.nextWait()
    expect(wait.ms).toBe(100)
    expect(await ann.reads(path, '?limit=200')).toHaveLength(49)
    wait.end()
    expect((await late).status).toBe(201)

    spend(stand, ann, 19)
    const refused = await ann.post(path, 'refused')
    expect(refused.status).toBe(429)
    expect(refused.body).toEqual({ detail: expect.any(String), code: 'overloaded' })
    expect(refused.headers.get('retry-after')).toBe('3')
    expect(await ann.reads(path, '?limit=200')).toHaveLength(50)

    stand.pass(3000)
    expect((await ann.post(path, 'again')).status).toBe(201)
  })

  test('[LIMIT1] others do not feel it, and whoever is refused can still read', async () => {
    const stand = await start()
    const [ann, bob] = [stand.people.person('ann'), stand.people.person('bob')]
    const path = await ann.creates({ [bob.name]: 'writer' })
    spend(stand, ann, 1000)
    expect((await ann.post(path, 'refused')).status).toBe(429)
    expect((await bob.post(path, 'hello')).status).toBe(201)
    expect(await ann.reads(path)).toMatchObject([{ content: 'hello' }])
    // A device whose backlog was long has to be able to come back.
    expect((await ann.call('POST', '/api/tickets')).status).toBe(201)
  })

  test('[LIMIT1][USERS1] looking for people costs as much as what it reads, and is refused to those who write too fast', async () => {
    const stand = await start()
    const ann = stand.people.person('ann')
    expect((await ann.call('GET', '/api/users')).status).toBe(200)
    // The burst is of 50 here, and the rate of 10 a second.
    const refused = await ann.call('GET', '/api/users?q=an')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '6'])
    stand.pass(60_000)
    expect((await ann.call('GET', '/api/users?q=ann')).status).toBe(200)
  })

  test('[LIMIT1] every route that writes is held to it', async () => {
    const stand = await start()
    const ann = stand.people.person('ann')
    const { paths } = openapi.parse((await stand.people.call('GET', '/api/openapi.json')).body)
    const path = await ann.creates()
    spend(stand, ann, 1000)
    const answers: Record<string, number> = {}
    for (const [template, verbs] of Object.entries(paths)) {
      const where = template.replace('/api/conversations/{id}', path).replace('{user}', 'bob').replace('{client}', '7')
      for (const verb of Object.keys(verbs).filter((name) => name !== 'get')) {
        const { status } = await ann.call(verb.toUpperCase(), where.replace('{message}', freshId()), { body: {} })
        answers[`${verb} ${template}`] = status
      }
    }
    expect(answers).toEqual({
      'delete /api/conversations/{id}': 429,
      'delete /api/conversations/{id}/invitations/{invitation}': 429,
      'delete /api/me': 429,
      'delete /api/conversations/{id}/members/{user}': 429,
      'delete /api/conversations/{id}/messages/{message}': 429,
      'delete /api/conversations/{id}/messages/{message}/pin': 429,
      'delete /api/conversations/{id}/messages/{message}/reactions/{emoji}': 429,
      'delete /api/me/state/{key}': 429,
      'patch /api/conversations/{id}': 429,
      'patch /api/conversations/{id}/messages/{message}': 429,
      'post /api/conversations': 429,
      'post /api/conversations/{id}/invitations': 429,
      'post /api/conversations/{id}/messages': 429,
      'post /api/demo/token': 404,
      'post /api/invitations/{token}/accept': 429,
      'post /api/tickets': 201,
      'put /api/conversations/{id}': 429,
      'put /api/conversations/{id}/members/{user}': 429,
      'put /api/conversations/{id}/messages/{message}/pin': 429,
      'put /api/conversations/{id}/messages/{message}/reactions/{emoji}': 429,
      'put /api/conversations/{id}/read': 429,
      'put /api/me/state/{key}': 429,
      'put /api/me': 429,
    })
  })

  test.each(['POST', 'PUT'])('[LIMIT1] members named at %s of a conversation are entries too', async (method) => {
    const stand = await start()
    const ann = stand.people.person('ann')
    const members = Array.from({ length: 69 }, (_, index) => ({ user: `member-${index}`, access: 'reader' }))
    const where = method === 'POST' ? '/api/conversations' : `/api/conversations/${freshId()}`
    expect((await ann.call(method, where, { body: { title: 'Everybody', members } })).status).toBe(201)
    const next = await ann.call('POST', '/api/conversations')
    expect([next.status, next.headers.get('retry-after')]).toEqual([429, '3'])
  })

  test('[LIMIT1] without a token nobody is charged', async () => {
    const stand = await start()
    for (let n = 0; n < 100; n++) {
      expect((await stand.people.call('POST', '/api/conversations', { token: 'nonsense' })).status).toBe(401)
    }
    expect(stand.rates.size).toBe(0)
  })

  test('[LIMIT1] the body of a request that waits is not read', async () => {
    const stand = await start()
    const ann = stand.people.person('ann')
    const path = await ann.creates()
    spend(stand, ann, 50)
    const late = ann.post(path, 'x'.repeat(limits.restBodyBytes))
    const wait = await stand.nextWait()
    // Rounds in which it would have arrived.
    for (let n = 0; n < 10; n++) await rawRequest(stand.server.url, { path: '/health/live' })
    expect(stand.bytesRead()).toBeLessThan(limits.restBodyBytes / 2)
    wait.end()
    expect((await late).status).toBe(413)
  })

  test('[LIMIT1] a server that ends keeps nobody waiting', async () => {
    const stand = await start()
    const ann = stand.people.person('ann')
    const path = await ann.creates()
    spend(stand, ann, 60)
    const late = ann.post(path, 'late')
    await stand.nextWait()
    await Promise.all(running.splice(0).map((server) => server.close()))
    const answer = await late
    expect([answer.status, answer.body]).toEqual([503, { detail: expect.any(String), code: 'restart' }])
  })
})
