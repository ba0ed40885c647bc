// The REST calls of the SDK, against answers that a test makes.
import { expect, test, vi } from 'vitest'

import { createRestClient, type RestClient, RestFailure } from '../../client/rest-client.ts'
import type { TokenSource } from '../../client/sync/token-source.ts'
import type { RestConversationItem } from '../../shared/rest.ts'
import { ann, bob, clientId, conversationId, messageId, restItem } from '../helpers/client-rows.ts'

interface Asked {
  readonly method: string
  readonly url: string
  readonly authorization: string | null
  readonly contentType: string | null
  readonly body: unknown
}

interface Rig {
  readonly rest: RestClient
  readonly asked: readonly Asked[]
}

const one = conversationId(1)

/** Answers one request after another with these; tokens are `t1`, `t2`, … unless there is only one. */
function start(answers: readonly (() => Response)[], hasOneToken = false): Rig {
  const asked: Asked[] = []
  let token = 1
  const tokens: TokenSource = {
    get: async () => `t${token}`,
    renew: () => {
      if (!hasOneToken) token++
      return !hasOneToken
    },
  }
  const waiting = [...answers]
  const fetch = vi.fn<typeof globalThis.fetch>(async (url, init = {}) => {
    const headers = new Headers(init.headers)
    expect(init.signal).toBeInstanceOf(AbortSignal)
    asked.push({
      method: init.method ?? '',
      url: typeof url === 'string' ? url : 'not a string',
      authorization: headers.get('authorization'),
      contentType: headers.get('content-type'),
      body: typeof init.body === 'string' ? JSON.parse(init.body) : undefined,
    })
    const answer = waiting.shift()
    if (answer === undefined) throw new Error('one request too many')
    return answer()
  })
  return { rest: createRestClient('http://a.example', tokens, fetch), asked }
}

const json =
  (body: unknown, status = 200) =>
  (): Response =>
    Response.json(body, { status })

function item(number: number): RestConversationItem {
  return restItem(conversationId(number))
}

test('[CLIENT3] a conversation is registered with PUT, its title and its members', async () => {
  const { rest, asked } = start([json({}, 201)])
  await rest.register(one, { title: 'Harbour', members: [{ user: bob, access: 'writer' }] })
  expect(asked).toEqual([
    {
      method: 'PUT',
      url: `http://a.example/api/conversations/${one}`,
      authorization: 'Bearer t1',
      contentType: 'application/json',
      body: { title: 'Harbour', members: [{ user: 'bob', access: 'writer' }] },
    },
  ])
})

test('conversations come page by page, and all of them', async () => {
  const { rest, asked } = start([
    json({ items: [item(1), item(2)], next_cursor: 'a&b=c' }),
    json({ items: [], next_cursor: 'd' }),
    json({ items: [item(3)], next_cursor: null }),
  ])
  expect(await rest.conversations()).toEqual([item(1), item(2), item(3)])
  expect(asked.map(({ method, url, body }) => [method, url.split('?')[1], body])).toEqual([
    ['GET', 'limit=200', undefined],
    ['GET', 'limit=200&cursor=a%26b%3Dc', undefined],
    ['GET', 'limit=200&cursor=d', undefined],
  ])
})

test('a token that is refused is renewed once', async () => {
  const { rest, asked } = start([json({ code: 'expired' }, 401), json({ items: [], next_cursor: null })])
  expect(await rest.conversations()).toEqual([])
  expect(asked.map(({ authorization }) => authorization)).toEqual(['Bearer t1', 'Bearer t2'])
})

test('a second refusal is told', async () => {
  const refusal = json({ code: 'unauthenticated', detail: 'No valid token.' }, 401)
  const { rest, asked } = start([refusal, refusal])
  await expect(rest.conversations()).rejects.toMatchObject({ status: 401, code: 'unauthenticated', isPermanent: false })
  expect(asked).toHaveLength(2)
})

test('a token that cannot be renewed is not tried again', async () => {
  const { rest, asked } = start([json({ code: 'expired', detail: 'The token has expired.' }, 401)], true)
  await expect(rest.conversations()).rejects.toThrow('The token has expired.')
  expect(asked).toHaveLength(1)
})

