/** From the fold to what a conversation tells of itself beside its messages; the same object while nothing changes. */

import type { Folded } from '../shared/chat/fold.ts'
import { isSameJson } from '../shared/chat/json-object.ts'
import { besideTitle } from '../shared/chat/known-settings.ts'
import { applyToRoster, emptyRoster, type Roster } from '../shared/chat/roster.ts'
import type { ConversationId, UserId } from '../shared/sync/ids.ts'
import type { ConversationInfo, ConversationStatus, GoneReason } from './api.ts'

export function describeConversation(
  id: ConversationId,
  user: UserId,
  folded: Folded,
  before: ConversationInfo,
  gone: GoneReason | undefined,
): ConversationInfo {
  const { title, members, settings: all } = folded.genesis === undefined ? withPending(before, folded) : folded
  const known = folded.genesis === undefined ? before.access : undefined
  const access = gone === undefined ? (members.get(user) ?? known) : undefined
  // The document of whoever was removed does not say so.
  const others = gone === undefined ? [...members] : [...members].filter(([member]) => member !== user)
  const list = others.map(([member, held]) => ({ user: member, access: held }))
  const beside = besideTitle(all)
  const settings = sameSettings(before.settings, beside) ? before.settings : beside
  const same =
    before.title === title &&
    before.access === access &&
    before.gone === gone &&
    before.settings === settings &&
    sameMembers(before.members, list)
  return same ? before : { id, title, access, members: list, settings, ...goneOf(gone) }
}

/** Nothing of the server's has arrived: what was known beforehand, with what was changed here since on top, any number of times. */
function withPending(before: ConversationInfo, { settings, pendingEvents }: Folded): Roster {
  const members = new Map(before.members.map(({ user, access }) => [user, access]))
  const own = { members, settings: new Map<string, unknown>([...before.settings, ['title', before.title]]) }
  const known: Roster = { ...emptyRoster, ...before, ...own }
  return pendingEvents.reduce((roster, { user, entry }) => {
    // Of a long value an event does not tell.
    const whole = entry.kind === 'set' ? { value: settings.get(entry.key), ...entry } : entry
    return applyToRoster(roster, user, whole, Number.MAX_SAFE_INTEGER, own)
  }, known)
}

function goneOf(gone: GoneReason | undefined): Pick<ConversationInfo, 'gone'> {
  return gone === undefined ? {} : { gone }
}

export function sameStatus(a: ConversationStatus, b: ConversationStatus): boolean {
  return a.connection === b.connection && a.storage === b.storage && a.pending === b.pending
}

function sameMembers(a: ConversationInfo['members'], b: ConversationInfo['members']): boolean {
  return a.length === b.length && a.every(({ user, access }, at) => user === b[at]?.user && access === b[at]?.access)
}

function sameSettings(a: ConversationInfo['settings'], b: ConversationInfo['settings']): boolean {
  return a.size === b.size && [...b].every(([key, value]) => a.has(key) && isSameJson(a.get(key), value))
}
