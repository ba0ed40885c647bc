/**
 * Who appears at places of a conversation: in the message or the event that stands there. Whoever asks names places and
 * not people, so that nobody is looked up who does not appear in what they may read (SPEC PROFILE1, USERS1).
 */

import { peopleInEvent, peopleInMessage } from '../../shared/chat/people-in.ts'
import { limits } from '../../shared/limits.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { ConversationStore } from '../storage/conversation-store.ts'

/** Each once, at most `limits.profilesPerAnswer`; nobody of before `from`. */
export async function readPeopleAt(
  store: ConversationStore,
  id: ConversationId,
  seqs: readonly number[],
  from: number,
): Promise<readonly UserId[]> {
  const told = seqs.filter((seq) => seq >= from)
  const found = new Set<UserId>()
  for (const message of await store.messagesAt(id, told)) {
    if (message !== undefined) for (const user of peopleInMessage(message)) found.add(user)
  }
  for (const seq of told) {
    const events = await store.events(id, { after: seq - 1, before: seq + 1, limit: 1, take: 'oldest' })
    for (const event of events) for (const user of peopleInEvent(event)) found.add(user)
  }
  return [...found].slice(0, limits.profilesPerAnswer)
}
