/**
 * Which pages in browsers may use this server (HTTP1). Programs outside browsers send no Origin and are not meant; what
 * they may is decided by their token alone.
 */

import type { FastifyInstance, FastifyReply } from 'fastify'
import { isLoopback } from '../config.ts'
import { Problem } from './problem.ts'

/** `origin` and `host` are the headers; `origins` as browsers write them. Also for WebSocket upgrades. */
export function isAllowedOrigin(
  origin: string | undefined,
  host: string | undefined,
  origins: readonly string[],
): boolean {
  if (origin === undefined || origins.includes(origin)) return true
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
}

/**
 * In demo mode a Host that is not this machine means a page whose name was pointed here (DNS rebinding): its Origin and
 * Host agree, and tokens are free. Also for WebSocket upgrades.
 */
export function isDemoHost(host: string | undefined, origins: readonly string[]): boolean {
  if (host === undefined || !URL.canParse(`http://${host}`)) return false
  const { hostname } = new URL(`http://${host}`)
  return isLoopback(hostname.replace(/^\[(.*)\]$/, '$1')) || origins.some((origin) => new URL(origin).host === host)
}

export interface OriginRules {
  readonly origins: readonly string[]
  readonly isDemo: boolean
}

export function guardOrigins(app: FastifyInstance, { origins, isDemo }: OriginRules): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { origin, host } = request.headers
    void reply.header('vary', 'origin')
    if (isDemo && !isDemoHost(host, origins)) return done(notThisHost())
    if (!isAllowedOrigin(origin, host, origins)) return done(notThisOrigin())
    if (origin === undefined || !origins.includes(origin)) return done()
    void reply.header('access-control-allow-origin', origin)
    void reply.header('access-control-expose-headers', 'allow, etag, location, parley-as-of, parley-more, retry-after')
    const isPreflight = request.method === 'OPTIONS' && 'access-control-request-method' in request.headers
    if (isPreflight) answerPreflight(reply)
    else done()
  })
}

function notThisHost(): Problem {
  return new Problem(403, 'host', 'In demo mode the server answers to localhost, 127.0.0.1 and [::1] only.')
}

function notThisOrigin(): Problem {
  return new Problem(403, 'origin', 'Pages of this origin may not use this server.')
}

function answerPreflight(reply: FastifyReply): void {
  void reply
    .code(204)
    .header('access-control-allow-methods', 'GET, HEAD, POST, PUT, PATCH, DELETE')
    .header('access-control-allow-headers', 'authorization, content-type, idempotency-key, if-none-match')
    .header('access-control-max-age', '600')
    .send()
}
