/** What happened to people, settings and pins: between which messages it stands, and in words. Pure. */

import type { Access } from '../../shared/chat/access.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ChatEvent, ChatMessage, EventEntry } from '../api.ts'
import type { Part } from './shown-part.ts'
import { seqOf } from './timeline-rows.ts'

/** An event, and what is known of the access that somebody had before it. */
export interface EventLine {
  readonly key: string
  readonly event: ChatEvent
  /** Undefined: nobody knows here. */
  readonly before: Access | null | undefined
}

/** Where none is to be seen. */
export const noLines: ReadonlyMap<number, readonly EventLine[]> = new Map()

/**
 * By place in the part of the messages that is rendered: before which of them each stands; those behind the last one come at
 * the end. `isWhole`: nothing is missing before the messages, so whoever was not spoken of before was not there.
 */
export function placeEvents(
  events: readonly ChatEvent[],
  messages: readonly ChatMessage[],
  { first, end }: Part,
  isWhole: boolean,
): ReadonlyMap<number, readonly EventLine[]> {
  const after = first === 0 ? -1 : (lastSeq(messages, first - 1) ?? Infinity)
  const until = end >= messages.length ? Infinity : (firstSeq(messages, end) ?? Infinity)
  const placed = new Map<number, EventLine[]>()
  const known = new Map<UserId, Access | null>()
  let place = first
  for (const [index, event] of events.entries()) {
    const seq = event.seq ?? Infinity
    const { entry } = event
    const before = entry.kind === 'member' ? (known.get(entry.user) ?? (isWhole ? null : undefined)) : undefined
    if (entry.kind === 'member') known.set(entry.user, entry.access)
    if (seq <= after || (seq >= until && until !== Infinity)) continue
    // What is pending has no place before it is sent.
    while (place < end && (event.seq === undefined || isBefore(messages[place], seq))) place++
    const key = event.seq === undefined ? `pending-${index}` : `event-${seq}`
    placed.set(place - first, [...(placed.get(place - first) ?? []), { key, event, before }])
  }
  return placed
}

function isBefore(message: ChatMessage | undefined, seq: number): boolean {
  return message !== undefined && (seqOf(message) ?? Infinity) < seq
}

function lastSeq(messages: readonly ChatMessage[], index: number): number | undefined {
  const message = messages.slice(0, index + 1).findLast((one) => seqOf(one) !== undefined)
  return message && seqOf(message)
}

function firstSeq(messages: readonly ChatMessage[], index: number): number | undefined {
  const message = messages.slice(index).find((one) => seqOf(one) !== undefined)
  return message && seqOf(message)
}

/** Whoever a line names. */
export function namedIn(lines: Iterable<EventLine>): readonly UserId[] {
  const users = new Set<UserId>()
  for (const { event } of lines) {
    users.add(event.user)
    if (event.entry.kind === 'member') users.add(event.entry.user)
  }
  return [...users]
}

export const asWhat: Readonly<Record<Access, string>> = {
  owner: 'an owner',
  admin: 'an admin',
  writer: 'a writer',
  reader: 'a reader',
}

export function eventWords({ event, before }: EventLine, nameOf: (user: UserId) => string): string {
  const { user, entry } = event
  const by = nameOf(user)
  switch (entry.kind) {
    case 'member': {
      const whom = nameOf(entry.user)
      if (entry.access === null) return entry.user === user ? `${by} left` : `${by} removed ${whom}`
      if (entry.invitation !== undefined) return `${whom} joined with a link from ${by}`
      return before === null ? `${by} added ${whom}` : `${by} made ${whom} ${asWhat[entry.access]}`
    }
    case 'pin':
      return entry.on ? `${by} pinned a message` : `${by} took a pin back`
    case 'set':
      return `${by} ${settingWords(entry)}`
  }
}

function settingWords({ key, value }: Extract<EventEntry, { kind: 'set' }>): string {
  if (key === 'title') return typeof value === 'string' ? `changed the title to “${value}”` : 'took the title away'
  if (key === 'history')
    return value === 'from-join'
      ? 'hid what was written before from whoever joins from now on'
      : 'lets whoever joins from now on see what was written before'
  if (key === 'wipe')
    return value === true
      ? 'decided that whoever is removed keeps nothing of it on their devices'
      : 'decided that whoever is removed keeps what is on their devices'
  return 'changed a setting'
}
