/** Refusals of one conversation after which this user cannot open it any more. */

import type { FaultCode } from '../shared/fault.ts'
import type { ConnectionStatus } from './api.ts'

export type LostCode = Extract<FaultCode, 'no-access' | 'not-found' | 'deleted'>

export function parseLostCode(text: string): LostCode | undefined {
  return text === 'no-access' || text === 'not-found' || text === 'deleted' ? text : undefined
}

export function lostCodeOf(status: ConnectionStatus): LostCode | undefined {
  return status.phase === 'refused' ? parseLostCode(status.code) : undefined
}
