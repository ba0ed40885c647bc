/** Refusals of one conversation after which this user cannot open it any more. */

import type { FaultCode } from '../shared/fault.ts'
import type { ConnectionStatus, GoneReason } from './api.ts'

export type LostCode = Extract<FaultCode, 'no-access' | 'not-found' | 'deleted'>

/** Whether what the device has is all that there will be: what the server has merely lost may come back. */
export function goneReason(lost: LostCode | undefined): GoneReason | undefined {
  return lost === 'not-found' ? undefined : lost
}

export function parseLostCode(text: string): LostCode | undefined {
  return text === 'no-access' || text === 'not-found' || text === 'deleted' ? text : undefined
}

export function lostCodeOf(status: ConnectionStatus): LostCode | undefined {
  return status.phase === 'refused' ? parseLostCode(status.code) : undefined
}
