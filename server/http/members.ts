/** /api/conversations/{id}/members: who is in it, and with what access; /profiles: what people are called who appear in it. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Profile } from '../../shared/chat/profile.ts'
import { limits } from '../../shared/limits.ts'
import type { RestMember, RestNamedMember } from '../../shared/rest.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { type Conversations, type KnownMember, Refused } from '../conversations.ts'
import { bodyInput } from './body.ts'
import { userOf } from './identify.ts'
import { accept, conversationOf, good, type Input, mapInput, parameter, parseInput, requireAccess } from './input.ts'
import { describe } from './openapi.ts'
import type { Pace } from './pace.ts'
import type { Profiles } from '../profiles.ts'
import { restRegister } from './read.ts'
import * as shapes from './shapes.ts'

const params = z.object({ id: z.string(), user: z.string() })
const places = z.object({
  seq: shapes.queryList(shapes.queryNumber(0, Number.MAX_SAFE_INTEGER), limits.profilePlaces),
})
const userParameter = z.object({ user: shapes.userId })

export interface MemberDeps {
  readonly conversations: Conversations
  readonly profiles: Profiles
  readonly pace: Pace
}

export function memberRoutes(scope: FastifyInstance, { conversations, profiles, pace }: MemberDeps): void {
  const path = '/api/conversations/:id/members/:user'
  const onRequest = pace.beforeWrite

  const list = describe({
    operationId: 'listMembers',
    summary: 'The members: what they may do, what they are called, how far they have read',
    params: params.pick({ id: true }),
    ok: { 200: shapes.membersShape },
    refusals: [404, 410],
  })
  scope.get('/api/conversations/:id/members', { schema: list }, async (request) => {
    const members = await conversations.members(userOf(request), conversationOf(request))
    const known = await profiles.of(members.map(({ user }) => user))
    return { items: members.map((member, index): RestNamedMember => namedMember(member, known[index])) }
  })

  const appearing = describe({
    operationId: 'listProfiles',
    summary: 'What people are called who appear in the messages and events at these seqs, former members too',
    params: params.pick({ id: true }),
    querystring: places,
    ok: { 200: shapes.profilesShape },
    refusals: [404, 410, 422],
  })
  scope.get('/api/conversations/:id/profiles', { schema: appearing }, async (request) => {
    const [user, id] = [userOf(request), conversationOf(request)]
    const { seq } = await accept(parseInput(places, request.query), () =>
      requireAccess(conversations, user, id, 'reader'),
    )
    const people = await conversations.peopleAt(user, id, seq)
    const known = await profiles.of(people)
    return {
      items: people.map((each, index): Profile => {
        const { name = null, color = null } = known[index] ?? {}
        return { user: each, name, color }
      }),
    }
  })

  const put = describe({
    operationId: 'setMember',
    summary: 'Adds a member, or changes the access of one',
    params,
    body: shapes.memberAccess,
    ok: { 200: shapes.memberShape },
    refusals: [404, 409, 410, 413, 415, 422],
  })
  scope.put(path, { schema: put, onRequest }, async (request): Promise<RestMember> => {
    const asking = userOf(request)
    const id = conversationOf(request)
    const input = mapInput(memberInput(request), (user) =>
      mapInput(bodyInput(shapes.memberAccess, request), ({ access }) => good({ user, access })),
    )
    const member = await accept(input, () => requireAccess(conversations, asking, id, 'admin'))
    await conversations.apply(asking, id, { kind: 'member', ...member })
    return member
  })

  const remove = describe({
    operationId: 'removeMember',
    summary: 'Removes a member; yourself: leaves',
    params,
    ok: { 204: undefined },
    refusals: [404, 409, 410, 422],
  })
  scope.delete(path, { schema: remove, onRequest }, async (request, reply) => {
    const asking = userOf(request)
    const id = conversationOf(request)
    const user = await accept(memberInput(request), () => requireAccess(conversations, asking, id, 'admin'))
    try {
      await conversations.apply(asking, id, { kind: 'member', user, access: null })
    } catch (error) {
      // Not a member, or no longer one: that is what was asked for.
      if (!(error instanceof Refused && error.reason === 'no-target')) throw error
    }
    return reply.code(204).send()
  })
}

function namedMember({ user, access, register }: KnownMember, profile: Profile | undefined): RestNamedMember {
  const { name = null, color = null } = profile ?? {}
  const { through, received } = restRegister(register)
  const named = { ...(name === null ? {} : { name }), ...(color === null ? {} : { color }) }
  return { user, access, ...named, read_through: through, received }
}

function memberInput(request: FastifyRequest): Input<UserId> {
  return mapInput(parseInput(userParameter, { user: parameter(request, 'user') }), ({ user }) => good(user))
}
