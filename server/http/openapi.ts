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
    operationId: 'getOpenapi',
    summary: 'This description',
    isPublic: true,
    ok: { 200: z.record(z.string(), z.unknown()) },
  })
  let document: unknown
  scope.get('/api/openapi.json', { schema }, () => (document ??= tidy(scope.swagger())))
}

const optionalBody = 'x-optional-body'
const sentHeaders = 'x-sent-headers'

/** Headers of answers that say something. */
const answerHeaders = {
  etag: { type: 'string', description: 'Changes with any byte of the answer; for If-None-Match' },
  'parley-as-of': {
    type: 'integer',
    description: 'Seq up to which the answer takes account of everything; -1: of nothing',
  },
  'parley-more': { type: 'string', enum: ['true', 'false'], description: 'Whether there is more behind Parley-As-Of' },
  location: { type: 'string', description: 'Path of what was made' },
  'retry-after': { type: 'integer', description: 'In how many seconds to ask again' },
  'www-authenticate': { type: 'string', description: 'Bearer, and whether the token was one' },
} as const

export type AnswerHeader = keyof typeof answerHeaders

/** Refusals that come with one whatever was asked. */
const refusalHeaders: Readonly<Record<number, readonly AnswerHeader[]>> = {
  401: ['www-authenticate'],
  429: ['retry-after'],
  503: ['retry-after'],
}

/** Puts right what the generators cannot know: bodies that may be missing, headers of answers, components that nothing refers to. */
function tidy(document: object): unknown {
  return JSON.parse(JSON.stringify(document), (key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value
    if (key === 'schemas') return Object.fromEntries(Object.entries(value).filter(([name]) => !name.endsWith('Input')))
    return withHeaders(withOptionalBody(value))
  })
}

function withOptionalBody(value: object): object {
  if (!(optionalBody in value && 'requestBody' in value)) return value
  const { [optionalBody]: _, requestBody, ...operation } = value
  return { ...operation, requestBody: { ...objectIn(requestBody), required: false } }
}

function withHeaders(value: object): object {
  if (!('operationId' in value && 'responses' in value)) return value
  const { [sentHeaders]: sent, responses, ...operation }: { [sentHeaders]?: unknown; responses: unknown } = value
  const byStatus = new Map(Object.entries<readonly AnswerHeader[]>({ ...refusalHeaders, ...objectIn(sent) }))
  const answers = Object.entries(objectIn(responses)).map(([status, answered]): readonly [string, object] => {
    const described = (byStatus.get(status) ?? []).map((name) => {
      const { description, ...schema } = answerHeaders[name]
      return [name, { description, required: true, schema }] as const
    })
    return [
      status,
      { ...objectIn(answered), ...(described.length === 0 ? {} : { headers: Object.fromEntries(described) }) },
    ]
  })
  return { ...operation, responses: Object.fromEntries(answers) }
}

function objectIn(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

export interface RouteDescription {
  /** What programs that are made from the description call it: never changed, and no other's. */
  readonly operationId: string
  readonly summary: string
  /** What one line does not say. */
  readonly description?: string
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
  /** Headers of answers by status, beside those of refusals. */
  readonly sent?: Readonly<Record<number, readonly AnswerHeader[]>>
  /** Statuses of refusals, beside those that every route has. */
  readonly refusals?: readonly number[]
}

/** The schema of a route. It only describes: what comes in is parsed by the handler, in the order of REST2. */
export function describe(description: RouteDescription): FastifySchema {
  const { isPublic = false, linesOf, ok, sent, refusals = [], ...told } = description
  const everywhere = isPublic ? [403, 500, 503] : [401, 403, 429, 500, 503]
  const refused = [...everywhere, ...refusals].map((status) => [status, restErrorShape] as const)
  const answers = [...Object.entries(ok), ...refused].map(([status, shape]) => [status, answer(Number(status), shape)])
  return {
    ...(isPublic ? { security: [] } : {}),
    ...(told.body instanceof z.ZodOptional ? { [optionalBody]: true } : {}),
    ...told,
    ...(sent === undefined ? {} : { [sentHeaders]: sent }),
    response: { ...Object.fromEntries(answers), ...(linesOf === undefined ? {} : { 200: lines(linesOf) }) },
  }
}

function lines(shape: z.ZodType) {
  return { description: 'One of these on each line', content: { 'application/x-ndjson': { schema: shape } } }
}

function answer(status: number, shape: z.ZodType | undefined) {
  const text = STATUS_CODES[status] ?? ''
  return shape === undefined
    ? z.undefined().describe(text)
    : { description: text, content: { 'application/json': { schema: shape } } }
}
