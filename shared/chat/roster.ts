/**
 * The folded state of a conversation that is not messages: settings, members, read registers, pins. One reducer for both
 * sides, and the form in which a checkpoint carries it.
 */

import { parseUserId, type UserId } from '../sync/ids.ts'
import { type Access, parseAccess } from './access.ts'
import { type Entry, type MessageId, parseMessageId } from './entry.ts'

/** How far a user has come; -1 before the first. Both only grow. */
export interface ReadRegister {
  /** Seq up to which the user has read. */
  readonly through: number
  /** Seq up to which a device of the user has received. */
  readonly received: number
}

export interface Roster {
  readonly title: string | null
  /** The title among them; those that were cleared are not. */
  readonly settings: ReadonlyMap<string, unknown>
  readonly members: ReadonlyMap<UserId, Access>
  /** Of members only: whoever leaves begins anew. */
  readonly reads: ReadonlyMap<UserId, ReadRegister>
  /** By what was pinned: the seq of the entry that did it. */
  readonly pins: ReadonlyMap<MessageId, number>
}

export const emptyRoster: Roster = {
  title: null,
  settings: new Map(),
  members: new Map(),
  reads: new Map(),
  pins: new Map(),
}

export const unread: ReadRegister = { through: -1, received: -1 }

/**
 * What an accepted entry of `user` at `seq` changes; the same roster when nothing. Entries that a roster takes account of
 * already can be applied to it again, all of them in their order, and lead to the same: a checkpoint is ahead of the window.
 */
export function applyToRoster(roster: Roster, user: UserId, entry: Entry, seq: number): Roster {
  switch (entry.kind) {
    case 'set': {
      const settings = new Map(roster.settings)
      if (entry.value === null) settings.delete(entry.key)
      else settings.set(entry.key, entry.value)
      return { ...roster, settings, title: titleOf(settings) }
    }
    case 'member': {
      const members = new Map(roster.members)
      if (entry.access !== null) return { ...roster, members: members.set(entry.user, entry.access) }
      const reads = new Map(roster.reads)
      members.delete(entry.user)
      reads.delete(entry.user)
      return { ...roster, members, reads }
    }
    case 'read': {
      if (!roster.members.has(user) || entry.thread !== undefined) return roster
      const before = roster.reads.get(user) ?? unread
      const after = advance(before, entry)
      return after === before ? roster : { ...roster, reads: new Map(roster.reads).set(user, after) }
    }
    case 'pin': {
      const pins = new Map(roster.pins)
      if (entry.on) return { ...roster, pins: pins.set(entry.of, seq) }
      return pins.delete(entry.of) ? { ...roster, pins } : roster
    }
    default:
      return roster
  }
}

/** Moves a register forward; the same object when it is there already. Whoever has read a message has received it. */
export function advance(
  register: ReadRegister,
  { through = -1, received = -1 }: { readonly through?: number; readonly received?: number },
): ReadRegister {
  const read = Math.max(register.through, through)
  const got = Math.max(register.received, received, read)
  return read === register.through && got === register.received ? register : { through: read, received: got }
}

/** Entries with another value are void. */
function titleOf(settings: ReadonlyMap<string, unknown>): string | null {
  const title = settings.get('title')
  return typeof title === 'string' ? title : null
}

/** A roster as JSON: what a checkpoint carries. Lists of pairs, for an object would order some names anew. */
export function rosterToJson({ settings, members, reads, pins }: Roster): Readonly<Record<string, unknown>> {
  return {
    settings: [...settings],
    members: [...members],
    reads: [...reads].map(([user, { through, received }]) => [user, through, received]),
    pins: [...pins],
  }
}

/** Reads it back; what is not understood is left out. Total. */
export function rosterFromJson(state: Readonly<Record<string, unknown>>): Roster {
  const settings = new Map<string, unknown>()
  for (const [key, value] of listsIn(state['settings'])) if (typeof key === 'string') settings.set(key, value)
  const members = new Map<UserId, Access>()
  for (const [name, level] of listsIn(state['members'])) {
    const user = parseUserId(name)
    const access = parseAccess(level)
    if (user !== undefined && access !== undefined) members.set(user, access)
  }
  const reads = new Map<UserId, ReadRegister>()
  for (const [name, through, received] of listsIn(state['reads'])) {
    const user = parseUserId(name)
    if (user !== undefined && isRegister(through) && isRegister(received)) reads.set(user, { through, received })
  }
  const pins = new Map<MessageId, number>()
  for (const [text, seq] of listsIn(state['pins'])) {
    const id = parseMessageId(text)
    if (id !== undefined && isRegister(seq)) pins.set(id, seq)
  }
  return { title: titleOf(settings), settings, members, reads, pins }
}

function* listsIn(value: unknown): Generator<readonly unknown[]> {
  if (Array.isArray(value)) for (const list of value) if (Array.isArray(list)) yield list
}

function isRegister(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= -1
}
