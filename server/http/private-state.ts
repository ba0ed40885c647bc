/** /api/me/state: what a user's devices keep for nobody else: drafts, what is muted, what was read in private. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { isDeeperThan } from '../../shared/chat/json-object.ts'
import { privateConversationOf } from '../../shared/chat/private-conversation.ts'
import { limits } from '../../shared/limits.ts'
import type { RestPrivateState } from '../../shared/rest.ts'
import type { Conversations } from '../conversations.ts'
import { bodyInput } from './body.ts'
import { userOf } from './identify.ts'
import { bad, good, type Input, mapInput, orThrow, parameter, parseInput } from './input.ts'
import { describe } from './openapi.ts'
import type { Pace } from './pace.ts'
import { invalid } from './problem.ts'
import * as shapes from './shapes.ts'

const params = z.object({ key: z.string() })
const keyParameter = z.object({ key: z.string().min(1).max(limits.settingKeyLength) })

/** As SPEC has them. */
const keysInUse = [
  'Devices read and write these keys; what they do not understand they ignore:',
  '- `mute/{conversation}`, `favourite/{conversation}`: true',
  '- `unread/{conversation}`: true, marked as unread by hand; moves no register',
  '- `hide/{conversation}`: seq of its last message then: a later one brings it back',
  '- `draft/{conversation}`, `draft/{conversation}/{root of a thread}`: fields of a message without `kind`, `id`, `at`, `status`',
  '- `read/{conversation}`, `read/{conversation}/{root of a thread}`: seq up to which you have read without telling others',
  '- `app/…`: for applications; no device of ours touches them',
].join('\n')

export function privateStateRoutes(scope: FastifyInstance, conversations: Conversations, pace: Pace): void {
  const path = '/api/me/state/:key'
  const onRequest = pace.beforeWrite

  const list = describe({
    operationId: 'listState',
    summary: 'What your devices keep for nobody else, by key',
    description: keysInUse,
    ok: { 200: shapes.privateStateShape },
    refusals: [],
  })
  scope.get('/api/me/state', { schema: list }, async (request): Promise<RestPrivateState> => {
    const rows = await conversations.privateState(userOf(request))
    return { items: rows.map(({ key, value }) => ({ key, value })) }
  })

  const set = async (request: FastifyRequest, key: string, value: unknown): Promise<void> => {
    const user = userOf(request)
    await conversations.apply(user, privateConversationOf(user), { kind: 'set', key, value })
  }

  const put = describe({
    operationId: 'setState',
    summary: 'Keeps a value, any JSON, under a key, percent-encoded; null clears',
    description: keysInUse,
    params,
    body: shapes.privateValue,
    ok: { 204: undefined },
    refusals: [413, 415, 422],
  })
  scope.put(path, { schema: put, onRequest }, async (request, reply) => {
    const input = mapInput(keyInput(request), (key) =>
      mapInput(bodyInput(shapes.privateValue, request), ({ value = null }) =>
        isDeeperThan(value, limits.jsonDepth - 1)
          ? bad(invalid([{ path: 'value', message: 'Nested too deeply' }]))
          : good({ key, value }),
      ),
    )
    const { key, value } = orThrow(input)
    await set(request, key, value)
    return reply.code(204).send()
  })

  const remove = describe({
    operationId: 'clearState',
    summary: 'Clears a key',
    params,
    ok: { 204: undefined },
    refusals: [422],
  })
  scope.delete(path, { schema: remove, onRequest }, async (request, reply) => {
    await set(request, orThrow(keyInput(request)), null)
    return reply.code(204).send()
  })
}

function keyInput(request: FastifyRequest): Input<string> {
  return mapInput(parseInput(keyParameter, { key: parameter(request, 'key') }), ({ key }) => good(key))
}
