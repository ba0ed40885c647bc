/** Which part of a long conversation is rendered, and how its messages are grouped. Pure. */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { ChatMessage } from '../api.ts'
import { dayOf } from './time.ts'

/** Messages rendered at first, and added by each “show older”: some screens full, and quick on any phone. */
export const stepMessages = 200

/** Messages of one author closer than this share one heading. */
const groupMs = 5 * 60_000

export interface TimelineRow {
  readonly message: ChatMessage
  /** The start of the day, where one begins. */
  readonly newDay: number | undefined
  /** Whether its author is named. */
  readonly heads: boolean
}

/** When a message counts as written: the server's time once it has one. */
export function timeOf({ delivery, writtenAt }: ChatMessage): number {
  return delivery.state === 'sent' ? delivery.createdAt : writtenAt
}

/** Index of the first message to render: the newest ones, and back to `oldest` where that is earlier. */
export function firstShown(messages: readonly ChatMessage[], oldest: MessageId | undefined): number {
  const newest = Math.max(0, messages.length - stepMessages)
  if (oldest === undefined || newest === 0) return newest
  const index = messages.findIndex(({ id }) => id === oldest)
  return index === -1 ? newest : Math.min(index, newest)
}

export function timelineRows(messages: readonly ChatMessage[], first: number): readonly TimelineRow[] {
  const rows: TimelineRow[] = []
  let lastDay: number | undefined
  let previous: ChatMessage | undefined
  for (const message of messages.slice(first)) {
    const day = dayOf(timeOf(message))
    // Pending messages stand last whenever they were written: days only go forward.
    const newDay = lastDay === undefined || day > lastDay ? day : undefined
    const heads = newDay !== undefined || previous === undefined || !isSameGroup(previous, message)
    rows.push({ message, newDay, heads })
    lastDay = newDay ?? lastDay
    previous = message
  }
  return rows
}

function isSameGroup(previous: ChatMessage, message: ChatMessage): boolean {
  return (
    previous.user === message.user &&
    previous.role === message.role &&
    Math.abs(timeOf(message) - timeOf(previous)) < groupMs
  )
}
