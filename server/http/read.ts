/** /api/conversations/{id}/read: how far whoever asks has come. */

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ReadRegister } from '../../shared/chat/roster.ts'
import type { RestRead } from '../../shared/rest.ts'
import type { Conversations, Seen } from '../conversations.ts'
import { bodyInput } from './body.ts'
import { userOf } from './identify.ts'
import { accept, conversationOf, requireAccess } from './input.ts'
import { describe } from './openapi.ts'
import type { Pace } from './pace.ts'
import * as shapes from './shapes.ts'

const params = z.object({ id: z.string() })

export function readRoutes(scope: FastifyInstance, conversations: Conversations, pace: Pace): void {
  const put = describe({
    operationId: 'markRead',
    summary:
      'Says up to which seq you have read, all or a thread, or a device of yours has received; none ever goes back. What you read is not marked unread any more',
    params,
    body: shapes.readRequest,
    ok: { 200: shapes.readShape },
    refusals: [404, 409, 410, 413, 415, 422],
  })
  const path = '/api/conversations/:id/read'
  scope.put(path, { schema: put, onRequest: pace.beforeWrite }, async (request): Promise<RestRead> => {
    const user = userOf(request)
    const id = conversationOf(request)
    const seen = await accept(bodyInput(shapes.readRequest, request), () =>
      requireAccess(conversations, user, id, 'reader'),
    )
    return restRegister(await conversations.read(user, id, seenIn(seen)))
  })
}

function seenIn({ private: isPrivate = false, ...seen }: z.output<typeof shapes.readRequest>): Seen {
  const { through, received: _received, ...where } = seen
  return isPrivate && through !== undefined ? { through, ...where, private: true } : seen
}

export function restRegister({ through, received }: ReadRegister): RestRead {
  return { through: through < 0 ? null : through, received: received < 0 ? null : received }
}
