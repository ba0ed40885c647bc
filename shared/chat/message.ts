/** A message as it stands: what server and client materialise from entries, with the same function. */

import type { UserId } from '../sync/ids.ts'
import type { MessageEntry } from './entry.ts'

export interface Message extends Omit<MessageEntry, 'kind' | 'at'> {
  readonly user: UserId
  /** The author's clock when it was written, in ms. */
  readonly writtenAt: number
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
