/** Tickets (AUTH2): single use, short-lived, bound to whom they were issued to, and kept in memory only. */

import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { Identity, Tickets } from '../identity.ts'

const ticketBytes = 32

interface Issued {
  readonly identity: Identity
  readonly expiresMs: number
}

export interface TicketSources {
  readonly now: () => number
  readonly random: (bytes: number) => Uint8Array
}

/** `issue` throws Fault `overloaded` when the user has too many unspent ones. */
export function createTickets({ now, random }: TicketSources): Tickets {
  // In the order of issue, so the oldest come first.
  const unspent = new Map<string, Issued>()
  const counts = new Map<UserId, number>()

  const remove = (ticket: string, { identity }: Issued): void => {
    unspent.delete(ticket)
    const left = (counts.get(identity.user) ?? 1) - 1
    if (left === 0) counts.delete(identity.user)
    else counts.set(identity.user, left)
  }

  const sweep = (): void => {
    for (const [ticket, issued] of unspent) {
      if (issued.expiresMs > now()) return
      remove(ticket, issued)
    }
  }

  return {
    issue(identity) {
      sweep()
      const count = counts.get(identity.user) ?? 0
      if (count >= limits.unspentTicketsPerUser) throw new Fault('overloaded')
      const ticket = Buffer.from(random(ticketBytes)).toString('base64url')
      const expiresMs = now() + limits.ticketMs
      unspent.set(ticket, { identity, expiresMs })
      counts.set(identity.user, count + 1)
      return { ticket, expiresMs }
    },

    redeem(ticket) {
      const issued = unspent.get(ticket)
      if (issued === undefined) return undefined
      remove(ticket, issued)
      return issued.expiresMs > now() && issued.identity.expiresMs > now() ? issued.identity : undefined
    },
  }
}
