/** /health: whether the process runs, and whether it can serve; for supervisors, so without a token. */

import type { FastifyInstance } from 'fastify'
import { Fault } from '../../shared/fault.ts'
import { describe } from './openapi.ts'
import { healthShape, readyShape } from './shapes.ts'

/** How the server is, in words for operators; names no content. */
export interface HealthReport {
  /** Why it cannot serve just now; empty when it can. */
  readonly failures: readonly string[]
  /** What is wrong although it serves, for example that a conversation is damaged. */
  readonly warnings: readonly string[]
}

export type Health = () => Promise<HealthReport>

export function healthRoutes(scope: FastifyInstance, health: Health): void {
  const live = describe({
    operationId: 'getLiveness',
    summary: 'Whether the process runs',
    isPublic: true,
    ok: { 200: healthShape },
  })
  scope.get('/health/live', { schema: live, logLevel: 'warn' }, () => ({ status: 'ok' }))

  const ready = describe({
    operationId: 'getReadiness',
    summary: 'Whether it can serve, or why not',
    isPublic: true,
    ok: { 200: readyShape },
  })
  scope.get('/health/ready', { schema: ready, logLevel: 'warn' }, async () => {
    const { failures, warnings } = await health()
    if (failures.length > 0) throw new Fault('unavailable', failures.join(' '))
    return { status: 'ok', warnings }
  })
}
