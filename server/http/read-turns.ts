/**
 * What one user reads (LIMIT1): so many answers at a time are made and sent, the others wait for their turn. An answer can
 * be as large as all messages in it, and is in memory until it has been read.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { userOf } from './identify.ts'

interface Turns {
  held: number
  /** In the order in which they came. */
  readonly waiting: Set<() => void>
}

/** For routes of `scope`, which needs a token. `closing`: the server ends, and what waits then is not begun. */
export function readInTurns(scope: FastifyInstance, closing: AbortSignal): void {
  const all = new Map<UserId, Turns>()
  scope.addHook('onRequest', (request, reply, done) => {
    if (!readsMuch(request)) return done()
    const { socket } = request.raw
    const user = userOf(request)
    const turns = all.get(user) ?? { held: 0, waiting: new Set() }
    if (socket.destroyed || turns.waiting.size >= limits.readsWaiting) return done(new Fault('overloaded'))
    all.set(user, turns)
    let isHeld = false

    function begin(): void {
      isHeld = true
      turns.held++
      done(closing.aborted ? new Fault('restart') : undefined)
    }

    function end(): void {
      socket.off('close', end)
      reply.raw.off('close', end)
      if (!isHeld) {
        // Nobody is there to hear anything: the request goes no further.
        turns.waiting.delete(begin)
        return
      }
      turns.held--
      const [next] = turns.waiting
      if (next === undefined) {
        if (turns.held === 0) all.delete(user)
        return
      }
      turns.waiting.delete(next)
      next()
    }

    // Of requests that were sent without waiting for answers only the first has one that hears of the socket's end.
    socket.setMaxListeners(0)
    socket.once('close', end)
    reply.raw.once('close', end)
    if (turns.held < limits.readsAtOnce) begin()
    else turns.waiting.add(begin)
  })
}

/** Also an account that goes: its messages are looked through. */
function readsMuch({ method, routeOptions }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD' || (method === 'DELETE' && routeOptions.url === '/api/me')
}
