/** Threads as applications see them. */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ChatMessage, Draft, ReadableStore } from '../api.ts'

/** What a thread comes to, as far as it is known here. */
export interface ThreadInfo {
  /** The message that is answered; undefined while it is not here. */
  readonly root: ChatMessage | undefined
  /** Messages in it, redacted and pending ones included. */
  readonly count: number
  /** Who wrote in it, by the time of their first message there. */
  readonly users: readonly UserId[]
  /** When the last one was written, in ms; undefined when there is none. */
  readonly lastAt: number | undefined
  /** Others' messages in it, behind what the user has read of it or of all, that are not redacted. */
  readonly unread: number
  /** Those of them that mention the user. */
  readonly mentions: number
  /** Seq up to which the user has read it; -1 before the first. */
  readonly readThrough: number
  /** There are messages before those that are shown. */
  readonly hasOlder: boolean
  /** `unavailable`: what was asked for last is not on this device, and the server did not give it. */
  readonly phase: 'idle' | 'loading' | 'unavailable'
}

/** A line of a list of threads, as far as it is known here. */
export interface ThreadSummary {
  /** Of the root, which may be anywhere: `quote` shows it. */
  readonly root: MessageId
  /** Messages in it, redacted and pending ones included; of a root that is not here, those that are. */
  readonly count: number
  /** Who wrote in it, by the time of their first message there; at most 50. */
  readonly users: readonly UserId[]
  /** When the last one was written, in ms. */
  readonly lastAt: number
  /** As in `ThreadInfo`, of what is here: what an opened thread has loaded counts too. */
  readonly unread: number
  readonly mentions: number
}

/** A thread of an open conversation, as long as that is open. */
export interface Thread {
  /** Of the root. */
  readonly id: MessageId
  /** Sent ones by seq, then pending, then failed ones, as in the conversation; unchanged ones stay the same objects. */
  readonly messages: ReadableStore<readonly ChatMessage[]>
  readonly info: ReadableStore<ThreadInfo>
  /** As `Conversation.send`, in this thread. */
  send(message: string | Omit<Draft, 'thread'>): MessageId
  /** Tells that all of it that is here was seen, or what stands at or before a seq, as `Conversation.markRead` does. */
  markRead(through?: number): void
  /** Shows about `count` (50) more messages before those that are shown; resolves with how many came. */
  loadOlder(count?: number): Promise<number>
}
