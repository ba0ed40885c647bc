/** `Conversations` in memory, with the real rules and nothing else: no entries, no stamps, no disk. */

import type { Access } from '../../../shared/chat/access.ts'
import {
  encodeEntry,
  type Entry,
  type KnownEntry,
  type MessageEntry,
  type MessageId,
} from '../../../shared/chat/entry.ts'
import { isSameJson } from '../../../shared/chat/json-object.ts'
import { besideTitle } from '../../../shared/chat/known-settings.ts'
import { eventIn, type TimelineEvent } from '../../../shared/chat/timeline-event.ts'
import {
  applyTouch,
  isTouch,
  touchIn,
  messageOf,
  type StampedMessage,
  stampMessage,
  touchMessage,
} from '../../../shared/chat/message.ts'
import { peopleInEvent, peopleInMessage } from '../../../shared/chat/people-in.ts'
import { judge, type PolicyView, settingBytes } from '../../../shared/chat/policy.ts'
import { isPrivateConversation, privateConversationOf } from '../../../shared/chat/private-conversation.ts'
import {
  furtherRead,
  parseSeqValue,
  privateReadKey,
  privateReadsIn,
  unreadMarkKey,
} from '../../../shared/chat/private-reads.ts'
import {
  applyToRoster,
  emptyRoster,
  historyFrom,
  isUnread,
  noThreads,
  type Roster,
  threadReadThrough,
  unread as nothingRead,
} from '../../../shared/chat/roster.ts'
import { Fault } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId, UserId } from '../../../shared/sync/ids.ts'
import {
  Conflict,
  type Conversations,
  type ConversationState,
  type MessageVersion,
  type OwnConversation,
  Refused,
  type WithSettings,
} from '../../../server/conversations.ts'

interface Room {
  readonly events: TimelineEvent[]
  readonly id: ConversationId
  readonly createdMs: number
  updatedMs: number
  roster: Roster
  nextSeq: number
  isDeleted: boolean
  messages: readonly StampedMessage[]
  /** Role and content as first sent. */
  readonly sent: Map<MessageId, string>
  readonly keys: Map<string, MessageId>
  /** What messages said, oldest first. */
  readonly versions: Map<MessageId, readonly MessageVersion[]>
}

/** Where an entry came to stand, and when. */
interface Stamped {
  readonly seq: number
  readonly timeMs: number
}

export interface FakeSources {
  readonly now: () => number
  readonly newId: () => ConversationId
}