test('the newest are one request, for no more than a page holds', async () => {
  const { rest, asked } = start([
    json({ items: [item(1)], next_cursor: 'more' }),
    json({ items: [], next_cursor: null }),
  ])
  expect(await rest.newest(3)).toEqual([item(1)])
  await rest.newest(500)
  expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'GET http://a.example/api/conversations?limit=3',
    'GET http://a.example/api/conversations?limit=200',
  ])
})

test('a renewal serves the body again', async () => {
  const { rest, asked } = start([json({}, 401), json({}, 201)])
  await rest.register(one, { members: [{ user: ann, access: 'owner' }] })
  expect(asked.map(({ body }) => body)).toEqual([
    { members: [{ user: 'ann', access: 'owner' }] },
    { members: [{ user: 'ann', access: 'owner' }] },
  ])
})

test.each([
  [400, true],
  [401, false],
  [403, true],
  [404, true],
  [408, false],
  [409, true],
  [410, true],
  [422, true],
  [429, false],
  [500, false],
  [503, false],
])('[SYNC3] asking again after %i: permanent is %s', async (status, isPermanent) => {
  const { rest } = start([json({ code: 'a-code', detail: 'A detail.' }, status)], true)
  const failure: unknown = await rest.conversations().catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(RestFailure)
  expect(failure).toMatchObject({ name: 'RestFailure', message: 'A detail.', code: 'a-code', status, isPermanent })
})

test.each([
  ['no JSON', (): Response => new Response('<html>', { status: 502 })],
  ['no object', json(null, 502)],
  ['other types', json({ code: 7, detail: {} }, 502)],
])('a failure that does not explain itself (%s) still is one', async (_what, answer) => {
  const { rest } = start([answer])
  await expect(rest.conversations()).rejects.toMatchObject({ status: 502, code: 'unknown', message: 'HTTP 502' })
})

test('no answer is told as it is', async () => {
  const { rest } = start([])
  await expect(rest.conversations()).rejects.toThrow('one request too many')
})

test.each<[string, unknown]>([
  ['no object', 7],
  ['null', null],
  ['no items', { next_cursor: null }],
  ['no cursor', { items: [] }],
  ['items that are none', { items: {}, next_cursor: null }],
  ['a cursor that is none', { items: [], next_cursor: 7 }],
  ['an item that is none', { items: [null], next_cursor: null }],
  ['an item without unread', { items: [{ id: one, updated_at: '2026-01-01T00:00:00Z' }], next_cursor: null }],
  ['an item without an id', { items: [{ ...item(1), id: '7' }], next_cursor: null }],
  ['an item without a time', { items: [{ ...item(1), updated_at: 'today' }], next_cursor: null }],
  ['an item with odd unread', { items: [{ ...item(1), unread: '1' }], next_cursor: null }],
])('an answer in another language is an error: %s', async (_what, answer) => {
  const { rest } = start([json(answer)])
  await expect(rest.conversations()).rejects.toThrow('another language')
})

const stored = {
  id: messageId(1),
  conversation_id: one,
  user_id: bob,
  role: 'user',
  content: 'Ahoy',
  created_at: '2026-01-01T00:00:00.000Z',
  written_at: '2026-01-01T00:00:00.000Z',
  seq: 4,
  revision: 9,
}

const page = (body: unknown, headers: Readonly<Record<string, string>>) => (): Response =>
  Response.json(body, { headers })

test('[PAGE1] messages come with their revisions and with what they take account of', async () => {
  const { rest, asked } = start([page([stored], { 'parley-as-of': '12' })])
  const answer = await rest.messages(one, { before: 5, limit: 200 })
  expect(answer).toMatchObject({ asOf: 12, messages: [{ id: messageId(1), user: bob, seq: 4, revision: 9 }] })
  expect(asked[0]?.url).toBe(`http://a.example/api/conversations/${one}/messages?before=5&limit=200`)
})

