/** Shapes of the REST API: JSON in snake_case, times in RFC 3339 UTC with milliseconds. */

import type { Access } from './chat/access.ts'
import type { MessageId, Role } from './chat/entry.ts'
import type { StampedMessage } from './chat/message.ts'
import type { ConversationId, UserId } from './sync/ids.ts'

export interface RestError {
  readonly detail: string
  readonly code: string
  readonly fields?: readonly { readonly path: string; readonly message: string }[]
}

export interface RestConversation {
  readonly id: ConversationId
  readonly title: string | null
  /** The access of whoever asks. */
  readonly access: Access
  readonly created_at: string
  readonly updated_at: string
  /** Seq of the last entry; null before the first. */
  readonly last_seq: number | null
}

export interface RestConversationItem extends RestConversation {
  readonly unread: number
  readonly last_message: RestMessage | null
}

export interface RestPage<Item> {
  readonly items: readonly Item[]
  readonly next_cursor: string | null
}

export interface RestMember {
  readonly user: UserId
  readonly access: Access
}

export interface RestMessage {
  readonly id: MessageId
  readonly conversation_id: ConversationId
  readonly user_id: UserId
  readonly role: Role
  readonly content: string
  /** The server's time. */
  readonly created_at: string
  /** The author's clock. */
  readonly written_at: string
  readonly seq: number
  readonly reply_to?: MessageId
  readonly thread?: MessageId
  readonly parent?: MessageId
  readonly mentions?: readonly UserId[]
  readonly parts?: readonly Readonly<Record<string, unknown>>[]
  readonly status?: string
}

/** One place of an own chain, as the server sees it. */
export type RestChainEntry =
  | { readonly clock: number; readonly state: 'accepted'; readonly seq: number }
  | { readonly clock: number; readonly state: 'void'; readonly reason: string }

export interface RestChain {
  readonly client: number
  /** Clock of the first entry that the server does not have. */
  readonly next_clock: number
  readonly entries: readonly RestChainEntry[]
}

export interface RestTicket {
  readonly ticket: string
  readonly expires_at: string
}

export interface RestToken {
  readonly token: string
  readonly user: UserId
  readonly expires_at: string
}

/** `timeMs` in RFC 3339, UTC, with milliseconds. Times beyond what a Date can hold become the last it can. */
export function restTime(timeMs: number): string {
  const lastDateMs = 8_640_000_000_000_000
  return new Date(Math.min(timeMs, lastDateMs)).toISOString()
}

export function restMessage(conversation: ConversationId, message: StampedMessage): RestMessage {
  const { id, user, role, content, seq, createdAt, writtenAt, replyTo, ...rest } = message
  return {
    id,
    conversation_id: conversation,
    user_id: user,
    role,
    content,
    created_at: restTime(createdAt),
    written_at: restTime(writtenAt),
    seq,
    ...(replyTo === undefined ? {} : { reply_to: replyTo }),
    ...rest,
  }
}