export function fakeConversations({ now, newId }: FakeSources): Conversations {
  const rooms = new Map<ConversationId, Room>()

  const enter = (user: UserId, id: ConversationId): Room => {
    const room = rooms.get(id)
    if (room === undefined) throw new Fault('not-found')
    if (room.isDeleted) throw new Fault('deleted')
    if (!room.roster.members.has(user)) throw new Fault('no-access')
    return room
  }

  /** With what the user has read in private. */
  const rosterFor = ({ id, roster, nextSeq }: Room, user: UserId): Roster => {
    const settings = rooms.get(privateConversationOf(user))?.roster.settings ?? new Map<string, unknown>()
    const inPrivate = privateReadsIn([...settings].map(([key, value]) => ({ key, value }))).get(id)
    if (inPrivate === undefined) return roster
    const told = { through: roster.reads.get(user)?.through ?? -1, threads: roster.threadReads.get(user) ?? noThreads }
    const { through, threads } = furtherRead(told, inPrivate, nextSeq - 1)
    const reads = new Map(roster.reads).set(user, { through, received: through })
    return { ...roster, reads, threadReads: new Map(roster.threadReads).set(user, threads) }
  }

  const append = (room: Room, timeMs: number): number => {
    room.updatedMs = timeMs
    return room.nextSeq++
  }

  const postNew = (room: Room, user: UserId, entry: MessageEntry): StampedMessage => {
    const reason = judge(policyOf(room), user, entry)
    if (reason !== undefined) throw new Refused(reason)
    // Of everything that an entry does there is one time.
    const timeMs = now()
    const message = stampMessage(messageOf(user, entry), append(room, timeMs), timeMs)
    const { seq } = message
    room.messages = [...room.messages, message]
    touchOne(room, user, entry, { seq, timeMs })
    room.sent.set(entry.id, digest(entry))
    noteVersion(room, message.id, entry, { seq, timeMs })
    return message
  }

  const noteVersion = (
    { versions }: Room,
    id: MessageId,
    { content, at }: { readonly content: string; readonly at: number },
    { seq, timeMs }: Stamped,
  ): void => {
    versions.set(id, [...(versions.get(id) ?? []), { content, writtenMs: at, createdMs: timeMs, seq }])
  }

  const change = (room: Room, user: UserId, entry: KnownEntry): void => {
    if (encodeEntry(entry).length > limits.entryBytes) throw new Refused('too-large')
    const reason = judge(policyOf(room), user, entry)
    if (reason !== undefined) throw new Refused(reason)
    if (isSo(room, user, entry)) return
    const timeMs = now()
    const seq = entry.kind === 'read' ? room.nextSeq++ : append(room, timeMs)
    room.roster = applyToRoster(room.roster, user, entry, seq)
    const event = eventIn(entry)
    if (event !== undefined) room.events.push({ seq, user, timeMs, entry: event })
    if (entry.kind === 'edit') noteVersion(room, entry.of, entry, { seq, timeMs })
    touchOne(room, user, entry, { seq, timeMs })
  }

  const touchOne = (room: Room, user: UserId, entry: Entry, stamped: Stamped): void => {
    const touching = touchIn(entry)
    if (touching === undefined) return
    const touch = { user, entry: touching, ...stamped }
    room.messages = room.messages.map((message) => (message.id === touching.of ? applyTouch(message, touch) : message))
  }

  return {
    async create(user, { id = newId(), title, members = [], settings = new Map() }) {
      if (rooms.has(id)) return { state: fullStateOf(enter(user, id), user), created: false }
      const all = new Map([...settings, ...(title === undefined ? [] : [['title', title] as const])])
      if (sizeOf(all) > limits.settingsBytes) throw new Refused('too-large')
      const everybody: (readonly [UserId, Access])[] = [
        [user, 'owner'],
        ...members.map((one) => [one.user, one.access] as const),
      ]
      const room: Room = {
        id,
        createdMs: now(),
        updatedMs: now(),
        roster: withSettings({ ...emptyRoster, members: new Map(everybody) }, user, all),
        events: [],
        nextSeq: settings.size,
        isDeleted: false,
        messages: [],
        sent: new Map(),
        keys: new Map(),
        versions: new Map(),
      }
      rooms.set(id, room)
      return { state: fullStateOf(room, user), created: true }
    },

    async list(user, { limit, cursor }) {
      const mine = [...rooms.values()]
        .filter((room) => !room.isDeleted && room.roster.members.has(user) && !isPrivateConversation(room.id))
        .toSorted((a, b) => b.updatedMs - a.updatedMs || (a.id < b.id ? 1 : -1))
      const start = cursor === undefined ? 0 : mine.findIndex((room) => room.id === cursor.id) + 1
      const page = mine.slice(start, start + limit)
      const last = page.at(-1)
      return {
        items: page.map((room) => ({
          ...ownOf(room, user, rosterFor(room, user)),
          lastMessage: room.messages.at(-1) ?? null,
        })),
        next: last === undefined || last === mine.at(-1) ? undefined : { updatedMs: last.updatedMs, id: last.id },
      }
    },

    get: async (user, id) => stateOf(enter(user, id), user),

    own: async (user, id) => {
      const room = enter(user, id)
      return { ...ownOf(room, user, rosterFor(room, user)), ...fullStateOf(room, user) }
    },

    async change(user, id, settings) {
      const room = enter(user, id)
      const { roster, nextSeq, updatedMs } = room
      const events = [...room.events]
      try {
        // What makes room comes first.
        const inOrder = [...settings].toSorted(([, a], [, b]) => Number(b === null) - Number(a === null))
        for (const [key, value] of inOrder) change(room, user, { kind: 'set', key, value })
      } catch (error) {
        room.events.splice(0, Infinity, ...events)
        Object.assign(room, { roster, nextSeq, updatedMs })
        throw error
      }
      return fullStateOf(room, user)
    },

    async delete(user, id) {
      const room = enter(user, id)
      if (room.roster.members.get(user) !== 'owner') throw new Fault('no-access')
      room.isDeleted = true
    },

    members: async (user, id) => {
      const { roster } = enter(user, id)
      const from = historyFrom(roster, user)
      return [...roster.members].map(([member, access]) => {
        const { through, received } = roster.reads.get(member) ?? nothingRead
        const register = { through: through < from ? -1 : through, received: received < from ? -1 : received }
        return { user: member, access, register }
      })
    },

    peopleAt: async (user, id, seqs) => {
      const { messages, events, roster } = enter(user, id)
      const from = historyFrom(roster, user)
      const isAt = ({ seq }: { readonly seq: number }): boolean => seqs.includes(seq) && seq >= from
      const people = [
        ...messages.filter(isAt).flatMap((message) => [...peopleInMessage(message)]),
        ...events.filter(isAt).flatMap((event) => [...peopleInEvent(event)]),
      ]
      return [...new Set(people)]
    },

    async apply(user, id, entry) {
      if (id === privateConversationOf(user) && !rooms.has(id)) await this.create(user, { id })
      const room = enter(user, id)
      change(room, user, entry)
      return stateOf(room, user)
    },

    async read(user, id, { private: isPrivate, ...seen }) {
      const room = enter(user, id)
      if (isPrivate === true) {
        const reason = judge(policyOf(room), user, { kind: 'read', ...seen })
        if (reason !== undefined) throw new Refused(reason)
        const key = privateReadKey(id, seen.thread)
        const known = parseSeqValue(rooms.get(privateConversationOf(user))?.roster.settings.get(key)) ?? -1
        const value = Math.max(seen.through ?? -1, known)
        await this.apply(user, privateConversationOf(user), { kind: 'set', key, value })
      } else change(room, user, { kind: 'read', ...seen })
      const mark = unreadMarkKey(id)
      const settings = rooms.get(privateConversationOf(user))?.roster.settings
      if (seen.through !== undefined && settings?.has(mark) === true)
        await this.apply(user, privateConversationOf(user), { kind: 'set', key: mark, value: null })
      const { received } = room.roster.reads.get(user) ?? nothingRead
      const roster = rosterFor(room, user)
      const through =
        seen.thread === undefined
          ? (roster.reads.get(user)?.through ?? -1)
          : threadReadThrough(roster, user, seen.thread)
      return { through, received }
    },

    async thread(user, id, of) {
      const room = enter(user, id)
      const { messages } = room
      const roster = rosterFor(room, user)
      const root = messages.find((one) => one.id === of)
      if (root === undefined) throw new Fault('not-found')
      const through = threadReadThrough(roster, user, of)
      const open = messages.filter((one) => one.thread === of && one.seq > through && isUnread(one, user, noThreads))
      const mentions = open.filter((one) => one.mentions?.includes(user) === true)
      return { root, unread: open.length, mentions: mentions.length, through }
    },

    async privateState(user) {
      const settings = rooms.get(privateConversationOf(user))?.roster.settings ?? []
      return [...settings].map(([key, value]) => ({ key, value }))
    },

    async post(user, id, message, idempotencyKey) {
      const room = enter(user, id)
      const keyed = idempotencyKey === undefined ? undefined : room.keys.get(`${user} ${idempotencyKey}`)
      const entry = { ...message, id: keyed ?? message.id }
      const known = room.messages.find((one) => one.id === entry.id)
      if (known !== undefined && known.user !== user) throw new Conflict('id-taken')
      if (known !== undefined && room.sent.get(known.id) !== digest(entry)) throw new Conflict('other-content')
      const posted = known ?? postNew(room, user, entry)
      if (idempotencyKey !== undefined) room.keys.set(`${user} ${idempotencyKey}`, entry.id)
      return { message: posted, created: known === undefined }
    },

    async messages(user, id, { limit, before = Infinity, after = -1, around, thread }) {
      const entered = enter(user, id)
      const isWanted = (message: StampedMessage): boolean => thread === undefined || message.thread === thread
      const room = { ...entered, messages: entered.messages.filter(isWanted) }
      const asOf = room.nextSeq - 1
      if (around !== undefined) {
        const older = room.messages.filter(({ seq }) => seq < around).slice(-Math.floor(limit / 2))
        const newer = room.messages.filter(({ seq }) => seq > around).slice(0, limit - older.length)
        return { messages: [...older, ...newer], asOf }
      }
      const between = room.messages.filter(({ seq }) => seq < before && seq > after)
      return { messages: after === -1 ? between.slice(-limit) : between.slice(0, limit), asOf }
    },

    async message(user, id, messageId) {
      const message = enter(user, id).messages.find((one) => one.id === messageId)
      if (message === undefined) throw new Fault('not-found')
      return message
    },

    async events(user, id, { limit, before = Infinity, after = -1 }) {
      const between = enter(user, id).events.filter(({ seq }) => seq < before && seq > after)
      return after === -1 ? between.slice(-limit) : between.slice(0, limit)
    },

    async versions(user, id, messageId) {
      const room = enter(user, id)
      const message = room.messages.find((one) => one.id === messageId)
      if (message === undefined) throw new Fault('not-found')
      if (message.redactedAt !== undefined) throw new Refused('redacted')
      if (message.user !== user) throw new Refused('not-author')
      return room.versions.get(messageId) ?? []
    },

    async pins(user, id) {
      const { messages, roster } = enter(user, id)
      const pinned = [...roster.pins].toSorted(([, a], [, b]) => a - b)
      return pinned.flatMap(([of]) => messages.find((message) => message.id === of) ?? [])
    },

    async changes(user, id, { after, limit }) {
      const room = enter(user, id)
      const changed = room.messages
        .filter(({ seq, revision }) => revision > seq && revision > after)
        .toSorted((a, b) => a.revision - b.revision)
      const messages = changed.slice(0, limit)
      const more = changed.length > limit
      return { messages, more, asOf: (more ? messages.at(-1)?.revision : undefined) ?? room.nextSeq - 1 }
    },

    async chain(user, id, client, from) {
      enter(user, id)
      if (client !== 7) throw new Fault('not-found')
      const places = [
        { clock: 0, crc: 7, outcome: { kind: 'accepted', seq: 0 } },
        { clock: 1, crc: 8, outcome: { kind: 'void', reason: 'access' } },
      ] as const
      return { next: 2, places: places.filter(({ clock }) => clock >= from) }
    },
  }
}

