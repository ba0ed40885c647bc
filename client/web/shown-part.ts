/** Which part of a long conversation is rendered: never more than stays quick, and never without what is read. Pure. */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { ChatMessage } from '../api.ts'

/** Messages rendered at first: a large screen and what is soon scrolled to. Somebody waits for them. */
export const firstMessages = 80

/** Messages added at an end that is scrolled to: some screens full, so that it is seldom. */
export const stepMessages = 200

/** Messages rendered at most while somebody reads above the end. */
export const mostMessages = 600

/** Indexes; `end` exclusive. */
export interface Part {
  readonly first: number
  readonly end: number
}

/** The ends of a part by their messages, for indexes move. */
export interface HeldPart {
  readonly from: MessageId | undefined
  /** Undefined: as far as the messages go, or as many as are rendered at most. */
  readonly to: MessageId | undefined
}

/** The part that is held; the newest messages when none is, or when its own are not there any more. */
export function partOf(messages: readonly ChatMessage[], held: HeldPart | undefined): Part {
  const all = messages.length
  const to = held?.to === undefined ? -1 : messages.findLastIndex(({ id }) => id === held.to)
  const from = held?.from === undefined ? -1 : messages.findIndex(({ id }) => id === held.from)
  const end = to === -1 ? all : to + 1
  if (from === -1 || from >= end) return { first: Math.max(0, end - firstMessages), end }
  return { first: from, end: Math.min(end, from + mostMessages) }
}

/** Whether a part that is held begins with a message that is still there. */
export function isHeld(messages: readonly ChatMessage[], { from }: HeldPart): boolean {
  return from === undefined || messages.some(({ id }) => id === from)
}

export function holdPart(messages: readonly ChatMessage[], { first, end }: Part): HeldPart {
  return { from: messages[first]?.id, to: end >= messages.length ? undefined : messages[end - 1]?.id }
}

/** With a step of what stands before it; what is too much then is left out behind. */
export function withOlder({ first, end }: Part): Part {
  const from = Math.max(0, first - stepMessages)
  return { first: from, end: Math.min(end, from + mostMessages) }
}

/** With a step of the `all` messages that stand behind it. */
export function withNewer({ first, end }: Part, all: number): Part {
  const to = Math.min(all, end + stepMessages)
  return { first: Math.max(first, to - mostMessages), end: to }
}

/** As many of the `all` messages from one of them on, and half as many before it. */
export function partAround(index: number, all: number): Part {
  return { first: Math.max(0, index - firstMessages / 2), end: Math.min(all, index + firstMessages) }
}
