/** /api/conversations/{id}/changes and /pins: messages by what happened to them. */

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { limits } from '../../shared/limits.ts'
import { restMessage } from '../../shared/rest.ts'
import type { Conversations } from '../conversations.ts'
import { userOf } from './identify.ts'
import { accept, conversationOf, parseInput, requireAccess } from './input.ts'
import { describe } from './openapi.ts'
import * as shapes from './shapes.ts'

const params = z.object({ id: z.string() })
const query = z.object({
  after: shapes.queryNumber(0, Number.MAX_SAFE_INTEGER).exactOptional(),
  limit: shapes.queryNumber(1, limits.pageMessages).exactOptional(),
})

export function changeRoutes(scope: FastifyInstance, conversations: Conversations): void {
  const changes = describe({
    operationId: 'listChanges',
    summary: 'Messages that were changed behind a seq, as they are now, by ascending revision',
    params,
    querystring: query,
    ok: { 200: z.array(shapes.messageShape) },
    sent: { 200: ['parley-as-of', 'parley-more'] },
    refusals: [404, 410, 422],
  })
  scope.get('/api/conversations/:id/changes', { schema: changes }, async (request, reply) => {
    const user = userOf(request)
    const id = conversationOf(request)
    const { after = -1, limit = limits.defaultPageMessages } = await accept(parseInput(query, request.query), () =>
      requireAccess(conversations, user, id, 'reader'),
    )
    const { messages, asOf, more } = await conversations.changes(user, id, { after, limit })
    void reply.headers({ 'parley-as-of': String(asOf), 'parley-more': String(more) })
    return messages.map((message) => restMessage(id, message))
  })

  const pins = describe({
    operationId: 'listPins',
    summary: 'The pinned messages, in the order in which they were pinned',
    params,
    ok: { 200: shapes.pinsShape },
    refusals: [404, 410],
  })
  scope.get('/api/conversations/:id/pins', { schema: pins }, async (request) => {
    const id = conversationOf(request)
    const messages = await conversations.pins(userOf(request), id)
    return { items: messages.map((message) => restMessage(id, message)) }
  })
}
