/** `Invitations` and `Profiles` in memory, upon whatever `Conversations` there are. */

import { v7 } from 'uuid'

import { type Conversations, Refused } from '../../../server/conversations.ts'
import { type Invitation, InvitationEnded, type Invitations } from '../../../server/invitations.ts'
import type { OwnProfile, Profiles } from '../../../server/profiles.ts'
import { hasAccess } from '../../../shared/chat/access.ts'
import { type InvitationId, parseInvitationId } from '../../../shared/chat/invitation.ts'
import { findProfiles } from '../../../shared/chat/profile.ts'
import { Fault } from '../../../shared/fault.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId, UserId } from '../../../shared/sync/ids.ts'

export function fakeInvitations(conversations: Conversations, now: () => number): Invitations {
  const rooms = new Map<ConversationId, Map<InvitationId, Invitation>>()
  const admin = async (user: UserId, id: ConversationId): Promise<Map<InvitationId, Invitation>> => {
    const { access } = await conversations.get(user, id)
    if (!hasAccess(access, 'admin')) throw new Fault('no-access')
    const room = rooms.get(id) ?? new Map<InvitationId, Invitation>()
    rooms.set(id, room)
    return room
  }
  const working = (room: ReadonlyMap<InvitationId, Invitation>): readonly Invitation[] =>
    [...room.values()].filter(({ expiresMs, usesLeft }) => now() < expiresMs && usesLeft !== 0)

  return {
    create: async (user, conversation, { access, lifeMs, uses }) => {
      const room = await admin(user, conversation)
      if (working(room).length >= limits.invitations) throw new Refused('too-many')
      const id = parseInvitationId(v7())
      if (id === undefined) throw new Error('not a UUIDv7')
      const createdMs = now()
      const made = { id, access, createdBy: user, createdMs, expiresMs: createdMs + lifeMs, usesLeft: uses }
      room.set(id, made)
      return made
    },
    list: async (user, conversation) => working(await admin(user, conversation)),
    revoke: async (user, conversation, id) => void (await admin(user, conversation)).delete(id),
    accept: async (user, { conversation, id }) => {
      const isMember = await conversations.get(user, conversation).then(
        () => true,
        (error: unknown) => {
          if (error instanceof Fault && error.code === 'no-access') return false
          throw error
        },
      )
      if (isMember) return
      const room = rooms.get(conversation) ?? new Map<InvitationId, Invitation>()
      const found = working(room).find((each) => each.id === id)
      if (found === undefined) throw new InvitationEnded()
      const { createdBy, access, usesLeft } = found
      try {
        await conversations.apply(createdBy, conversation, { kind: 'member', user, access, invitation: id })
      } catch {
        throw new InvitationEnded()
      }
      if (usesLeft !== null) room.set(id, { ...found, usesLeft: usesLeft - 1 })
    },
  }
}

export function fakeProfiles(conversations: Conversations, now: () => number): Profiles {
  const known = new Map<UserId, OwnProfile>()
  const own = (user: UserId): OwnProfile => known.get(user) ?? { user, name: null, color: null, updatedMs: null }
  return {
    own: async (user) => own(user),
    change: async (user, change) => {
      known.set(user, { ...own(user), ...change, updatedMs: now() })
      return own(user)
    },
    remove: async (user) => void known.delete(user),
    of: async (users) => users.map((user) => known.get(user)),
    search: async (user, query, limit) => {
      const { items } = await conversations.list(user, { limit: 1000, cursor: undefined })
      const found = new Set<UserId>()
      for (const { id } of items) for (const member of await conversations.members(user, id)) found.add(member.user)
      found.delete(user)
      return findProfiles([...found].map(own), query, limit)
    },
  }
}
