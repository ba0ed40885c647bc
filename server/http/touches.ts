/** /api/conversations/{id}/messages/{message}: what changes a message: edits, redactions, reactions, pins. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { MessageId } from '../../shared/chat/entry.ts'
import { restMessage } from '../../shared/rest.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { userOf } from './identify.ts'
import { accept, conversationOf, messageOf, parameter, parseInput, requireAccess } from './input.ts'
import type { MessageDeps } from './messages.ts'
import { editInput } from './new-message.ts'
import { describe } from './openapi.ts'
import * as shapes from './shapes.ts'

const params = z.object({ id: z.string(), message: z.string() })
const reactionParams = params.extend({ emoji: z.string() })
const emojiParameter = z.object({ emoji: shapes.emoji })

export function touchRoutes(scope: FastifyInstance, deps: MessageDeps): void {
  editRoutes(scope, deps)
  reactionRoutes(scope, deps)
  pinRoutes(scope, deps)
}

function editRoutes(scope: FastifyInstance, { conversations, pace, now }: MessageDeps): void {
  const path = '/api/conversations/:id/messages/:message'
  const onRequest = pace.beforeWrite

  const patch = describe({
    operationId: 'editMessage',
    summary: 'Edits one of your messages; 410 when its content was taken away',
    params,
    body: shapes.messagePatch,
    ok: { 200: shapes.messageShape },
    refusals: [404, 410, 413, 415, 422],
  })
  scope.patch(path, { schema: patch, onRequest }, async (request) => {
    const user = userOf(request)
    const id = conversationOf(request)
    const of = await messageOf(conversations, user, request)
    const entry = await accept(editInput(request, of, now()), () => requireAccess(conversations, user, id, 'writer'))
    await conversations.apply(user, id, entry)
    return restMessage(id, await conversations.message(user, id, of))
  })

  const remove = describe({
    operationId: 'redactMessage',
    summary: 'Takes away the content of a message, for good; it keeps its place',
    params,
    ok: { 204: undefined },
    refusals: [404, 410],
  })
  scope.delete(path, { schema: remove, onRequest }, async (request, reply) => {
    const user = userOf(request)
    const of = await messageOf(conversations, user, request)
    await conversations.apply(user, conversationOf(request), { kind: 'redact', of })
    return reply.code(204).send()
  })
}

function reactionRoutes(scope: FastifyInstance, { conversations, pace }: MessageDeps): void {
  const path = '/api/conversations/:id/messages/:message/reactions/:emoji'
  const onRequest = pace.beforeWrite

  const react = async (request: FastifyRequest, on: boolean): Promise<void> => {
    const user = userOf(request)
    const id = conversationOf(request)
    const of = await messageOf(conversations, user, request)
    const input = parseInput(emojiParameter, { emoji: parameter(request, 'emoji') })
    const { emoji } = await accept(input, () => requireAccess(conversations, user, id, 'writer'))
    await conversations.apply(user, id, { kind: 'react', of, emoji, on })
  }

  const put = describe({
    operationId: 'addReaction',
    summary: 'Reacts to a message with an emoji, percent-encoded; 409 when it has as many as it may',
    params: reactionParams,
    ok: { 204: undefined },
    refusals: [404, 409, 410, 422],
  })
  scope.put(path, { schema: put, onRequest }, async (request, reply) => {
    await react(request, true)
    return reply.code(204).send()
  })

  const remove = describe({
    operationId: 'removeReaction',
    summary: 'Takes your reaction back',
    params: reactionParams,
    ok: { 204: undefined },
    refusals: [404, 410, 422],
  })
  scope.delete(path, { schema: remove, onRequest }, async (request, reply) => {
    await react(request, false)
    return reply.code(204).send()
  })
}

function pinRoutes(scope: FastifyInstance, { conversations, pace }: MessageDeps): void {
  const path = '/api/conversations/:id/messages/:message/pin'
  const onRequest = pace.beforeWrite

  const pin = async (request: FastifyRequest, on: boolean): Promise<void> => {
    const user: UserId = userOf(request)
    const of: MessageId = await messageOf(conversations, user, request)
    await conversations.apply(user, conversationOf(request), { kind: 'pin', of, on })
  }

  const put = describe({
    operationId: 'pinMessage',
    summary: 'Pins a message; 409 when there are as many as there may be',
    params,
    ok: { 204: undefined },
    refusals: [404, 409, 410],
  })
  scope.put(path, { schema: put, onRequest }, async (request, reply) => {
    await pin(request, true)
    return reply.code(204).send()
  })

  const remove = describe({
    operationId: 'unpinMessage',
    summary: 'Unpins a message',
    params,
    ok: { 204: undefined },
    refusals: [404, 410],
  })
  scope.delete(path, { schema: remove, onRequest }, async (request, reply) => {
    await pin(request, false)
    return reply.code(204).send()
  })
}
