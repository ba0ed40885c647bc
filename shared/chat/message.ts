/** A message as it stands: what server and client materialise from entries, with the same function. */

import type { UserId } from '../sync/ids.ts'
import type { MessageEntry, MessageId, Role } from './entry.ts'

export interface Message {
  readonly id: MessageId
  readonly user: UserId
  readonly role: Role
  readonly content: string
  /** The author's clock when it was written, in ms. */
  readonly writtenAt: number
  readonly replyTo?: MessageId
  readonly thread?: MessageId
  readonly parent?: MessageId
  readonly mentions?: readonly UserId[]
  readonly parts?: readonly Readonly<Record<string, unknown>>[]
  readonly status?: string
}

/** A message with its place and the server's time in ms. */
export interface StampedMessage extends Message {
  readonly seq: number
  readonly createdAt: number
}

/** The message that an entry of `user` makes. */
export function messageOf(user: UserId, entry: MessageEntry): Message {
  const { kind: _kind, at, ...fields } = entry
  return { ...fields, user, writtenAt: at }
}
