/** openapi.json (REST7): generated from the shapes that the routes are declared with, refusals included. */

import { STATUS_CODES } from 'node:http'
import { fastifySwagger } from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { restErrorShape } from './shapes.ts'

/** Has to come before the routes that it describes. */
export function describeRoutes(app: FastifyInstance): void {
  void app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Parley', version: '1', description: 'Conversations that stay on every device and in one order.' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  })
}

export function openapiRoute(scope: FastifyInstance): void {
  const schema = describe({
    summary: 'This description',
    isPublic: true,
    ok: { 200: z.record(z.string(), z.unknown()) },
  })
  let document: unknown
  scope.get('/api/openapi.json', { schema }, () => (document ??= tidy(scope.swagger())))
}

const optionalBody = 'x-optional-body'

/** Puts right what the generators cannot know: bodies that may be missing, and components that nothing refers to. */
function tidy(document: object): unknown {
  return JSON.parse(JSON.stringify(document), (key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value
    if (key === 'schemas') return Object.fromEntries(Object.entries(value).filter(([name]) => !name.endsWith('Input')))
    if (!(optionalBody in value && 'requestBody' in value)) return value
    const { [optionalBody]: _, requestBody, ...operation } = value
    return { ...operation, requestBody: { ...(typeof requestBody === 'object' ? requestBody : {}), required: false } }
  })
}

export interface RouteDescription {
  readonly summary: string
  /** Whether it needs no token. */
  readonly isPublic?: boolean
  readonly params?: z.ZodType
  readonly querystring?: z.ZodType
  readonly headers?: z.ZodType
  readonly body?: z.ZodType
  /** What each line of a 200 is, which is NDJSON then. */
  readonly linesOf?: z.ZodType
  /** Answers by status; undefined for one without a body. */
  readonly ok: Readonly<Record<number, z.ZodType | undefined>>
  /** Statuses of refusals, beside those that every route has. */
  readonly refusals?: readonly number[]
}

/** The schema of a route. It only describes: what comes in is parsed by the handler, in the order of REST2. */
export function describe(description: RouteDescription): FastifySchema {
  const { summary, isPublic = false, linesOf, ok, refusals = [], ...input } = description
  const everywhere = isPublic ? [403, 500, 503] : [401, 403, 429, 500, 503]
  const refused = [...everywhere, ...refusals].map((status) => [status, restErrorShape] as const)
  const answers = [...Object.entries(ok), ...refused].map(([status, shape]) => [status, answer(Number(status), shape)])
  return {
    summary,
    ...(isPublic ? { security: [] } : {}),
    ...(input.body instanceof z.ZodOptional ? { [optionalBody]: true } : {}),
    ...input,
    response: { ...Object.fromEntries(answers), ...(linesOf === undefined ? {} : { 200: lines(linesOf) }) },
  }
}

function lines(shape: z.ZodType) {
  return { description: 'One of these on each line', content: { 'application/x-ndjson': { schema: shape } } }
}

function answer(status: number, shape: z.ZodType | undefined) {
  const text = STATUS_CODES[status] ?? ''
  const description = status === 429 ? `${text}; Retry-After says in how many seconds` : text
  return shape === undefined
    ? z.undefined().describe(description)
    : { description, content: { 'application/json': { schema: shape } } }
}
