/** How many of the pending messages are the user's: each is counted once, for the list of a long time offline is long. */

import { type ChangeMark, changedSince } from '../shared/chat/change-log.ts'
import type { Folded } from '../shared/chat/fold.ts'
import type { UserId } from '../shared/sync/ids.ts'

/** `mark`: that of the list. */
export type CountOwn = (pending: Folded['pending'], mark: ChangeMark<number>) => number

export function createOwnCount(user: UserId): CountOwn {
  let known: Folded['pending'] = []
  let knownMark: ChangeMark<number> | undefined
  let count = 0
  return (pending, mark) => {
    if (pending === known) return count
    const length = known.length
    // Others come behind those that were counted, or all are counted anew.
    const places = changedSince(mark, knownMark)
    const isLonger = places?.every((place) => place >= length) === true && length + places.length === pending.length
    const fresh = isLonger ? pending.slice(length) : pending
    count = (isLonger ? count : 0) + fresh.filter((message) => message.user === user).length
    known = pending
    knownMark = mark
    return count
  }
}
