/** /api/conversations/{id}/events: what happened to people, settings and pins. */

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { limits } from '../../shared/limits.ts'
import { type RestEvent, restEvent } from '../../shared/rest-event.ts'
import type { Conversations } from '../conversations.ts'
import { userOf } from './identify.ts'
import { accept, conversationOf, parseInput, requireAccess } from './input.ts'
import { describe } from './openapi.ts'
import * as shapes from './shapes.ts'

const params = z.object({ id: z.string() })
const seq = shapes.queryNumber(0, Number.MAX_SAFE_INTEGER).exactOptional()
const query = z.object({
  limit: shapes.queryNumber(1, limits.pageEvents).exactOptional(),
  before: seq,
  after: seq,
})

export function eventRoutes(scope: FastifyInstance, conversations: Conversations): void {
  const list = describe({
    operationId: 'listEvents',
    summary:
      'What happened to members, settings and pins, by ascending seq: the newest, or those behind `after`, or right before `before`',
    params,
    querystring: query,
    ok: { 200: shapes.eventsShape },
    refusals: [404, 410, 422],
  })
  scope.get(
    '/api/conversations/:id/events',
    { schema: list },
    async (request): Promise<{ readonly items: readonly RestEvent[] }> => {
      const user = userOf(request)
      const id = conversationOf(request)
      const { limit = limits.defaultPageMessages, ...bounds } = await accept(parseInput(query, request.query), () =>
        requireAccess(conversations, user, id, 'reader'),
      )
      const events = await conversations.events(user, id, { limit, ...bounds })
      return { items: events.map(restEvent) }
    },
  )
}
