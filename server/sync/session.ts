/** What sockets and sessions know of each other: a session speaks one protocol over one socket. */

import type { Rates } from './rate.ts'
import type { FaultCode } from '../../shared/fault.ts'

/** A socket as its session sees it. */
export interface SocketPort {
  readonly send: (frame: Uint8Array) => void
  readonly close: (code: FaultCode) => void
  readonly pause: () => void
  readonly resume: () => void
  /** Bytes sent and not yet taken by the network. */
  readonly bufferedBytes: () => number
  /** Calls once, when all that was sent has been taken by the network. Only when something waits. */
  readonly onDrained: (job: () => void) => void
  /** Closes the session as `expired` at that time; a later call replaces an earlier one. */
  readonly expireAt: (timeMs: number) => void
}

export interface Session {
  /** A token has been handed in: from then on it is not the peer who keeps it waiting. */
  readonly hasToken: boolean
  /** Frames wait to be handled: the socket may be paused, and a pong not be heard. */
  readonly isBusy: boolean
  readonly receive: (frame: Uint8Array) => void
  /** Sends something small, so that the peer knows that the server lives. */
  readonly beat: () => void
  /** Ends the session from this side; the socket is told why. */
  readonly close: (code: FaultCode) => void
  /** The socket is gone. Idempotent. */
  readonly end: () => void
}

export interface SessionLog {
  readonly info: (fields: object, text: string) => void
  readonly error: (fields: object, text: string) => void
}

/** What all sessions share. */
export interface SessionDeps {
  readonly log: SessionLog
  readonly rates: SessionRates
  /** Resolves after so many ms. */
  readonly sleep: (ms: number) => Promise<void>
}

/** How fast one user may write, over all sockets. */
export interface SessionRates {
  /** In frames and fresh entries. */
  readonly entries: Rates
  readonly bytes: Rates
}
