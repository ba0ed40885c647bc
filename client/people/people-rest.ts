/** What the SDK asks the REST API about people: profiles and invitations. Whatever is not as it should be is an error. */

import { type InvitedAccess, parseInvitationId, parseInvitedAccess } from '../../shared/chat/invitation.ts'
import { parseProfileColor, parseProfileName, type Profile, type ProfileChange } from '../../shared/chat/profile.ts'
import type { RestConversationItem } from '../../shared/rest.ts'
import { type ConversationId, parseUserId } from '../../shared/sync/ids.ts'
import { parseConversationPage } from '../rest-answers.ts'
import { answered, type RestClient } from '../rest-client.ts'
import type { Invitation } from './people-api.ts'

export interface PeopleRest {
  readonly me: () => Promise<Profile>
  readonly changeMe: (change: ProfileChange) => Promise<Profile>
  readonly find: (text: string, limit: number) => Promise<readonly Profile[]>
  /** The profiles of all members of a conversation. */
  readonly members: (id: ConversationId) => Promise<readonly Profile[]>
  /** The profiles of all who appear at these seqs, at most `limits.profilePlaces` of them. */
  readonly appearing: (id: ConversationId, seqs: readonly number[]) => Promise<readonly Profile[]>
  /** As all that has to do with invitations, rejects with NoConnection when the server could not be asked. */
  readonly invite: (
    id: ConversationId,
    body: { readonly access?: InvitedAccess; readonly expires_in_s?: number; readonly uses?: number | null },
  ) => Promise<Invitation & { readonly token: string }>
  readonly invitations: (id: ConversationId) => Promise<readonly Invitation[]>
  readonly revoke: (id: ConversationId, invitation: string) => Promise<void>
  /** The conversation that was joined, as the list has it, but for its last message. */
  readonly join: (token: string) => Promise<RestConversationItem>
}

export function createPeopleRest({ request }: Pick<RestClient, 'request'>): PeopleRest {
  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    return (await request(method, path, body)).json()
  }

  return {
    me: async () => parseProfile(await call('GET', '/api/me')),
    changeMe: async (change) => parseProfile(await call('PUT', '/api/me', change)),
    find: async (text, limit) => {
      const query = new URLSearchParams({ q: text, limit: String(limit) })
      return itemsIn(await call('GET', `/api/users?${query.toString()}`)).map(parseProfile)
    },
    members: async (id) => itemsIn(await call('GET', `/api/conversations/${id}/members`)).map(parseProfile),
    appearing: async (id, seqs) => {
      const query = new URLSearchParams(seqs.map((seq) => ['seq', String(seq)]))
      return itemsIn(await call('GET', `/api/conversations/${id}/profiles?${query.toString()}`)).map(parseProfile)
    },
    invite: async (id, body) => {
      const answer = await answered(call('POST', `/api/conversations/${id}/invitations`, body))
      const { token } = fieldsOf(answer)
      if (typeof token !== 'string') throw anotherLanguage()
      return { ...parseInvitation(answer), token }
    },
    invitations: async (id) =>
      itemsIn(await answered(call('GET', `/api/conversations/${id}/invitations`))).map(parseInvitation),
    revoke: async (id, invitation) => {
      await answered(request('DELETE', `/api/conversations/${id}/invitations/${encodeURIComponent(invitation)}`))
    },
    join: async (token) => {
      const joined = fieldsOf(await answered(call('POST', `/api/invitations/${encodeURIComponent(token)}/accept`)))
      const [item] = parseConversationPage({ items: [{ ...joined, last_message: null }], next_cursor: null }).items
      if (item === undefined) throw anotherLanguage()
      return item
    },
  }
}

/** A name or a colour of a later version is none here. */
function parseProfile(value: unknown): Profile {
  const { user: id, name, color } = fieldsOf(value)
  const user = parseUserId(id)
  if (user === undefined) throw anotherLanguage()
  return { user, name: parseProfileName(name) ?? null, color: parseProfileColor(color) ?? null }
}

function parseInvitation(value: unknown): Invitation {
  const {
    id: text,
    access: level,
    expires_at: expires,
    uses_left: uses,
    created_by: by,
    created_at: created,
  } = fieldsOf(value)
  const [id, access, createdBy] = [parseInvitationId(text), parseInvitedAccess(level), parseUserId(by)]
  const [expiresAt, createdAt] = [Date.parse(String(expires)), Date.parse(String(created))]
  const usesLeft = typeof uses === 'number' ? uses : null
  const isKnown = id !== undefined && access !== undefined && createdBy !== undefined
  if (!isKnown || Number.isNaN(expiresAt) || Number.isNaN(createdAt)) throw anotherLanguage()
  return { id, access, expiresAt, usesLeft, createdBy, createdAt }
}

function itemsIn(value: unknown): readonly unknown[] {
  const { items } = fieldsOf(value)
  if (!Array.isArray(items)) throw anotherLanguage()
  return items
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function anotherLanguage(): Error {
  return new Error('the server answers in another language')
}