/** Whether an entry that is allowed would change nothing. */
function isSo({ roster, messages, nextSeq }: Room, user: UserId, entry: Entry): boolean {
  if (entry.kind === 'read') return applyToRoster(roster, user, entry, nextSeq) === roster
  if (entry.kind === 'set') return isSameJson(roster.settings.get(entry.key) ?? null, entry.value)
  const message = isTouch(entry) ? messages.find(({ id }) => id === entry.of) : undefined
  if (!isTouch(entry) || message === undefined) return false
  if (entry.kind === 'edit') return message.content === entry.content
  return touchMessage(message, { user, timeMs: 0, entry }) === message
}

function stateOf(room: Room, user: UserId): ConversationState {
  const { id, roster, createdMs, updatedMs, nextSeq } = room
  const lastSeq = nextSeq === 0 ? null : nextSeq - 1
  return { id, title: roster.title, createdMs, updatedMs, lastSeq, access: roster.members.get(user) ?? 'reader' }
}

function fullStateOf(room: Room, user: UserId): ConversationState & WithSettings {
  return { ...stateOf(room, user), settings: besideTitle(room.roster.settings) }
}

function withSettings(roster: Roster, user: UserId, settings: ReadonlyMap<string, unknown>): Roster {
  const entries = [...settings].map(([key, value]) => ({ kind: 'set' as const, key, value }))
  return entries.reduce((before, entry) => applyToRoster(before, user, entry, 0), roster)
}

