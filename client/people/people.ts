/** People as a client knows them: composes what is kept, what is asked for and what is sent. */

import {
  findProfiles,
  parseProfileColor,
  parseProfileName,
  type Profile,
  type ProfileChange,
} from '../../shared/chat/profile.ts'
import { limits } from '../../shared/limits.ts'
import { type ConversationId, parseUserId, type UserId } from '../../shared/sync/ids.ts'
import type { OpenConversation } from '../open-conversation.ts'
import { RestFailure } from '../rest-client.ts'
import type { ClientStorage } from '../storage/client-storage.ts'
import { createAuthorProfiles } from './author-profiles.ts'
import { createKnownProfiles } from './known-profiles.ts'
import { createOwnProfile } from './own-profile.ts'
import type { Invitations, Profiles } from './people-api.ts'
import type { PeopleRest } from './people-rest.ts'
import { createProfileRefresh } from './profile-refresh.ts'

export interface PeopleDeps {
  readonly user: UserId
  /** Of the server. */
  readonly url: string
  readonly opening: Promise<ClientStorage>
  readonly rest: PeopleRest
  /** Members of conversations that this device knows of. */
  readonly members: () => Iterable<UserId>
  readonly isConnected: () => boolean
  /** In ms, of a clock that nobody sets. */
  readonly uptime: () => number
}

export interface People {
  readonly profiles: Profiles
  readonly invitations: (id: ConversationId) => Invitations
  /** There may be a connection. */
  readonly proceed: () => void
  /** Something of a conversation may have changed. */
  readonly look: (conversation: OpenConversation, isShown: boolean) => void
  /** Resolves when what can be kept is kept. */
  readonly close: () => Promise<void>
}

export function createPeople({ user, url, opening, rest, members, isConnected, uptime }: PeopleDeps): People {
  const known = createKnownProfiles(opening, user)
  const own = createOwnProfile(known, rest, isConnected)
  const refresh = createProfileRefresh(known, rest, uptime)
  const authors = createAuthorProfiles(known, rest, uptime)

  function knownUsers(): Iterable<Profile> {
    const all = new Map<UserId, Profile>()
    for (const each of members()) all.set(each, { user: each, name: null, color: null })
    for (const profile of known.all()) all.set(profile.user, profile)
    all.delete(user)
    return all.values()
  }

  async function search(text: string, limit: number): Promise<readonly Profile[]> {
    if (isConnected()) {
      try {
        const found = await rest.find(text, limit)
        known.note(found)
        return found
      } catch (error) {
        // The network may have gone a moment ago: then this device answers.
        if (error instanceof RestFailure && error.isPermanent) throw error
      }
    }
    await known.loaded
    return findProfiles(knownUsers(), text, limit)
  }

  return {
    profiles: {
      mine: known.mine,
      status: own.status,
      get: (id) => known.get(parsedUser(id)),
      setMine: (change) => {
        // In one turn, so that it is seen at once; what is wrong with it is thrown, not rejected with.
        const kept = known.setUnsent({ ...known.unsent(), ...parsedChange(change) })
        own.noteChoice()
        void kept.then(own.proceed, own.proceed)
        return kept
      },
      search: (text, limit = limits.defaultPageUsers) =>
        search(text.slice(0, limits.userSearchLength), Math.min(Math.max(1, limit), limits.pageUsers)),
    },
    invitations: (id) => ({
      create: async ({ access, lifeMs, uses } = {}) => {
        const made = await rest.invite(id, {
          ...(access === undefined ? {} : { access }),
          ...(lifeMs === undefined ? {} : { expires_in_s: Math.floor(lifeMs / 1000) }),
          ...(uses === undefined ? {} : { uses }),
        })
        return { ...made, url: `${url}/#/join/${made.token}` }
      },
      list: () => rest.invitations(id),
      revoke: (invitation) => rest.revoke(id, invitation),
    }),
    proceed: () => {
      if (isConnected()) void known.takeLeft().then(own.proceed, own.proceed)
    },
    look: (conversation, isShown) => {
      refresh.look(conversation, isShown)
      authors.look(conversation)
      if (conversation.status.getSnapshot().connection.phase === 'live') own.proceed()
    },
    close: async () => {
      own.close()
      refresh.close()
      authors.close()
      await known.flushed()
    },
  }
}

function parsedUser(text: string): UserId {
  const user = parseUserId(text)
  if (user === undefined) throw new TypeError(`Not a user id: ${text}`)
  return user
}

function parsedChange({ name, color }: ProfileChange): ProfileChange {
  const parsedName = typeof name === 'string' ? parseProfileName(name) : name
  const parsedColor = typeof color === 'string' ? parseProfileColor(color) : color
  if (typeof name === 'string' && parsedName === undefined) {
    throw new TypeError(`A name has 1 to ${limits.profileNameLength} characters, none of them control characters.`)
  }
  if (typeof color === 'string' && parsedColor === undefined) throw new TypeError('A colour is #rrggbb.')
  return {
    ...(parsedName === undefined ? {} : { name: parsedName }),
    ...(parsedColor === undefined ? {} : { color: parsedColor }),
  }
}
