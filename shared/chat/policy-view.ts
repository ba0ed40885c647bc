/** What the rules of `policy` look at on a device: the state as it is shown there, with what is pending. */

import type { UserId } from '../sync/ids.ts'
import type { MessageId } from './entry.ts'
import type { Folded } from './fold.ts'
import { type Message, touchMessage } from './message.ts'
import { type IdClaim, memberBytes, type PolicyView, settingBytes, threadReadBytes } from './policy.ts'
import { noThreads } from './roster.ts'

export interface KnownIds {
  /** A message that is here: live, as a page, pending. */
  readonly messageOf: (id: MessageId) => Message | undefined
  /** Whose stream it is; undefined when it is none. */
  readonly streamOf: (id: MessageId) => UserId | undefined
  readonly isPrivate: boolean
}

export function policyViewOf(view: Folded, { messageOf, streamOf, isPrivate }: KnownIds): PolicyView {
  const claimOf = (id: MessageId): IdClaim | undefined => {
    const known = messageOf(id)
    const message = known && (view.pendingTouches.get(id) ?? []).reduce<Message>(touchMessage, known)
    if (message !== undefined) return { user: message.user, complete: true, message }
    const user = streamOf(id)
    return user === undefined ? undefined : { user, complete: false }
  }
  return {
    claimOf,
    isPrivate: () => isPrivate,
    accessOf: (user) => view.members.get(user),
    ownerCount: () => [...view.members.values()].filter((access) => access === 'owner').length,
    memberCount: () => view.members.size,
    membersBytes: () => [...view.members.keys()].reduce((sum, user) => sum + memberBytes(user), 0),
    nextSeq: () => view.lastSeq + 1,
    pinCount: () => view.pins.size,
    isPinned: (id) => view.pins.has(id),
    settingsBytesWithout: (key) => {
      let bytes = 0
      for (const [other, value] of view.settings) if (other !== key) bytes += settingBytes(other, value)
      return bytes
    },
    threadReadsOf: (user) => view.threadReads.get(user) ?? noThreads,
    threadReadsBytes: () =>
      [...view.threadReads].reduce((sum, [user, threads]) => sum + threads.size * threadReadBytes(user), 0),
  }
}
