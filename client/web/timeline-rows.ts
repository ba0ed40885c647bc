/** How the messages of a conversation are grouped: by day, by author, and where unread ones begin. Pure. */

import type { ChatMessage } from '../api.ts'
import type { Part } from './shown-part.ts'
import { dayOf } from './time.ts'

/** Messages of one author closer than this share one heading. */
const groupMs = 5 * 60_000

export interface TimelineRow {
  readonly message: ChatMessage
  /** The start of the day, where one begins. */
  readonly newDay: number | undefined
  /** Whether its author is named. */
  readonly heads: boolean
  /** Whether what is unread begins with it. */
  readonly beginsUnread: boolean
}

/** When a message counts as written: the server's time once it has one. */
export function timeOf({ delivery, writtenAt }: ChatMessage): number {
  return 'createdAt' in delivery ? delivery.createdAt : writtenAt
}

/** Undefined until the message is sent. */
export function seqOf({ delivery }: ChatMessage): number | undefined {
  return 'seq' in delivery ? delivery.seq : undefined
}

/** Index of the first message of somebody else at or behind a seq; -1 when there is none. */
export function indexOfUnread(messages: readonly ChatMessage[], from: number | undefined): number {
  return from === undefined ? -1 : messages.findIndex((message) => !message.own && (seqOf(message) ?? -1) >= from)
}

/** Index of the message with a seq; -1 when it is not there. */
export function indexOfSeq(messages: readonly ChatMessage[], seq: number): number {
  return messages.findIndex((message) => seqOf(message) === seq)
}

/** `unread`: index of the first message that is. */
export function timelineRows(
  messages: readonly ChatMessage[],
  { first, end }: Part,
  unread: number,
): readonly TimelineRow[] {
  const rows: TimelineRow[] = []
  let lastDay: number | undefined
  let previous: ChatMessage | undefined
  for (const [index, message] of messages.slice(first, end).entries()) {
    const day = dayOf(timeOf(message))
    // Pending messages stand last whenever they were written: days only go forward.
    const newDay = lastDay === undefined || day > lastDay ? day : undefined
    const beginsUnread = first + index === unread
    const isApart = newDay !== undefined || beginsUnread || previous === undefined
    rows.push({ message, newDay, heads: isApart || !isSameGroup(previous, message), beginsUnread })
    lastDay = newDay ?? lastDay
    previous = message
  }
  return rows
}

function isSameGroup(previous: ChatMessage | undefined, message: ChatMessage): boolean {
  return (
    previous?.user === message.user &&
    previous.role === message.role &&
    Math.abs(timeOf(message) - timeOf(previous)) < groupMs
  )
}
