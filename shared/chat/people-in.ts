/** Who appears in what a conversation shows, members or not: those whose names are shown with it. */

import type { UserId } from '../sync/ids.ts'
import type { Message } from './message.ts'
import type { EventEntry } from './timeline-event.ts'

/** Its author first; each may come several times. */
export function* peopleInMessage(message: Message): Generator<UserId, void> {
  const { user, redactedBy, reactions = [], replies, mentions = [] } = message
  yield user
  if (redactedBy !== undefined) yield redactedBy
  for (const { users } of reactions) yield* users
  if (replies !== undefined) yield* replies.users
  yield* mentions
}

export function* peopleInEvent({
  user,
  entry,
}: {
  readonly user: UserId
  readonly entry: EventEntry
}): Generator<UserId, void> {
  yield user
  if (entry.kind === 'member') yield entry.user
}
