/** What is read of threads: which messages stand in one, and how much of that a member has not read. */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import { isUnread, noThreads } from '../../shared/chat/roster.ts'
import { limits } from '../../shared/limits.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import type { ThreadState } from '../conversations.ts'
import type { ConversationStore, SeqRange } from '../storage/conversation-store.ts'
import type { Reader } from './unread.ts'

/** By ascending seq. */
export async function readReplies(
  store: ConversationStore,
  id: ConversationId,
  root: MessageId,
  query: SeqRange & { readonly limit: number; readonly take: 'newest' | 'oldest' },
): Promise<readonly StampedMessage[]> {
  const messages = await store.messagesAt(id, await store.replies(id, root, query))
  return messages.filter((message) => message !== undefined)
}

/** A message that can be answered in a thread. `from`: seq of the first entry that whoever asks is told of. */
export async function isRoot(
  store: ConversationStore,
  id: ConversationId,
  messageId: MessageId,
  from: number,
): Promise<boolean> {
  const [claim] = await store.claims(id, [messageId])
  const message = claim?.seq === undefined || claim.seq < from ? undefined : await store.message(id, claim.seq)
  return message !== undefined && message.thread === undefined
}

/** What was read of all was read of each thread; -1 before the first. */
export function threadThrough({ readThrough, threads }: Reader, root: MessageId): number {
  return Math.max(readThrough, threads.get(root) ?? -1)
}

export async function readThread(
  store: ConversationStore,
  id: ConversationId,
  member: Reader,
  root: StampedMessage,
): Promise<ThreadState> {
  const through = threadThrough(member, root.id)
  let [unread, mentions, countedTo] = [0, 0, through]
  while (root.replies !== undefined && unread < limits.unreadCount) {
    const range = { after: countedTo, limit: limits.pageMessages, take: 'oldest' } as const
    const page = await readReplies(store, id, root.id, range)
    const last = page.at(-1)
    if (last === undefined) break
    countedTo = last.seq
    for (const message of page) {
      if (unread >= limits.unreadCount || !isUnread(message, member.user, noThreads)) continue
      unread++
      if (message.mentions?.includes(member.user) === true) mentions++
    }
  }
  return { root, unread, mentions, through }
}
