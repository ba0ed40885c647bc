/** /health: whether the process runs, and whether it can serve; for supervisors, so without a token. */

import type { FastifyInstance } from 'fastify'
import { describe } from './openapi.ts'
import { Problem } from './problem.ts'
import { healthShape } from './shapes.ts'

/** Why the server cannot serve just now, in words for operators; empty when it can. */
export type Health = () => Promise<readonly string[]>

export function healthRoutes(scope: FastifyInstance, health: Health): void {
  const ok = { 200: healthShape }
  const live = describe({ summary: 'Whether the process runs', isPublic: true, ok })
  scope.get('/health/live', { schema: live, logLevel: 'warn' }, () => ({ status: 'ok' }))

  const ready = describe({ summary: 'Whether it can serve, or why not', isPublic: true, ok })
  scope.get('/health/ready', { schema: ready, logLevel: 'warn' }, async () => {
    const reasons = await health()
    if (reasons.length > 0) throw new Problem(503, 'unavailable', reasons.join(' '))
    return { status: 'ok' }
  })
}
