/** `/`: the built web chat, under a policy that runs no script but its own. */

import { fastifyStatic } from '@fastify/static'
import type { FastifyInstance } from 'fastify'

const assetMaxAgeSeconds = 365 * 24 * 60 * 60

/** Serves the files that are in `webRoot` when the server starts. */
export function webRoutes(scope: FastifyInstance, webRoot: string): void {
  scope.addHook('onRequest', (request, reply, done) => {
    // Vite puts a hash of the content into the names of these.
    const isHashed = request.routeOptions.url?.startsWith('/assets/') === true
    void reply.header('cache-control', isHashed ? `public, max-age=${assetMaxAgeSeconds}, immutable` : 'no-cache')
    void reply.header('content-security-policy', contentSecurityPolicy(request.headers.host))
    done()
  })
  // One route per file, so that nothing else can be asked for.
  void scope.register(fastifyStatic, { root: webRoot, wildcard: false, cacheControl: false })
}

/** `connect-src 'self'` does not cover WebSockets in every browser, so they are named, on this host only. */
export function contentSecurityPolicy(host: string | undefined): string {
  const isPlain = host !== undefined && /^[a-z0-9.:[\]-]+$/i.test(host)
  const sockets = isPlain ? ` ws://${host} wss://${host}` : ''
  return [
    "default-src 'self'",
    `connect-src 'self'${sockets}`,
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}
