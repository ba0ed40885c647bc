/** openapi.json (REST7): generated from the shapes that the routes are declared with, refusals included. */

import { fastifySwagger } from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { namedShapes, restErrorShape } from './shapes.ts'

/** Has to come before the routes that it describes. */
export function describeRoutes(app: FastifyInstance): void {
  const schemaRegistry = z.registry<{ id?: string }>()
  for (const [id, shape] of Object.entries(namedShapes)) schemaRegistry.add(shape, { id })
  void app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Parley', version: '1', description: 'Conversations that stay on every device and in one order.' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      security: [{ token: [] }],
    },
    transform: createJsonSchemaTransform({ schemaRegistry }),
    transformObject: createJsonSchemaTransformObject({ schemaRegistry }),
  })
}

export function openapiRoute(scope: FastifyInstance): void {
  const schema = describe({
    summary: 'This description',
    isPublic: true,
    ok: { 200: z.record(z.string(), z.unknown()) },
  })
  scope.get('/api/openapi.json', { schema }, () => scope.swagger())
}

export interface RouteDescription {
  readonly summary: string
  /** Whether it needs no token. */
  readonly isPublic?: boolean
  readonly params?: z.ZodType
  readonly querystring?: z.ZodType
  readonly headers?: z.ZodType
  readonly body?: z.ZodType
  /** Answers by status; undefined for one without a body. */
  readonly ok: Readonly<Record<number, z.ZodType | undefined>>
  /** Statuses of refusals, beside those that every route has. */
  readonly refusals?: readonly number[]
}

/** The schema of a route. It only describes: what comes in is parsed by the handler, in the order of REST2. */
export function describe({ summary, isPublic = false, ok, refusals = [], ...input }: RouteDescription): FastifySchema {
  const everywhere = isPublic ? [403, 500, 503] : [401, 403, 429, 500, 503]
  const statuses = [...new Set([...refusals, ...everywhere])]
  return {
    summary,
    ...(isPublic ? { security: [] } : {}),
    ...input,
    response: {
      ...Object.fromEntries(Object.entries(ok).map(([status, shape]) => [status, shape ?? z.undefined()])),
      ...Object.fromEntries(statuses.map((status) => [status, refusal])),
    },
  }
}

const refusal = { description: 'Refused', content: { 'application/json': { schema: restErrorShape } } }
