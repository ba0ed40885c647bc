/** Who a request is from: only its bearer token says so (AUTH1), before anything of the request is parsed (REST2). */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Fault } from '../../shared/fault.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { Authenticate, Identity } from '../identity.ts'

const decoration = 'identity'

/** Every route of `scope` then needs a token. */
export function requireToken(scope: FastifyInstance, authenticate: Authenticate): void {
  scope.decorateRequest(decoration, null)
  scope.addHook('onRequest', async (request) => {
    const [, token] = /^Bearer +([^ ]+) *$/i.exec(request.headers.authorization ?? '') ?? []
    if (token === undefined) throw new Fault('unauthenticated')
    request.setDecorator(decoration, await authenticate(token))
  })
}

/** Only for routes behind `requireToken`. */
export function identityOf(request: FastifyRequest): Identity {
  const identity = request.getDecorator<Identity | null>(decoration)
  if (identity === null) throw new Error('a route without a token asks who it is')
  return identity
}

export function userOf(request: FastifyRequest): UserId {
  return identityOf(request).user
}
