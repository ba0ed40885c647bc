/** `Conversations` in memory, with the real rules and nothing else: no entries, no stamps, no disk. */

import type { Access } from '../../../shared/chat/access.ts'
import type { MessageEntry, MessageId } from '../../../shared/chat/entry.ts'
import { messageOf, type StampedMessage } from '../../../shared/chat/message.ts'
import { judge, type PolicyView } from '../../../shared/chat/policy.ts'
import { Fault } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId, UserId } from '../../../shared/sync/ids.ts'
import { Conflict, type Conversations, type ConversationState, Refused } from '../../../server/conversations.ts'

interface Room {
  readonly id: ConversationId
  readonly createdMs: number
  updatedMs: number
  title: string | null
  nextSeq: number
  isDeleted: boolean
  readonly members: Map<UserId, Access>
  readonly messages: StampedMessage[]
  /** Role and content as first sent. */
  readonly sent: Map<MessageId, string>
  readonly keys: Map<string, MessageId>
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
    if (!room.members.has(user)) throw new Fault('no-access')
    return room
  }

  const append = (room: Room): number => {
    room.updatedMs = now()
    return room.nextSeq++
  }

  const postNew = (room: Room, user: UserId, entry: MessageEntry): StampedMessage => {
    const reason = judge(policyOf(room), user, entry)
    if (reason !== undefined) throw new Refused(reason)
    const message = { ...messageOf(user, entry), seq: append(room), createdAt: now() }
    room.messages.push(message)
    room.sent.set(entry.id, digest(entry))
    return message
  }

  return {
    async create(user, { id = newId(), title = null, members = [] }) {
      if (rooms.has(id)) return { state: stateOf(enter(user, id), user), created: false }
      const room: Room = {
        id,
        createdMs: now(),
        updatedMs: now(),
        title,
        nextSeq: 0,
        isDeleted: false,
        members: new Map([[user, 'owner'], ...members.map((member) => [member.user, member.access] as const)]),
        messages: [],
        sent: new Map(),
        keys: new Map(),
      }
      rooms.set(id, room)
      return { state: stateOf(room, user), created: true }
    },

    async list(user, { limit, cursor }) {
      const mine = [...rooms.values()]
        .filter((room) => !room.isDeleted && room.members.has(user))
        .toSorted((a, b) => b.updatedMs - a.updatedMs || (a.id < b.id ? 1 : -1))
      const start = cursor === undefined ? 0 : mine.findIndex((room) => room.id === cursor.id) + 1
      const page = mine.slice(start, start + limit)
      const last = page.at(-1)
      return {
        items: page.map((room) => ({
          ...stateOf(room, user),
          unread: Math.min(limits.unreadCount, room.messages.filter((message) => message.user !== user).length),
          lastMessage: room.messages.at(-1) ?? null,
        })),
        next: last === undefined || last === mine.at(-1) ? undefined : { updatedMs: last.updatedMs, id: last.id },
      }
    },

    get: async (user, id) => stateOf(enter(user, id), user),

    async delete(user, id) {
      const room = enter(user, id)
      if (room.members.get(user) !== 'owner') throw new Fault('no-access')
      room.isDeleted = true
    },

    members: async (user, id) => [...enter(user, id).members].map(([member, access]) => ({ user: member, access })),

    async apply(user, id, entry) {
      const room = enter(user, id)
      const reason = judge(policyOf(room), user, entry)
      if (reason !== undefined) throw new Refused(reason)
      append(room)
      if (entry.kind === 'set' && entry.key === 'title')
        room.title = typeof entry.value === 'string' ? entry.value : null
      if (entry.kind === 'member' && entry.access === null) room.members.delete(entry.user)
      if (entry.kind === 'member' && entry.access !== null) room.members.set(entry.user, entry.access)
      return stateOf(room, user)
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

    async messages(user, id, { limit, before = Infinity, after = -1, around }) {
      const room = enter(user, id)
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

    async chain(user, id, client, from) {
      enter(user, id)
      if (client !== 7) throw new Fault('not-found')
      const places = [
        { clock: 0, outcome: { kind: 'accepted', seq: 0 } },
        { clock: 1, outcome: { kind: 'void', reason: 'access' } },
      ] as const
      return { next: 2, places: places.filter(({ clock }) => clock >= from) }
    },
  }
}

function stateOf(room: Room, user: UserId): ConversationState {
  const { id, title, createdMs, updatedMs, nextSeq, members } = room
  const lastSeq = nextSeq === 0 ? null : nextSeq - 1
  return { id, title, createdMs, updatedMs, lastSeq, access: members.get(user) ?? 'reader' }
}

function policyOf(room: Room): PolicyView {
  return {
    accessOf: (user) => room.members.get(user),
    ownerCount: () => [...room.members.values()].filter((access) => access === 'owner').length,
    claimOf: (id) => {
      const message = room.messages.find((one) => one.id === id)
      return message === undefined ? undefined : { user: message.user, complete: true }
    },
    nextSeq: () => room.nextSeq,
  }
}

function digest({ role, content }: MessageEntry): string {
  return `${role}\n${content}`
}
