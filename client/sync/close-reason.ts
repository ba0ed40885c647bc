/** Why a socket was closed, in words for people. */

import { faults } from '../../shared/fault.ts'

/** RFC 6455: no close frame came. */
export const lostCode = 1006

export function describeClose(code: number, reason: string): string {
  const fault = Object.entries(faults).find(([name]) => name === reason)?.[1]
  if (fault !== undefined) return fault.text
  return code === lostCode ? 'The connection was lost.' : `The server closed the connection (${code}).`
}
