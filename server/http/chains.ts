/** /api/conversations/{id}/chains/{client}: what became of one's own entries, for a device that was away for long. */

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Fault } from '../../shared/fault.ts'
import type { RestChain, RestChainEntry } from '../../shared/rest.ts'
import { maxClientId, parseClientIdText } from '../../shared/sync/ids.ts'
import type { ChainPlace, Conversations } from '../conversations.ts'
import { userOf } from './identify.ts'
import { accept, conversationOf, parameter, parseInput, requireAccess } from './input.ts'
import { describe } from './openapi.ts'
import * as shapes from './shapes.ts'

const params = z.object({ id: z.string(), client: z.string() })
const query = z.object({ from: shapes.queryNumber(0, maxClientId).exactOptional() })

export function chainRoutes(scope: FastifyInstance, conversations: Conversations): void {
  const get = describe({
    operationId: 'getChain',
    summary: 'What became of the entries of one of your chains, from a clock on',
    params,
    querystring: query,
    ok: { 200: shapes.chainShape },
    refusals: [404, 410, 422],
  })
  scope.get('/api/conversations/:id/chains/:client', { schema: get }, async (request): Promise<RestChain> => {
    const user = userOf(request)
    const id = conversationOf(request)
    const client = parseClientIdText(parameter(request, 'client'))
    const mayRead = () => requireAccess(conversations, user, id, 'reader')
    if (client === undefined) {
      await mayRead()
      throw new Fault('not-found')
    }
    const { from = 0 } = await accept(parseInput(query, request.query), mayRead)
    const { next, places } = await conversations.chain(user, id, client, from)
    return { client, next_clock: next, entries: places.map(restEntry) }
  })
}

function restEntry({ clock, crc, outcome }: ChainPlace): RestChainEntry {
  return outcome.kind === 'accepted'
    ? { clock, state: 'accepted', seq: outcome.seq, crc }
    : { clock, state: 'void', reason: outcome.reason, crc }
}
