/**
 * Slows down whoever writes too fast over REST (LIMIT1): their requests wait first, and are refused when the wait would be
 * long. How fast that is, and what the same user writes over sockets, is the business of `Rates`.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyRequest } from 'fastify'
import { Fault, faults } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { Rates } from '../sync/rate.ts'
import { userOf } from './identify.ts'
import { Problem } from './problem.ts'

/** Resolves after `ms`, rejects when `signal` says so. */
export type Delay = (ms: number, signal: AbortSignal) => Promise<void>

export interface PaceDeps {
  readonly rates: Rates
  /** Aborted when the server ends: nobody waits any longer then. */
  readonly closing: AbortSignal
  /** Node's timer when undefined. */
  readonly delay?: Delay | undefined
}

export interface Pace {
  /** The `onRequest` of every route that writes: before the body is read, so that who waits costs no memory. */
  readonly beforeWrite: (request: FastifyRequest) => Promise<void>
  /** Entries that a request writes beside its first. They are written at once and waited for next time. */
  readonly charge: (user: UserId, entries: number) => void
}

export function createPace({ rates, closing, delay = timer }: PaceDeps): Pace {
  return {
    beforeWrite: async (request) => {
      const waitMs = rates.take(userOf(request), 1, limits.restPatienceMs)
      if (waitMs === 0) return
      if (waitMs > limits.restPatienceMs) throw tooFast(waitMs)
      try {
        await delay(waitMs, closing)
      } catch (error) {
        if (closing.aborted) throw new Fault('restart', faults.restart.text, { cause: error })
        throw error
      }
    },
    charge: (user, entries) => void rates.take(user, entries),
  }
}

function tooFast(waitMs: number): Problem {
  const headers = { 'retry-after': String(Math.ceil(waitMs / 1000)) }
  return new Problem(faults.overloaded.httpStatus, 'overloaded', 'You write faster than the limit.', { headers })
}

async function timer(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal })
}
