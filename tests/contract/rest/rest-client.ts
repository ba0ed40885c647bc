/**
 * A client of the REST API for tests. It signs its own tokens, without the library that the server checks them with, and
 * holds every answer to openapi.json: a status or field that is not described there fails the test that met it.
 */

import { createHmac } from 'node:crypto'

import { z } from 'zod'

export interface RestServer {
  /** Where it listens; may change at a restart. */
  readonly url: string
  /** The HS256 key that it takes tokens of. */
  readonly secret: string
  restart(): Promise<void>
  close(): Promise<void>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** Undefined when it was empty. */
  readonly body: unknown
}

export interface Call {
  readonly token?: string | undefined
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is, in place of `body`. */
  readonly raw?: string | Uint8Array<ArrayBuffer>
  readonly headers?: Readonly<Record<string, string>>
}

export interface RestClient {
  (method: string, path: string, call?: Call): Promise<Answer>
}

export function restClient(server: RestServer): RestClient {
  let checks: Promise<AnswerCheck> | undefined
  return async (method, path, { token, body, raw, headers = {} } = {}) => {
    checks ??= loadAnswerCheck(server.url)
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const response = await fetch(server.url + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
    })
    const text = await response.text()
    const answer: Answer = {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
    const check = await checks
    check(method, path, answer)
    return answer
  }
}

export interface TokenParts {
  readonly header?: object
  readonly claims: object
  readonly secret: string
  /** Name of the hash in Node. */
  readonly hash?: string
}

/** A compact JWS by hand. */
export function signByHand({ header = { alg: 'HS256' }, claims, secret, hash = 'sha256' }: TokenParts): string {
  const signed = `${base64url(header)}.${base64url(claims)}`
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`
}

export function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** A token of `user` that is good for an hour. */
export function tokenOf(server: RestServer, user: string): string {
  const exp = Math.floor(Date.now() / 1000) + 3600
  return signByHand({ claims: { sub: user, exp }, secret: server.secret })
}

type AnswerCheck = (method: string, path: string, answer: Answer) => void

/** What is told in lines has another type. */
const content = z.object({ 'application/json': z.object({ schema: z.record(z.string(), z.unknown()) }).optional() })
const describedHeaders = z.record(z.string(), z.object({ required: z.literal(true), description: z.string().min(1) }))
const operation = z.object({
  responses: z.record(z.string(), z.object({ content: content.optional(), headers: describedHeaders.optional() })),
})
const description = z.object({
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
})

/** Those that say something of the answer: each is described, and is there where it is described. */
const toldHeaders = ['etag', 'location', 'parley-as-of', 'parley-more', 'retry-after', 'www-authenticate']

/** What every refusal looks like, described or not. */
const refusal = z.strictObject({
  detail: z.string().min(1),
  code: z.string().regex(/^[a-z-]+$/),
  fields: z.array(z.strictObject({ path: z.string(), message: z.string().min(1) })).optional(),
})

async function loadAnswerCheck(url: string): Promise<AnswerCheck> {
  const response = await fetch(`${url}/api/openapi.json`)
  const { paths, components } = description.parse(await response.json())
  const schemaOf = (schema: object): z.ZodType => {
    const text = JSON.stringify({ ...schema, $defs: components.schemas }).replaceAll(
      '#/components/schemas/',
      '#/$defs/',
    )
    return z.fromJSONSchema(z.record(z.string(), z.unknown()).parse(JSON.parse(text)))
  }
  return (method, path, { status, headers, body }) => {
    const where = `${method} ${path} → ${status}`
    if (status >= 400 && method !== 'HEAD') {
      refusal.parse(body, { error: () => `${where}: not the shape of a refusal` })
      if (headers.get('content-type') !== 'application/json; charset=utf-8') throw new Error(`${where}: not JSON`)
    }
    const template = Object.keys(paths).find((one) => templateMatches(one, path.replace(/\?.*/, '')))
    const described = template === undefined ? undefined : paths[template]?.[method.toLowerCase()]
    if (described === undefined) return
    const documented = described.responses[String(status)]
    if (documented === undefined) throw new Error(`${where}: openapi.json does not know this status`)
    const told = toldHeaders.filter((name) => headers.has(name))
    const toTell = Object.keys(documented.headers ?? {}).toSorted()
    if (told.join() !== toTell.join()) throw new Error(`${where}: headers ${told.join()}, not ${toTell.join()}`)
    const schema = documented.content?.['application/json']?.schema
    const result = (schema === undefined ? z.undefined() : schemaOf(schema)).safeParse(body)
    if (!result.success) throw new Error(`${where}: not as openapi.json says: ${z.prettifyError(result.error)}`)
  }
}

function templateMatches(template: string, path: string): boolean {
  const parts = path.split('/')
  const names = template.split('/')
  return names.length === parts.length && names.every((name, index) => name.startsWith('{') || name === parts[index])
}
