/**
 * Looks at what a conversation is made of: what the server would refuse for ever must not be made offline, in good faith.
 * Makes anew, too, one that the server has lost.
 */

import { v7 as uuidV7 } from 'uuid'
import { parseAccess } from '../shared/chat/access.ts'
import { isFields } from '../shared/chat/json-object.ts'
import { besideTitle, besideTitleFlaw, historySetting, wipeSetting } from '../shared/chat/known-settings.ts'
import { settingBytes } from '../shared/chat/policy.ts'
import { limits } from '../shared/limits.ts'
import { parseConversationId, parseUserId, type UserId } from '../shared/sync/ids.ts'
import type { NewConversation } from './api.ts'
import type { OpenConversation } from './open-conversation.ts'
import { assertTitle } from './own-entry.ts'
import type { ConversationRow, MemberOf } from './storage/client-storage.ts'

/** The row of a conversation that `self` makes, with an id drawn here. Throws TypeError, which says what is wrong. */
export function newConversationRow(self: UserId, fresh: NewConversation, nowMs: number): ConversationRow {
  const title = fresh.title ?? null
  assertTitle(title)
  const members = parseMembers(self, fresh)
  const settings = parseSettings(fresh, title)
  const id = parseConversationId(uuidV7())
  if (id === undefined) throw new Error('not a UUIDv7')
  return {
    id,
    title,
    access: 'owner',
    updatedAt: nowMs,
    lastMessage: null,
    unread: 0,
    members: [{ user: self, access: 'owner' }, ...members],
    unregistered: { members, ...(settings.length === 0 ? {} : { settings }) },
  }
}

/**
 * The row of a conversation that the server has lost, for it was put back from an older copy: to be registered again, as
 * it is known here. Undefined when that is for somebody else to do: the one who made it.
 */
export function lostConversationRow(
  self: UserId,
  { id, document }: Pick<OpenConversation, 'id' | 'document'>,
  row: ConversationRow | undefined,
  nowMs: number,
): ConversationRow | undefined {
  const { genesis, members, title, settings } = document.replica.folded
  if (genesis?.owner !== self || members.get(self) !== 'owner') return undefined
  const all = [...members].map(([user, access]) => ({ user, access }))
  // The others come back with the entries that added them.
  const others = all.filter(({ user }) => user !== self).slice(0, limits.initialMembers)
  const { updatedAt = nowMs, lastMessage = null, unread = 0 } = row ?? {}
  const unregistered = { members: others, settings: settingsToTell(settings) }
  return { id, title, access: 'owner', updatedAt, lastMessage, unread, members: all, unregistered }
}

/** What the server would take of them at once; those that say who is told what come first. */
function settingsToTell(settings: ReadonlyMap<string, unknown>): readonly (readonly [string, unknown])[] {
  return [...besideTitle(settings)]
    .filter(([key, value]) => besideTitleFlaw(key, value) === undefined)
    .toSorted((a, b) => Number(isMeant(b)) - Number(isMeant(a)))
    .slice(0, limits.settingsPerRequest)
}

function isMeant([key]: readonly [string, unknown]): boolean {
  return key === historySetting || key === wipeSetting
}

function parseSettings(
  { settings = {} }: NewConversation,
  title: string | null,
): readonly (readonly [string, unknown])[] {
  const all = Object.entries(settings)
  if (all.length > limits.settingsPerRequest)
    throw new TypeError(`At most ${limits.settingsPerRequest} settings to begin with.`)
  for (const [key, value] of all) {
    const flaw = besideTitleFlaw(key, value)
    if (flaw !== undefined) throw new TypeError(`${key}: ${flaw}`)
  }
  // As it will be sent, whatever becomes of the object.
  const json: unknown = JSON.parse(JSON.stringify(settings))
  const set = Object.entries(isFields(json) ? json : {}).filter(([, value]) => value !== null)
  const bytes = [...set, ['title', title] as const].reduce((sum, [key, value]) => sum + settingBytes(key, value), 0)
  if (bytes > limits.settingsBytes)
    throw new TypeError(`All settings together may have ${limits.settingsBytes / 1024} KiB.`)
  return set
}

function parseMembers(self: UserId, { members = [] }: NewConversation): readonly MemberOf[] {
  if (members.length > limits.initialMembers)
    throw new TypeError(`At most ${limits.initialMembers} members to begin with.`)
  const parsed = members.map(({ user: text, access: level }) => {
    const user = parseUserId(text)
    const access = parseAccess(level)
    if (user === undefined) throw new TypeError(`Not a user id: ${text}`)
    if (access === undefined) throw new TypeError(`Not an access: ${level}`)
    return { user, access }
  })
  if (parsed.some(({ user, access }) => user === self && access !== 'owner'))
    throw new TypeError('The creator is the owner.')
  if (new Set(parsed.map(({ user }) => user)).size < parsed.length) throw new TypeError('A member is named twice.')
  return parsed.filter(({ user }) => user !== self)
}
