import { expect, test } from 'vitest'

import { limits } from '../../../shared/limits.ts'
import { freshId, type People } from './people.ts'
import type { Call } from './rest-client.ts'

interface Operation {
  readonly operationId: string
  readonly description?: string
  readonly responses: Readonly<Record<string, { readonly headers?: object }>>
}

/** Programs are made from them: none is ever changed. */
const operationIds = [
  'acceptInvitation',
  'addReaction',
  'changeConversation',
  'changeOwnProfile',
  'clearState',
  'createConversation',
  'createDemoToken',
  'createInvitation',
  'createTicket',
  'deleteAccount',
  'deleteConversation',
  'editMessage',
  'exportAccount',
  'findUsers',
  'getChain',
  'getConversation',
  'getLiveness',
  'getMessage',
  'getOpenapi',
  'getOwnProfile',
  'getReadiness',
  'getThread',
  'listChanges',
  'listConversations',
  'listEvents',
  'listInvitations',
  'listMembers',
  'listMessages',
  'listPins',
  'listProfiles',
  'listState',
  'listVersions',
  'markRead',
  'pinMessage',
  'postMessage',
  'putConversation',
  'redactMessage',
  'removeMember',
  'removeReaction',
  'revokeInvitation',
  'setMember',
  'setState',
  'unpinMessage',
]

