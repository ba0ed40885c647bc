/** /api/conversations/{id}/threads/{root}: what a thread comes to for whoever asks. */

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { type RestThread, restMessage } from '../../shared/rest.ts'
import type { Conversations } from '../conversations.ts'
import { userOf } from './identify.ts'
import { conversationOf, messageOf } from './input.ts'
import { describe } from './openapi.ts'
import * as shapes from './shapes.ts'

const params = z.object({ id: z.string(), root: z.string() })

export function threadRoutes(scope: FastifyInstance, conversations: Conversations): void {
  const get = describe({
    operationId: 'getThread',
    summary: 'The thread of a message: its root, and what you have not read of it; its messages: …/messages?thread=',
    params,
    ok: { 200: shapes.threadShape },
    refusals: [404, 410],
  })
  scope.get('/api/conversations/:id/threads/:root', { schema: get }, async (request): Promise<RestThread> => {
    const user = userOf(request)
    const id = conversationOf(request)
    const of = await messageOf(conversations, user, request, 'root')
    const { root, unread, mentions, through } = await conversations.thread(user, id, of)
    return { root: restMessage(id, root), unread, mentions, read_through: through < 0 ? null : through }
  })
}
