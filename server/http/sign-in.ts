/** POST /api/tickets, and POST /api/demo/token for the demo mode. */

import type { FastifyInstance } from 'fastify'
import { Fault } from '../../shared/fault.ts'
import { type RestTicket, type RestToken, restTime } from '../../shared/rest.ts'
import type { Tickets } from '../identity.ts'
import type { Demo } from './auth.ts'
import { bodyInput } from './body.ts'
import { identityOf } from './identify.ts'
import { orThrow } from './input.ts'
import { describe } from './openapi.ts'
import * as shapes from './shapes.ts'

export function ticketRoute(scope: FastifyInstance, tickets: Tickets): void {
  const schema = describe({
    operationId: 'createTicket',
    summary: 'A ticket that opens one socket in place of your token, within 30 seconds',
    ok: { 201: shapes.ticketShape },
    refusals: [415, 422],
  })
  scope.post('/api/tickets', { schema }, async (request, reply) => {
    const { ticket, expiresMs } = tickets.issue(identityOf(request))
    const answer: RestTicket = { ticket, expires_at: restTime(expiresMs) }
    return reply.code(201).send(answer)
  })
}

/** AUTH3: outside demo mode there is no such thing. */
export function demoTokenRoute(scope: FastifyInstance, demo: Demo | undefined): void {
  const schema = describe({
    operationId: 'createDemoToken',
    summary: 'A token for whoever you say you are; in demo mode only',
    isPublic: true,
    body: shapes.demoTokenRequest,
    ok: { 200: shapes.tokenShape },
    refusals: [404, 413, 415, 422],
  })
  const onRequest = async (): Promise<void> => {
    if (demo === undefined) throw new Fault('not-found')
  }
  scope.post('/api/demo/token', { schema, onRequest }, async (request): Promise<RestToken> => {
    if (demo === undefined) throw new Fault('not-found')
    const { user } = orThrow(bodyInput(shapes.demoTokenRequest, request))
    const { token, expiresMs } = await demo.sign(user)
    return { token, user, expires_at: restTime(expiresMs) }
  })
}
