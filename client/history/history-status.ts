/** What an open conversation tells of its archive. Plain data. */

import type { HistoryStatus } from '../api.ts'
import { RestFailure } from '../rest-client.ts'

export const nothingKept: HistoryStatus['kept'] = { spans: [], messages: 0, bytes: 0, complete: false }

export function sameStatus(a: HistoryStatus, b: HistoryStatus): boolean {
  const same = a.phase === b.phase && a.reason === b.reason && a.stale === b.stale && a.kept === b.kept
  return same && a.keep === b.keep && a.hasOlder === b.hasOlder && a.hasNewer === b.hasNewer
}

/** Why older messages cannot be had. */
export function reasonOf(error: unknown): string {
  if (error instanceof RestFailure) return error.message
  return 'These messages are not on this device, and the server cannot be reached.'
}
