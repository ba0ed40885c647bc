/** Who is asking: what a token or a ticket proves. */

import type { UserId } from '../shared/sync/ids.ts'

export interface Identity {
  readonly user: UserId
  /** When it ends, in ms. */
  readonly expiresMs: number
}

/** Proves a bearer token. Rejects with Fault `unauthenticated` or `expired`. */
export type Authenticate = (token: string) => Promise<Identity>

/** Single-use tickets that stand in for a token where a header cannot be set: browsers' WebSockets. */
export interface Tickets {
  /** The ticket carries the identity's end; it is itself good for `limits.ticketMs`. */
  issue(identity: Identity): { readonly ticket: string; readonly expiresMs: number }
  /** Spends a ticket; undefined when it is unknown, expired or spent. */
  redeem(ticket: string): Identity | undefined
}
