/** How much there is to read. */

import type { Folded } from '../shared/chat/fold.ts'
import { limits } from '../shared/limits.ts'
import type { UserId } from '../shared/sync/ids.ts'

/** Others' messages after the own read register, as many as are counted. */
export function countUnread({ sent, reads }: Folded, user: UserId): number {
  const through = reads.get(user) ?? -1
  let count = 0
  for (let index = sent.length - 1; index >= 0 && count < limits.unreadCount; index--) {
    const message = sent[index]
    if (message === undefined || message.seq <= through) break
    if (message.user !== user) count++
  }
  return count
}
