/**
 * Faults: refusals that the peer must hear, because the sender is wrong and not an entry. One table gives each its
 * WebSocket close code and its HTTP status. 44xx means stop, everything else means try again: so stock providers read it.
 */

export interface FaultFacts {
  readonly closeCode: number
  readonly httpStatus: number
  readonly text: string
}

export const faults = {
  malformed: { closeCode: 4400, httpStatus: 422, text: 'The bytes are not what this protocol sends.' },
  unauthenticated: { closeCode: 4401, httpStatus: 401, text: 'No valid token.' },
  expired: { closeCode: 4401, httpStatus: 401, text: 'The token has expired.' },
  'no-access': { closeCode: 4403, httpStatus: 403, text: 'Not a member, or the access is too low.' },
  'not-found': { closeCode: 4404, httpStatus: 404, text: 'There is no such thing.' },
  forked: { closeCode: 4409, httpStatus: 409, text: 'This device holds other bytes at a place that is taken.' },
  'client-taken': { closeCode: 4409, httpStatus: 409, text: 'Another chain has this clientID.' },
  'server-behind': { closeCode: 4409, httpStatus: 409, text: 'This device has seen more than the server holds.' },
  deleted: { closeCode: 4410, httpStatus: 410, text: 'It was deleted.' },
  restart: { closeCode: 1012, httpStatus: 503, text: 'The server is restarting.' },
  overloaded: { closeCode: 1013, httpStatus: 429, text: 'Too much at once; try again later.' },
  'unknown-ticket': { closeCode: 4502, httpStatus: 401, text: 'The ticket is spent, expired or unknown.' },
  unavailable: {
    closeCode: 4503,
    httpStatus: 503,
    text: 'The store cannot be reached, or this conversation is damaged.',
  },
} as const satisfies Readonly<Record<string, FaultFacts>>

export type FaultCode = keyof typeof faults

/** A refusal. `message` is for people and names no content, no token and no path. */
export class Fault extends Error {
  readonly code: FaultCode

  constructor(code: FaultCode, message: string = faults[code].text, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Fault'
    this.code = code
  }

  get facts(): FaultFacts {
    return faults[this.code]
  }
}

/** Whether a peer that is closed with `closeCode` should come back by itself. */
export function isPermanent(closeCode: number): boolean {
  return closeCode >= 4400 && closeCode < 4500
}
