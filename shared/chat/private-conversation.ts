/**
 * The private conversation of a user: a document like any other, with one member and nothing but settings, in which their
 * devices keep what is for nobody else: drafts, what is muted, what they read in private. Its id follows from the user's, so
 * that every device knows it without asking, and nobody else's conversation can have it.
 */

import { digest } from 'lib0/hash/sha256'
import { encodeUtf8 } from 'lib0/string'
import { type ConversationId, parseConversationId, type UserId } from '../sync/ids.ts'

/** A UUIDv7 of the time 0: no clock of a device tells that, so ids that are drawn are never private ones. */
const privateTime = '00000000-0000-7'

/** 74 bits of a SHA-256 behind the time 0; a second user with the same cannot be found. */
export function privateConversationOf(user: UserId): ConversationId {
  const bytes = digest(encodeUtf8(`parley private conversation of ${user}`))
  const hex = Array.from(bytes.subarray(0, 10), (byte) => byte.toString(16).padStart(2, '0')).join('')
  const variant = (0x8 | ((bytes[10] ?? 0) & 0x3)).toString(16)
  const id = parseConversationId(`${privateTime}${hex.slice(0, 3)}-${variant}${hex.slice(3, 6)}-${hex.slice(6, 18)}`)
  if (id === undefined) throw new Error('not a UUIDv7')
  return id
}

/** Whether it is somebody's private conversation. */
export function isPrivateConversation(id: ConversationId): boolean {
  return id.startsWith(privateTime)
}
