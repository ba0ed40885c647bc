/** /api/conversations/{id}/messages: append, history, one message. */

import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { limits } from '../../shared/limits.ts'
import { restMessage } from '../../shared/rest.ts'
import type { Conversations } from '../conversations.ts'
import { userOf } from './identify.ts'
import { accept, conversationOf, messageOf, parseInput, requireAccess } from './input.ts'
import { messageInput } from './new-message.ts'
import { describe } from './openapi.ts'
import type { Pace } from './pace.ts'
import * as shapes from './shapes.ts'

const params = z.object({ id: z.string() })
const postHeaders = z.object({ 'idempotency-key': z.string().min(1).max(255).exactOptional() })
const listHeaders = z.object({ 'if-none-match': z.string().exactOptional() })

const seq = shapes.queryNumber(0, Number.MAX_SAFE_INTEGER).exactOptional()
const query = z
  .object({
    limit: shapes.queryNumber(1, limits.pageMessages).exactOptional(),
    before: seq,
    after: seq,
    around: seq,
    thread: shapes.messageId.exactOptional(),
  })
  .refine(
    ({ before, after, around }) => [before, after, around].filter((bound) => bound !== undefined).length <= 1,
    'At most one of before, after and around',
  )

export interface MessageDeps {
  readonly conversations: Conversations
  readonly pace: Pace
  readonly now: () => number
}

export function messageRoutes(scope: FastifyInstance, { conversations, pace, now }: MessageDeps): void {
  const path = '/api/conversations/:id/messages'

  const post = describe({
    operationId: 'postMessage',
    summary: 'Appends a message; 200 when an earlier request with its id or Idempotency-Key already had',
    params,
    headers: postHeaders,
    body: shapes.newMessage,
    ok: { 200: shapes.messageShape, 201: shapes.messageShape },
    sent: { 201: ['location'] },
    refusals: [404, 409, 410, 413, 415, 422],
  })
  scope.post(path, { schema: post, onRequest: pace.beforeWrite }, async (request, reply) => {
    const user = userOf(request)
    const id = conversationOf(request)
    const { entry, idempotencyKey } = await accept(messageInput(request, now()), () =>
      requireAccess(conversations, user, id, 'writer'),
    )
    const { message, created } = await conversations.post(user, id, entry, idempotencyKey)
    if (created) void reply.code(201).header('location', `/api/conversations/${id}/messages/${message.id}`)
    return restMessage(id, message)
  })

  const list = describe({
    operationId: 'listMessages',
    summary: 'Messages by ascending seq: the newest, or those next to a seq, or of a thread',
    params,
    querystring: query,
    headers: listHeaders,
    ok: { 200: z.array(shapes.messageShape), 304: undefined },
    sent: { 200: ['etag', 'parley-as-of'], 304: ['etag', 'parley-as-of'] },
    refusals: [404, 410, 422],
  })
  scope.get(path, { schema: list }, async (request, reply) => {
    const user = userOf(request)
    const id = conversationOf(request)
    const { limit = limits.defaultPageMessages, ...bounds } = await accept(parseInput(query, request.query), () =>
      requireAccess(conversations, user, id, 'reader'),
    )
    const { messages, asOf } = await conversations.messages(user, id, { limit, ...bounds })
    void reply.header('parley-as-of', String(asOf))
    return sendTagged(request, reply, JSON.stringify(messages.map((message) => restMessage(id, message))))
  })

  const one = describe({
    operationId: 'getMessage',
    summary: 'A message',
    params: params.extend({ message: z.string() }),
    ok: { 200: shapes.messageShape },
    refusals: [404, 410],
  })
  scope.get(`${path}/:message`, { schema: one }, async (request) => {
    const user = userOf(request)
    const id = conversationOf(request)
    const messageId = await messageOf(conversations, user, request)
    return restMessage(id, await conversations.message(user, id, messageId))
  })
}

/** Answers 304 when the client already has these very bytes. */
function sendTagged(request: FastifyRequest, reply: FastifyReply, json: string): FastifyReply {
  const tag = `"${createHash('sha256').update(json).digest('base64url')}"`
  void reply.header('etag', tag)
  const known = (request.headers['if-none-match'] ?? '').split(',').map((text) => text.trim().replace(/^W\//, ''))
  if (known.includes(tag) || known.includes('*')) return reply.code(304).send()
  return reply.type('application/json; charset=utf-8').send(json)
}
