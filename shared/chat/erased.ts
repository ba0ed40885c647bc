/** What is left of a message that was redacted: its place in the conversation, without anything that was said. */

import type { UserId } from '../sync/ids.ts'
import { type MessageId, parseMessageId } from './entry.ts'
import type { Message } from './message.ts'

/** Of whatever a message is made of, this may stay. */
const leftFields = ['role', 'replyTo', 'thread', 'parent', 'status'] as const satisfies readonly (keyof Message)[]

/** For the record of the erasure: JSON. */
export function leftOf(message: Message): Readonly<Record<string, unknown>> {
  return { ...Object.fromEntries(leftFields.map((name) => [name, message[name]])), at: message.writtenAt }
}

/** The message as it was before it was redacted, without its content; undefined for what is none. */
export function readErased(user: UserId, id: MessageId, left: Readonly<Record<string, unknown>>): Message | undefined {
  const { role, at, status } = left
  if ((role !== 'user' && role !== 'assistant') || typeof at !== 'number') return undefined
  const links: { -readonly [Key in 'replyTo' | 'thread' | 'parent']?: MessageId } = {}
  for (const name of ['replyTo', 'thread', 'parent'] as const) {
    const link = parseMessageId(left[name])
    if (link !== undefined) links[name] = link
  }
  return { id, user, role, content: '', writtenAt: at, ...links, ...(typeof status === 'string' ? { status } : {}) }
}
