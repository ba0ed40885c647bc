/** What a thread comes to by the messages of it that are here, kept up to date one by one. */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { Replies } from '../../shared/chat/message.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ChatMessage } from '../api.ts'
import type { ThreadSummary } from './thread-api.ts'

/** A message of it. */
interface Reply {
  readonly user: UserId
  /** Undefined while it is pending. */
  readonly seq: number | undefined
  /** In ms: the server's, or the device's while it is pending. */
  readonly at: number
  /** Of somebody else, and not redacted. */
  readonly toRead: boolean
  readonly isMention: boolean
}

export class KnownThread {
  readonly #root: MessageId
  readonly #user: UserId
  /** Seq up to which the user has read it. */
  #through: number
  readonly #replies = new Map<MessageId, Reply>()
  /** How many of each; in the order of their first one here. */
  readonly #users = new Map<UserId, number>()
  /** What the root says, and up to which seq it does; the last that it said where it is not here any more. */
  #base: Replies | undefined
  #baseThrough = -1
  /** The newest seq here. */
  #lastSeq = -1
  #lastAt = 0
  #pending = 0
  /** Of those here: behind `baseThrough`. */
  #beyond = 0
  #unread = 0
  #mentions = 0

  constructor(root: MessageId, user: UserId, through: number) {
    this.#root = root
    this.#user = user
    this.#through = through
  }

  get isEmpty(): boolean {
    return this.#replies.size === 0 && this.#base === undefined
  }

  get hasUnread(): boolean {
    return this.#unread > 0
  }

  /** The root as it is now; true when it says something else. */
  setRoot(root: ChatMessage | undefined): boolean {
    if (root !== undefined) {
      const isOther = root.replies !== this.#base || this.#baseThrough !== Infinity
      this.#base = root.replies
      // It counts by itself, pending ones too.
      this.#baseThrough = Infinity
      this.#beyond = 0
      return isOther
    }
    if (this.#baseThrough === Infinity) {
      this.#baseThrough = this.#lastSeq
      this.#base &&= { ...this.#base, count: this.#base.count - this.#pending }
    }
    if (this.#replies.size === 0) this.#base = undefined
    return true
  }

  /** A message of it as it is now; undefined: it is not here any more. True when that changes something. */
  put(id: MessageId, message: ChatMessage | undefined): boolean {
    const before = this.#replies.get(id)
    const now = message === undefined ? undefined : this.#replyOf(message)
    if (before === undefined && now === undefined) return false
    if (before !== undefined && now !== undefined && isSame(before, now)) return false
    if (before !== undefined) this.#count(before, -1)
    if (now === undefined) this.#replies.delete(id)
    else {
      this.#replies.set(id, now)
      this.#count(now, 1)
      this.#lastSeq = Math.max(this.#lastSeq, now.seq ?? -1)
      this.#lastAt = Math.max(this.#lastAt, now.at)
    }
    // It was the newest: nobody knows which one is now.
    if (before !== undefined && before.at === this.#lastAt && now?.at !== before.at) this.#lastAt = this.#newestAt()
    if (this.#replies.size === 0 && this.#baseThrough !== Infinity) this.#base = undefined
    return true
  }

  /** The user has read up to a seq; true when that leaves less to read. Where nothing is unread nothing is looked at. */
  read(through: number): boolean {
    const isSo = through === this.#through
    this.#through = through
    if (isSo || this.#unread === 0) return false
    const before = this.#unread
    this.#unread = 0
    this.#mentions = 0
    for (const reply of this.#replies.values()) this.#countUnread(reply, 1)
    return this.#unread !== before
  }

  summary(): ThreadSummary {
    const { count = 0, users = [], lastAt = 0 } = this.#base ?? {}
    const all = new Set([...users, ...this.#users.keys()])
    return {
      root: this.#root,
      count: count + (this.#baseThrough === Infinity ? 0 : this.#beyond + this.#pending),
      users: [...all].slice(0, limits.threadUsers),
      lastAt: Math.max(lastAt, this.#lastAt),
      unread: Math.min(this.#unread, limits.unreadCount),
      mentions: Math.min(this.#mentions, limits.unreadCount),
    }
  }

  /** Undefined for what failed: nobody else will see it. */
  #replyOf({ user, delivery, writtenAt, redactedAt, mentions }: ChatMessage): Reply | undefined {
    if (delivery.state === 'failed') return undefined
    const isPending = delivery.state === 'pending'
    return {
      user,
      seq: isPending ? undefined : delivery.seq,
      at: isPending ? writtenAt : delivery.createdAt,
      toRead: user !== this.#user && redactedAt === undefined,
      isMention: mentions?.includes(this.#user) === true,
    }
  }

  #count(reply: Reply, by: 1 | -1): void {
    if (reply.seq === undefined) this.#pending += by
    else if (reply.seq > this.#baseThrough) this.#beyond += by
    const ofUser = (this.#users.get(reply.user) ?? 0) + by
    if (ofUser === 0) this.#users.delete(reply.user)
    else this.#users.set(reply.user, ofUser)
    this.#countUnread(reply, by)
  }

  #countUnread({ seq, toRead, isMention }: Reply, by: 1 | -1): void {
    if (!toRead || seq === undefined || seq <= this.#through) return
    this.#unread += by
    if (isMention) this.#mentions += by
  }

  #newestAt(): number {
    let newest = 0
    for (const { at } of this.#replies.values()) newest = Math.max(newest, at)
    return newest
  }
}

function isSame(a: Reply, b: Reply): boolean {
  const names = ['user', 'seq', 'at', 'toRead', 'isMention'] as const
  return names.every((name) => a[name] === b[name])
}
