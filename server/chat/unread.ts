/**
 * How many messages somebody has not read (SPEC UNREAD1): those of others behind the read register that are not redacted,
 * the first `limits.unreadCount` of them, and how many of these mention whoever asks. Remembers where it stopped counting,
 * so that a list reads what is new, and not a thousand rows for each of its lines.
 */

import type { StampedMessage } from '../../shared/chat/message.ts'
import { isUnread, type ThreadReads } from '../../shared/chat/roster.ts'
import { limits } from '../../shared/limits.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { ConversationStore, Head } from '../storage/conversation-store.ts'

export interface Unread {
  readonly unread: number
  readonly mentions: number
}

export interface UnreadAt extends Unread {
  /** It is what the head comes to that it was counted for. Else something was redacted meanwhile, and is missing in it, or all was deleted. */
  readonly isOfHead: boolean
}

/** Somebody who reads, and how far they have come. */
export interface Reader {
  readonly user: UserId
  /** Seq; -1 before the first. */
  readonly readThrough: number
  /** Seq of the first entry that they are told of. */
  readonly from: number
  /** What they have read beyond `readThrough`. */
  readonly threads: ThreadReads
}

const nothing: UnreadAt = { unread: 0, mentions: 0, isOfHead: true }

interface Counted extends Unread {
  readonly readThrough: number
  /** Seq of the last message that was looked at. */
  readonly countedTo: number
  /** Of the head: with more of them, what was counted may be gone. */
  readonly redactions: number
  /** What was read of threads beyond that. */
  readonly threadsKey: string
}

export class UnreadCounts {
  readonly #store: ConversationStore
  readonly #capacity: number
  /** Those asked for longest ago come first, and go first. */
  readonly #counted = new Map<string, Counted>()

  constructor(store: ConversationStore, capacity: number = limits.unreadCounts) {
    this.#store = store
    this.#capacity = capacity
  }

  get size(): number {
    return this.#counted.size
  }

  /**
   * `head` was read before: rows may be newer, never older. What is newer is not counted: whoever is told of it knows up to
   * where that is, and adds what comes behind it.
   */
  async count(id: ConversationId, head: Head, { user, readThrough: read, from, threads }: Reader): Promise<UnreadAt> {
    // Chats with an assistant are all one's own; none of their messages need be looked at.
    if (head.soleAuthor === user) return nothing
    const { redactions } = head
    const readThrough = Math.max(read, from - 1)
    const key = `${id}/${user}`
    const known = this.#counted.get(key)
    const threadsKey = [...threads].map((one) => one.join('/')).join()
    const end = Math.max(head.lastMessageSeq ?? -1, readThrough)
    const isGood =
      known?.readThrough === readThrough && known.redactions === redactions && known.threadsKey === threadsKey
    const none = { readThrough, redactions, threadsKey, countedTo: readThrough, unread: 0, mentions: 0 }
    // Whoever asked with a newer head may have counted further.
    let counted: Counted = isGood && known.countedTo <= end ? known : none
    let hasRead = false
    while (end > counted.countedTo && counted.unread < limits.unreadCount) {
      const range = { after: counted.countedTo, before: end + 1, limit: limits.pageMessages, take: 'oldest' } as const
      const rows = await this.#store.messages(id, range)
      hasRead = true
      if (rows.length === 0) break
      counted = rows.reduce((before, message) => countMessage(before, message, user, threads), counted)
    }
    const { unread, mentions } = counted
    if (hasRead && (await this.#redactions(id)) !== redactions) return { unread, mentions, isOfHead: false }
    this.#counted.delete(key)
    this.#counted.set(key, counted)
    for (const oldest of this.#counted.keys()) {
      if (this.#counted.size <= this.#capacity) break
      this.#counted.delete(oldest)
    }
    return { unread, mentions, isOfHead: true }
  }

  async #redactions(id: ConversationId): Promise<number | undefined> {
    const stored = await this.#store.head(id)
    return stored?.kind === 'head' ? stored.head.redactions : undefined
  }
}

function countMessage(counted: Counted, message: StampedMessage, reader: UserId, readThreads: ThreadReads): Counted {
  const { seq, mentions } = message
  if (counted.unread >= limits.unreadCount) return counted
  if (!isUnread(message, reader, readThreads)) return { ...counted, countedTo: seq }
  const isMention = mentions?.includes(reader) === true
  return {
    ...counted,
    countedTo: seq,
    unread: counted.unread + 1,
    mentions: counted.mentions + (isMention ? 1 : 0),
  }
}