export function shapeCases(use: () => People): void {
  test('[REST1] an unknown path is 404 in the one shape, and 401 without a token', async () => {
    const ann = use().person('ann')
    for (const path of ['/api/nothing', '/api', '/api/', '/api/docs/x', `/api/conversations/${freshId()}/nothing`]) {
      const answer = await ann.call('GET', path)
      expect([path, answer.status]).toEqual([path, 404])
      expect(answer.body).toMatchObject({ code: 'not-found' })
      expect((await use().call('GET', path)).status).toBe(401)
      expect((await ann.call('POST', path, { body: {} })).status).toBe(404)
    }
    expect((await use().call('GET', '/nothing')).status).toBe(404)
    expect((await use().call('PUT', '/nothing', { raw: '{' })).body).toMatchObject({ code: expect.any(String) })
  })

  test.each([
    ['DELETE', '/api/conversations', 'GET, HEAD, POST'],
    ['POST', `/api/conversations/${freshId()}`, 'DELETE, GET, HEAD, PATCH, PUT'],
    ['PUT', `/api/conversations/${freshId()}/messages`, 'GET, HEAD, POST'],
    ['GET', '/api/tickets', 'POST'],
    ['POST', '/api/openapi.json', 'GET, HEAD'],
    ['DELETE', '/health/live', 'GET, HEAD'],
  ])('[REST1] %s %s is 405 and names the methods there are', async (method, path, allow) => {
    const call = method === 'GET' ? {} : { raw: 'not JSON', headers: { 'content-type': 'a/b' } }
    const answer = await use().person('ann').call(method, path, call)
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe(allow)
    expect(answer.body).toMatchObject({ code: 'method-not-allowed' })
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'nonsense'])(
    '[REST1] a body of type %s is 415',
    async (type) => {
      const ann = use().person('ann')
      const path = await ann.creates()
      const call = { raw: '{"role":"user","content":"hello"}', headers: { 'content-type': type } }
      const answer = await ann.call('POST', `${path}/messages`, call)
      expect(answer.status).toBe(415)
      expect(answer.body).toMatchObject({ code: 'unsupported-media-type' })
      expect(await ann.reads(path)).toEqual([])
    },
  )

  test('[REST1] a compressed body is 415, a type with a charset is not', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const raw = '{"role":"user","content":"hello"}'
    const post = (headers: Call['headers'] = {}) => ann.call('POST', `${path}/messages`, { raw, headers })
    expect((await post({ 'content-encoding': 'gzip' })).status).toBe(415)
    expect((await post({ 'content-type': 'application/json; charset=utf-8' })).status).toBe(201)
  })

  test.each<[string, string | Uint8Array<ArrayBuffer>]>([
    ['half an object', '{"role":'],
    ['a word', 'hello'],
    ['two values', '{} {}'],
    ['a trailing comma', '{"role":"user","content":"a",}'],
    ['bytes that are no UTF-8', Uint8Array.from([0x22, 0xff, 0xfe, 0x22])],
  ])('[REST1] %s is 422 malformed', async (_name, raw) => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const answer = await ann.call('POST', `${path}/messages`, { raw })
    expect(answer.status).toBe(422)
    expect(answer.body).toEqual({ detail: expect.any(String), code: 'malformed' })
  })

  test('[REST1] what is wrong with the input is told by field', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const answer = await ann.call('POST', `${path}/messages`, { body: { role: 'system', content: 7 } })
    expect(answer.status).toBe(422)
    expect(answer.body).toMatchObject({ code: 'invalid', fields: [{ path: 'role' }, { path: 'content' }] })
  })

  test('[REST1] too much is 413, whether as one message or as a body', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const fits = limits.entryBytes - 300
    expect((await ann.post(path, 'x'.repeat(fits))).status).toBe(201)
    for (const size of [limits.entryBytes, limits.restBodyBytes + 1, 3 * limits.restBodyBytes]) {
      const answer = await ann.post(path, 'x'.repeat(size))
      expect([size, answer.status]).toEqual([size, 413])
      expect(answer.body).toMatchObject({ code: 'too-large' })
    }
    expect((await ann.post(path, '', { parts: [{ text: '€'.repeat(limits.entryBytes / 3) }] })).status).toBe(413)
    expect(await ann.reads(path)).toHaveLength(1)
  })

  test('[REST2] each refusal comes before the next', async () => {
    const [ann, bob, rob] = [use().person('ann'), use().person('bob'), use().person('rob')]
    const path = await ann.creates({ [rob.name]: 'reader' })
    const deleted = await ann.creates()
    expect((await ann.call('DELETE', deleted)).status).toBe(204)
    const unknown = `/api/conversations/${freshId()}`
    const [malformed, huge, wrong] = [
      '{"role":',
      { role: 'user', content: 'x'.repeat(limits.entryBytes) },
      { role: 'x' },
    ]
    const status = async (who: Pick<People, 'call'>, where: string, call: Call): Promise<number> =>
      (await who.call('POST', `${where}/messages`, call)).status

    for (const call of [{ raw: malformed }, { body: huge }, { body: wrong }]) {
      expect(await status(use(), path, call)).toBe(401)
    }
    for (const [who, where] of [
      [ann, path],
      [ann, unknown],
      [ann, deleted],
      [bob, path],
    ] as const) {
      expect(await status(who, where, { raw: malformed })).toBe(422)
    }
    for (const body of [huge, wrong, { role: 'user', content: 'x'.repeat(limits.restBodyBytes) }, undefined]) {
      expect(await status(ann, unknown, { body })).toBe(404)
      expect(await status(ann, '/api/conversations/nonsense', { body })).toBe(404)
      expect(await status(ann, deleted, { body })).toBe(410)
      expect(await status(bob, path, { body })).toBe(403)
      expect(await status(rob, path, { body })).toBe(403)
    }
    expect(await status(ann, path, { body: { ...huge, role: 'x' } })).toBe(413)
    expect(await status(ann, path, { body: wrong })).toBe(422)
    expect(await status(ann, path, { body: undefined })).toBe(422)
  })

  test('[REST2] the order holds for queries and for other verbs', async () => {
    const [ann, bob, rob] = [use().person('ann'), use().person('bob'), use().person('rob')]
    const path = await ann.creates({ [rob.name]: 'reader' })
    const unknown = `/api/conversations/${freshId()}`
    const bad: readonly (readonly [string, string, object | undefined])[] = [
      ['GET', '/messages?limit=0', undefined],
      ['GET', '/chains/7?from=x', undefined],
      ['PATCH', '', { title: 7 }],
      ['PUT', '/members/ann', { access: 'king' }],
      ['PUT', '/members/a%20b', { access: 'reader' }],
    ]
    for (const [method, rest, body] of bad) {
      const seen = async (who: Pick<People, 'call'>, where: string): Promise<number> =>
        (await who.call(method, where + rest, { body })).status
      expect([method, rest, await seen(use(), path)]).toEqual([method, rest, 401])
      expect([method, rest, await seen(ann, unknown)]).toEqual([method, rest, 404])
      expect([method, rest, await seen(bob, path)]).toEqual([method, rest, 403])
      expect([method, rest, await seen(ann, path)]).toEqual([method, rest, 422])
      expect([method, rest, await seen(rob, path)]).toEqual([method, rest, method === 'GET' ? 422 : 403])
    }
  })

  test('[REST7] each operation has a name of its own, which stays, and says what its answers carry beside their bodies', async () => {
    const answer = await use().call('GET', '/api/openapi.json')
    const { paths } = answer.body as { paths: Record<string, Record<string, Operation>> }
    const operations = Object.values(paths).flatMap((verbs) => Object.values(verbs))
    expect(operations.map(({ operationId }) => operationId).toSorted()).toEqual(operationIds)
    for (const { responses } of operations) {
      expect(Object.keys(responses['503']?.headers ?? {})).toEqual(['retry-after'])
    }
    const headersOf = (path: string, verb: string, status: string): readonly string[] =>
      Object.keys(paths[path]?.[verb]?.responses[status]?.headers ?? {})
    expect(headersOf('/api/conversations', 'post', '201')).toEqual(['location'])
    expect(headersOf('/api/conversations/{id}/messages', 'get', '304')).toEqual(['etag', 'parley-as-of'])
    expect(headersOf('/api/conversations/{id}/changes', 'get', '200')).toEqual(['parley-as-of', 'parley-more'])
    expect(headersOf('/api/conversations', 'get', '429')).toEqual(['retry-after'])
    const { description = '' } = paths['/api/me/state']?.['get'] ?? {}
    for (const kind of ['mute', 'hide', 'favourite', 'draft', 'read', 'unread', 'app']) {
      expect(description).toContain(`\`${kind}/`)
    }
    for (const kind of ['draft', 'read']) expect(description).toContain(`\`${kind}/{conversation}/{root of a thread}\``)
  })

  test('[REST7] openapi.json describes the routes and needs no token', async () => {
    const answer = await use().call('GET', '/api/openapi.json')
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ openapi: expect.stringMatching(/^3\.1/), info: { title: 'Parley' } })
    const { paths } = answer.body as { paths: Record<string, Record<string, object>> }
    expect(paths['/api/conversations']?.['post']).toMatchObject({ requestBody: { required: false } })
    expect(paths['/api/conversations/{id}/messages']?.['post']).toMatchObject({ requestBody: { required: true } })
    expect(paths['/health/live']?.['get']).toMatchObject({ security: [] })
    expect(
      Object.fromEntries(Object.entries(paths).map(([path, verbs]) => [path, Object.keys(verbs).toSorted()])),
    ).toEqual({
      '/api/conversations': ['get', 'post'],
      '/api/conversations/{id}': ['delete', 'get', 'patch', 'put'],
      '/api/conversations/{id}/chains/{client}': ['get'],
      '/api/conversations/{id}/changes': ['get'],
      '/api/conversations/{id}/events': ['get'],
      '/api/conversations/{id}/invitations': ['get', 'post'],
      '/api/conversations/{id}/invitations/{invitation}': ['delete'],
      '/api/conversations/{id}/members': ['get'],
      '/api/conversations/{id}/members/{user}': ['delete', 'put'],
      '/api/conversations/{id}/messages': ['get', 'post'],
      '/api/conversations/{id}/messages/{message}': ['delete', 'get', 'patch'],
      '/api/conversations/{id}/messages/{message}/pin': ['delete', 'put'],
      '/api/conversations/{id}/messages/{message}/reactions/{emoji}': ['delete', 'put'],
      '/api/conversations/{id}/messages/{message}/versions': ['get'],
      '/api/conversations/{id}/pins': ['get'],
      '/api/conversations/{id}/profiles': ['get'],
      '/api/conversations/{id}/read': ['put'],
      '/api/conversations/{id}/threads/{root}': ['get'],
      '/api/demo/token': ['post'],
      '/api/me/state': ['get'],
      '/api/me/state/{key}': ['delete', 'put'],
      '/api/invitations/{token}/accept': ['post'],
      '/api/me': ['delete', 'get', 'put'],
      '/api/me/export': ['get'],
      '/api/openapi.json': ['get'],
      '/api/tickets': ['post'],
      '/api/users': ['get'],
      '/health/live': ['get'],
      '/health/ready': ['get'],
    })
  })
}
