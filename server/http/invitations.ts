/** /api/conversations/{id}/invitations, and joining with the token of one. */

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { parseInvitationId } from '../../shared/chat/invitation.ts'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import { type RestInvitation, type RestNewInvitation, restTime } from '../../shared/rest.ts'
import type { Conversations } from '../conversations.ts'
import type { Invitation, Invitations } from '../invitations.ts'
import { bodyInput } from './body.ts'
import { restAlone } from './conversations.ts'
import { userOf } from './identify.ts'
import { accept, conversationOf, parameter, requireAccess } from './input.ts'
import type { InvitationTokens } from './invitation-token.ts'
import { describe } from './openapi.ts'
import type { Pace } from './pace.ts'
import * as shapes from './shapes.ts'

export interface InvitationDeps {
  readonly conversations: Conversations
  readonly invitations: Invitations
  readonly invitationTokens: InvitationTokens
  readonly pace: Pace
}

const params = z.object({ id: z.string(), invitation: z.string() })
const optionalBody = shapes.newInvitation.optional()

export function invitationRoutes(scope: FastifyInstance, deps: InvitationDeps): void {
  const { conversations, invitations, invitationTokens, pace } = deps
  const path = '/api/conversations/:id/invitations'
  const onRequest = pace.beforeWrite

  const create = describe({
    operationId: 'createInvitation',
    summary: 'Makes an invitation; whoever has its token can become a member with it',
    params: params.pick({ id: true }),
    body: optionalBody,
    ok: { 201: shapes.invitationShape },
    refusals: [404, 409, 410, 413, 415, 422],
  })
  scope.post(path, { schema: create, onRequest }, async (request, reply) => {
    const [user, id] = [userOf(request), conversationOf(request)]
    const body = await accept(bodyInput(optionalBody, request), () => requireAccess(conversations, user, id, 'admin'))
    const { access = 'writer', expires_in_s: seconds, uses = 1 } = body ?? {}
    const lifeMs = seconds === undefined ? limits.invitationMs : seconds * 1000
    const invitation = await invitations.create(user, id, { access, lifeMs, uses })
    const token = invitationTokens.sign({ conversation: id, ...invitation })
    const answer: RestNewInvitation = { ...restInvitation(invitation), token }
    return reply.code(201).send(answer)
  })

  const list = describe({
    operationId: 'listInvitations',
    summary: 'The invitations that have neither expired nor been used up',
    params: params.pick({ id: true }),
    ok: { 200: shapes.invitationsShape },
    refusals: [404, 410],
  })
  scope.get(path, { schema: list }, async (request) => {
    const working = await invitations.list(userOf(request), conversationOf(request))
    return { items: working.map(restInvitation) }
  })

  const revoke = describe({
    operationId: 'revokeInvitation',
    summary: 'Withdraws an invitation: nobody can join with it any more',
    params,
    ok: { 204: undefined },
    refusals: [404, 410],
  })
  scope.delete(`${path}/:invitation`, { schema: revoke, onRequest }, async (request, reply) => {
    const [user, id] = [userOf(request), conversationOf(request)]
    const invitation = parseInvitationId(parameter(request, 'invitation'))
    if (invitation === undefined) {
      await requireAccess(conversations, user, id, 'admin')
      throw new Fault('not-found')
    }
    await invitations.revoke(user, id, invitation)
    return reply.code(204).send()
  })

  const join = describe({
    operationId: 'acceptInvitation',
    summary: 'Joins a conversation with the token of an invitation; a member gets it as it is',
    params: z.object({ token: z.string() }),
    ok: { 200: shapes.ownConversationShape },
    refusals: [404, 409, 410, 415, 422],
  })
  scope.post('/api/invitations/:token/accept', { schema: join, onRequest }, async (request) => {
    const user = userOf(request)
    const ref = invitationTokens.verify(parameter(request, 'token'))
    if (ref === undefined) throw new Fault('not-found')
    await invitations.accept(user, ref)
    return restAlone(await conversations.own(user, ref.conversation))
  })
}

function restInvitation({ id, access, expiresMs, usesLeft, createdBy, createdMs }: Invitation): RestInvitation {
  return {
    id,
    access,
    expires_at: restTime(expiresMs),
    uses_left: usesLeft,
    created_by: createdBy,
    created_at: restTime(createdMs),
  }
}