test('[PAGE2] changes say whether there are more', async () => {
  const { rest, asked } = start([
    page([stored], { 'parley-as-of': '12', 'parley-more': 'true' }),
    page([], { 'parley-as-of': '12' }),
  ])
  expect(await rest.changes(one, 7)).toMatchObject({ hasMore: true, asOf: 12 })
  expect(await rest.changes(one, 9)).toMatchObject({ hasMore: false, messages: [] })
  expect(asked[0]?.url).toBe(`http://a.example/api/conversations/${one}/changes?after=7&limit=200`)
})

test('[ARCH2] what became of entries of a chain is told; a chain that nobody knows is none', async () => {
  const chain = {
    client: 7,
    next_clock: 2,
    entries: [
      { clock: 0, state: 'accepted', seq: 3, crc: 5 },
      { clock: 1, state: 'void', reason: 'access', crc: 6 },
    ],
  }
  const { rest } = start([json(chain), json({ code: 'not-found', detail: '' }, 404), json({}, 503)])
  expect(await rest.chain(one, clientId(7), 0)).toEqual(chain)
  expect(await rest.chain(one, clientId(7), 0)).toBeUndefined()
  await expect(rest.chain(one, clientId(7), 0)).rejects.toThrow(RestFailure)
})

test('[QUOTE1] one message is asked for by its id; what the server does not have is undefined, and no message an error', async () => {
  const { rest, asked } = start([json(stored), json({ code: 'not-found', detail: '' }, 404), json({}), json({}, 503)])
  const ask = (): Promise<unknown> => rest.message(one, messageId(1))
  expect(await ask()).toMatchObject({ seq: stored.seq, content: stored.content })
  expect(asked[0]?.url).toBe(`http://a.example/api/conversations/${one}/messages/${messageId(1)}`)
  expect(await ask()).toBeUndefined()
  await expect(ask()).rejects.toThrow('another language')
  await expect(ask()).rejects.toThrow(RestFailure)
})

test('[VERSION1] what a message said is read back, and what is no such list is another language', async () => {
  const version = {
    content: 'one',
    written_at: '2026-01-01T00:00:00.001Z',
    created_at: '2026-01-01T00:00:00.002Z',
    seq: 3,
  }
  const { rest } = start([json({ items: [version] }), json({ items: [{ ...version, seq: -1 }] }), json([version])])
  const at = Date.UTC(2026, 0, 1)
  expect(await rest.versions(one, messageId(1))).toEqual([
    { content: 'one', writtenAt: at + 1, sent: { seq: 3, createdAt: at + 2 } },
  ])
  for (let time = 0; time < 2; time++) {
    await expect(rest.versions(one, messageId(1))).rejects.toThrow('another language')
  }
})

test('[UNREAD1] what there is to read is told with where it is counted from', async () => {
  const { rest } = start([
    json({ ...item(1), unread: 3, mentions: 1, read_through: null, last_seq: 9 }),
    json({ ...item(1), unread: 0, read_through: 4, read_threads: { [messageId(1)]: 7 }, last_seq: 9 }),
  ])
  expect(await rest.counts(one)).toEqual({
    unread: 3,
    mentions: 1,
    readThrough: -1,
    readThreads: new Map(),
    lastSeq: 9,
  })
  expect(await rest.counts(one)).toEqual({
    unread: 0,
    mentions: 0,
    readThrough: 4,
    readThreads: new Map([[messageId(1), 7]]),
    lastSeq: 9,
  })
})

test.each([
  ['no list', {}, { 'parley-as-of': '1' }],
  ['no seq', [stored], {}],
  ['no message', [{ ...stored, role: 'other' }], { 'parley-as-of': '1' }],
  ['what was not asked for', [{ ...stored, seq: 1 }], { 'parley-as-of': '1' }],
  ['one twice', [stored, stored], { 'parley-as-of': '1' }],
])('an answer in another language is an error: %s', async (_name, body, headers) => {
  const { rest } = start([page(body, headers)])
  await expect(rest.messages(one, { after: 1, limit: 2 })).rejects.toThrow('another language')
})
