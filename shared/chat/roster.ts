/**
 * The folded state of a conversation that is not messages: settings, members, read registers, pins. One reducer for both
 * sides, and the form in which a checkpoint carries it.
 */

import { parseUserId, type UserId } from '../sync/ids.ts'
import { type Access, parseAccess } from './access.ts'
import { type Entry, type MessageId, parseMessageId, type ReadEntry } from './entry.ts'
import { historySetting, startsAtJoin } from './known-settings.ts'
import type { Message } from './message.ts'

/** How far a user has come; -1 before the first. Both only grow. */
export interface ReadRegister {
  /** Seq up to which the user has read. */
  readonly through: number
  /** Seq up to which a device of the user has received. */
  readonly received: number
}

export type ThreadReads = ReadonlyMap<MessageId, number>

export interface Roster {
  readonly title: string | null
  /** The title among them; those that were cleared are not. */
  readonly settings: ReadonlyMap<string, unknown>
  readonly members: ReadonlyMap<UserId, Access>
  /** Seqs of the entries that added those members who get nothing from before (SPEC HISTORY1); of others nothing. */
  readonly from: ReadonlyMap<UserId, number>
  /** Of members only: whoever leaves begins anew. */
  readonly reads: ReadonlyMap<UserId, ReadRegister>
  /** By member and root of the thread: seq up to which they have read it, where that is beyond what they have read of all. */
  readonly threadReads: ReadonlyMap<UserId, ThreadReads>
  /** By what was pinned: the seq of the entry that did it. */
  readonly pins: ReadonlyMap<MessageId, number>
}

export const emptyRoster: Roster = {
  title: null,
  settings: new Map(),
  members: new Map(),
  from: new Map(),
  reads: new Map(),
  threadReads: new Map(),
  pins: new Map(),
}

export const unread: ReadRegister = { through: -1, received: -1 }

/** Maps of a roster that were made for it and that nobody was shown yet: what is changed in them costs no copy. */
export interface OwnMaps {
  settings?: Map<string, unknown>
  members?: Map<UserId, Access>
  reads?: Map<UserId, ReadRegister>
  threadReads?: Map<UserId, ThreadReads>
  pins?: Map<MessageId, number>
}

/**
 * What an accepted entry of `user` at `seq` changes; the same roster when nothing. Entries that a roster takes account of
 * already can be applied to it again, all of them in their order, and lead to the same: a checkpoint is ahead of the window.
 * `own`: maps of `roster` that may be changed; those that are made are noted in it.
 */
export function applyToRoster(roster: Roster, user: UserId, entry: Entry, seq: number, own: OwnMaps = {}): Roster {
  switch (entry.kind) {
    case 'set': {
      const settings = ownMap(own.settings, roster.settings)
      own.settings = settings
      if (entry.value === null) settings.delete(entry.key)
      else settings.set(entry.key, entry.value)
      return { ...roster, settings, title: titleOf(settings) }
    }
    case 'member': {
      const members = ownMap(own.members, roster.members)
      own.members = members
      if (entry.access !== null) {
        const isLate = !members.has(entry.user) && startsAtJoin(roster.settings.get(historySetting))
        const from = isLate ? new Map(roster.from).set(entry.user, seq) : roster.from
        return { ...roster, members: members.set(entry.user, entry.access), from }
      }
      const from = new Map(roster.from)
      const [reads, threadReads] = [ownMap(own.reads, roster.reads), ownMap(own.threadReads, roster.threadReads)]
      Object.assign(own, { reads, threadReads })
      for (const map of [members, from, reads, threadReads]) map.delete(entry.user)
      return { ...roster, members, from, reads, threadReads }
    }
    case 'read': {
      if (!roster.members.has(user)) return roster
      const [register, threads] = [roster.reads.get(user) ?? unread, roster.threadReads.get(user) ?? noThreads]
      const after = advanceAll({ register, threads }, entry)
      if (after.register === register && after.threads === threads) return roster
      if (after.register !== register) own.reads = ownMap(own.reads, roster.reads).set(user, after.register)
      const reads = after.register === register ? roster.reads : (own.reads ?? roster.reads)
      if (after.threads === threads) return { ...roster, reads }
      const threadReads = ownMap(own.threadReads, roster.threadReads)
      own.threadReads = threadReads
      if (after.threads.size === 0) threadReads.delete(user)
      else threadReads.set(user, after.threads)
      return { ...roster, reads, threadReads }
    }
    case 'pin': {
      const pins = ownMap(own.pins, roster.pins)
      own.pins = pins
      if (entry.on) return { ...roster, pins: pins.set(entry.of, seq) }
      return pins.delete(entry.of) ? { ...roster, pins } : roster
    }
    default:
      return roster
  }
}

