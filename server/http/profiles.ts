/** /api/me, the own profile, and /api/users, where people are found. */

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { limits } from '../../shared/limits.ts'
import { type RestOwnProfile, restTime } from '../../shared/rest.ts'
import type { OwnProfile, Profiles } from '../profiles.ts'
import { bodyInput } from './body.ts'
import { userOf } from './identify.ts'
import { orThrow, parseInput } from './input.ts'
import { describe } from './openapi.ts'
import type { Pace } from './pace.ts'
import * as shapes from './shapes.ts'

const query = z.object({
  q: z.string().max(limits.userSearchLength).exactOptional(),
  limit: shapes.queryNumber(1, limits.pageUsers).exactOptional(),
})

export function profileRoutes(scope: FastifyInstance, profiles: Profiles, pace: Pace): void {
  const get = describe({ operationId: 'getOwnProfile', summary: 'Your profile', ok: { 200: shapes.ownProfileShape } })
  scope.get('/api/me', { schema: get }, async (request) => restOwnProfile(await profiles.own(userOf(request))))

  const put = describe({
    operationId: 'changeOwnProfile',
    summary: 'Changes your profile: what is named; null clears',
    body: shapes.profilePatch,
    ok: { 200: shapes.ownProfileShape },
    refusals: [413, 415, 422],
  })
  scope.put('/api/me', { schema: put, onRequest: pace.beforeWrite }, async (request) => {
    const change = orThrow(bodyInput(shapes.profilePatch, request))
    return restOwnProfile(await profiles.change(userOf(request), change))
  })

  const search = describe({
    operationId: 'findUsers',
    summary: 'People you share a conversation with whose id or name contains `q`, in upper or lower case',
    querystring: query,
    ok: { 200: shapes.profilesShape },
    refusals: [422],
  })
  scope.get('/api/users', { schema: search, onRequest: pace.beforeWrite }, async (request) => {
    const user = userOf(request)
    const { q = '', limit = limits.defaultPageUsers } = orThrow(parseInput(query, request.query))
    pace.charge(user, limits.entriesPerUserSearch - 1)
    const found = await profiles.search(user, q, limit)
    return { items: found.map(({ user: each, name, color }) => ({ user: each, name, color })) }
  })
}

function restOwnProfile({ user, name, color, updatedMs }: OwnProfile): RestOwnProfile {
  return { user, name, color, updated_at: updatedMs === null ? null : restTime(updatedMs) }
}
