/** /api/conversations/{id}/messages/{message}/versions: what an own message said before. */

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { limits } from '../../shared/limits.ts'
import { restTime, type RestVersion } from '../../shared/rest.ts'
import type { Conversations, MessageVersion } from '../conversations.ts'
import { userOf } from './identify.ts'
import { conversationOf, messageOf } from './input.ts'
import { describe } from './openapi.ts'
import * as shapes from './shapes.ts'

const params = z.object({ id: z.string(), message: z.string() })

export function versionRoutes(scope: FastifyInstance, conversations: Conversations): void {
  const versions = describe({
    operationId: 'listVersions',
    summary:
      'All that one of your messages has said, by ascending seq: as it was first sent, then as each edit left it. The ' +
      `newest ${limits.versions} and ${limits.versionBytes} bytes of them; 410 when its content was taken away`,
    params,
    ok: { 200: shapes.versionsShape },
    refusals: [404, 410],
  })
  scope.get('/api/conversations/:id/messages/:message/versions', { schema: versions }, async (request) => {
    const user = userOf(request)
    const of = await messageOf(conversations, user, request)
    const items = await conversations.versions(user, conversationOf(request), of)
    return { items: items.map(restVersion) }
  })
}

export function restVersion({ content, writtenMs, createdMs, seq }: MessageVersion): RestVersion {
  return { content, written_at: restTime(writtenMs), created_at: restTime(createdMs), seq }
}
