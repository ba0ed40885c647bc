/**
 * How much there is to read (SPEC UNREAD1): others' messages behind the own read registers that are not redacted, the first
 * `limits.unreadCount` of them, and how many of these mention the user. As the server counts.
 */

import type { Folded } from '../shared/chat/fold.ts'
import type { StampedMessage } from '../shared/chat/message.ts'
import type { ReadSoFar } from '../shared/chat/private-reads.ts'
import { historyFrom, isUnread, noThreads } from '../shared/chat/roster.ts'
import { limits } from '../shared/limits.ts'
import type { UserId } from '../shared/sync/ids.ts'

export interface UnreadCounts {
  /** At most `limits.unreadCount`. */
  readonly unread: number
  /** Those of them that mention the user. */
  readonly mentions: number
}

export const nothingUnread: UnreadCounts = { unread: 0, mentions: 0 }

/** Seq up to which the user has read; -1 before the first. */
export function readThrough({ reads }: Pick<Folded, 'reads'>, user: UserId): number {
  return reads.get(user)?.through ?? -1
}

/** In a list by ascending seq, behind `through`; goes on from what was counted in those before it. */
export function countUnread(
  messages: readonly StampedMessage[],
  user: UserId,
  { through, threads }: ReadSoFar,
  counted: UnreadCounts = nothingUnread,
): UnreadCounts {
  let { unread, mentions } = counted
  const first = messages.findLastIndex(({ seq }) => seq <= through) + 1
  for (let index = first; index < messages.length && unread < limits.unreadCount; index++) {
    const message = messages[index]
    if (message === undefined || !isUnread(message, user, threads)) continue
    unread++
    if (message.mentions?.includes(user) === true) mentions++
  }
  return { unread, mentions }
}

/** Seq up to which there is nothing to read for the user: they have read it, or are not told of it (SPEC HISTORY1). */
export function seenThrough(view: Pick<Folded, 'reads' | 'from'>, user: UserId): number {
  return Math.max(readThrough(view, user), historyFrom(view, user) - 1)
}

/** How far the user has come. */
export function readSoFar(view: Pick<Folded, 'reads' | 'from' | 'threadReads'>, user: UserId): ReadSoFar {
  return { through: seenThrough(view, user), threads: view.threadReads.get(user) ?? noThreads }
}