function sizeOf(settings: ReadonlyMap<string, unknown>): number {
  return [...settings].reduce((sum, [key, value]) => sum + settingBytes(key, value), 0)
}

function ownOf(room: Room, user: UserId, roster: Roster): OwnConversation {
  const { through } = roster.reads.get(user) ?? nothingRead
  const { received } = room.roster.reads.get(user) ?? nothingRead
  const register = { through, received }
  const threads = roster.threadReads.get(user) ?? noThreads
  const unread = room.messages
    .filter((message) => message.seq > register.through && isUnread(message, user, threads))
    .slice(0, limits.unreadCount)
  const mentions = unread.filter((message) => message.mentions?.includes(user) === true)
  return {
    ...stateOf(room, user),
    unread: unread.length,
    mentions: mentions.length,
    register,
    threads,
    from: historyFrom(room.roster, user),
  }
}

function policyOf({ id: room, roster, messages, nextSeq }: Room): PolicyView {
  return {
    isPrivate: () => isPrivateConversation(room),
    threadReadsOf: () => new Map(),
    threadReadsBytes: () => 0,
    accessOf: (user) => roster.members.get(user),
    ownerCount: () => [...roster.members.values()].filter((access) => access === 'owner').length,
    memberCount: () => roster.members.size,
    membersBytes: () => 0,
    claimOf: (id) => {
      const message = messages.find((one) => one.id === id)
      return message === undefined ? undefined : { user: message.user, complete: true, message }
    },
    nextSeq: () => nextSeq,
    pinCount: () => roster.pins.size,
    isPinned: (id) => roster.pins.has(id),
    settingsBytesWithout: (key) => sizeOf(new Map([...roster.settings].filter(([name]) => name !== key))),
  }
}

function digest({ role, content }: MessageEntry): string {
  return `${role}\n${content}`
}