function ownMap<K, V>(own: Map<K, V> | undefined, map: ReadonlyMap<K, V>): Map<K, V> {
  return own !== undefined && own === map ? own : new Map(map)
}

/**
 * Seq of the first entry that a member is shown: 0 for nearly all. Of entries that a checkpoint takes account of it cannot be
 * found out once more, for the setting may have been another then: what the checkpoint says counts.
 */
export function historyFrom({ from }: Pick<Roster, 'from'>, user: UserId): number {
  return from.get(user) ?? 0
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

/** How far somebody has come: in all of the conversation, and in threads that they have read beyond that. */
export interface Registers {
  readonly register: ReadRegister
  readonly threads: ThreadReads
}

export const noThreads: ThreadReads = new Map()

/** Moves registers forward by a `read` entry; the same objects where they are there already. Total. */
export function advanceAll({ register, threads }: Registers, entry: ReadEntry): Registers {
  if (entry.thread === undefined) {
    const after = advance(register, entry)
    if (after.through === register.through) return { register: after, threads }
    const beyond = [...threads].filter(([, through]) => through > after.through)
    return { register: after, threads: beyond.length === threads.size ? threads : new Map(beyond) }
  }
  const { through = -1 } = entry
  if (through <= register.through || through <= (threads.get(entry.thread) ?? -1)) return { register, threads }
  return { register, threads: new Map(threads).set(entry.thread, through) }
}

/** Seq up to which the user has read a thread; -1 before the first. What was read of all was read of it. */
export function threadReadThrough(
  { reads, threadReads }: Pick<Roster, 'reads' | 'threadReads'>,
  user: UserId,
  thread: MessageId,
): number {
  return Math.max(reads.get(user)?.through ?? -1, threadReads.get(user)?.get(thread) ?? -1)
}

/** Whether a message counts as unread for a user, the register of the conversation aside. */
export function isUnread(message: Message & { readonly seq: number }, reader: UserId, threads: ThreadReads): boolean {
  if (message.user === reader || message.redactedAt !== undefined) return false
  return message.thread === undefined || (threads.get(message.thread) ?? -1) < message.seq
}

/** Entries with another value are void. */
function titleOf(settings: ReadonlyMap<string, unknown>): string | null {
  const title = settings.get('title')
  return typeof title === 'string' ? title : null
}

/** A roster as JSON: what a checkpoint carries. Lists of pairs, for an object would order some names anew. */
export function rosterToJson({
  settings,
  members,
  from,
  reads,
  threadReads,
  pins,
}: Roster): Readonly<Record<string, unknown>> {
  return {
    settings: [...settings],
    members: [...members].map(([user, access]) => {
      const first = from.get(user)
      return first === undefined ? [user, access] : [user, access, first]
    }),
    reads: [...reads].map(([user, { through, received }]) => [user, through, received]),
    ...(threadReads.size === 0 ? {} : { threads: [...threadReads].map(([user, threads]) => [user, ...threads]) }),
    pins: [...pins],
  }
}

/** Reads it back; what is not understood is left out. Total. */
export function rosterFromJson(state: Readonly<Record<string, unknown>>): Roster {
  const settings = new Map<string, unknown>()
  for (const [key, value] of listsIn(state['settings'])) if (typeof key === 'string') settings.set(key, value)
  const members = new Map<UserId, Access>()
  const from = new Map<UserId, number>()
  for (const [name, level, first] of listsIn(state['members'])) {
    const user = parseUserId(name)
    const access = parseAccess(level)
    if (user === undefined || access === undefined) continue
    members.set(user, access)
    if (isRegister(first)) from.set(user, first)
  }
  const reads = new Map<UserId, ReadRegister>()
  for (const [name, through, received] of listsIn(state['reads'])) {
    const user = parseUserId(name)
    if (user !== undefined && isRegister(through) && isRegister(received)) reads.set(user, { through, received })
  }
  const threadReads = new Map<UserId, ThreadReads>()
  for (const [name, ...pairs] of listsIn(state['threads'])) {
    const user = parseUserId(name)
    const threads = new Map<MessageId, number>()
    for (const [text, through] of listsIn(pairs)) {
      const id = parseMessageId(text)
      if (id !== undefined && isRegister(through)) threads.set(id, through)
    }
    if (user !== undefined && threads.size > 0) threadReads.set(user, threads)
  }
  const pins = new Map<MessageId, number>()
  for (const [text, seq] of listsIn(state['pins'])) {
    const id = parseMessageId(text)
    if (id !== undefined && isRegister(seq)) pins.set(id, seq)
  }
  return { title: titleOf(settings), settings, members, from, reads, threadReads, pins }
}

function* listsIn(value: unknown): Generator<readonly unknown[]> {
  if (Array.isArray(value)) for (const list of value) if (Array.isArray(list)) yield list
}

function isRegister(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= -1
}
