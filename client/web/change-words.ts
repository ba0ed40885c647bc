/** A change that was not taken, in words for whoever made it: what did not come about, and why. Pure. */

import { hasAccess } from '../../shared/chat/access.ts'
import { historySetting, wipeSetting } from '../../shared/chat/known-settings.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ConversationInfo, FailedChange } from '../api.ts'
import { asWhat } from './timeline-events.ts'
import { failures } from './wording.ts'

/** What the words depend on beside the change. */
export interface ChangeContext extends Pick<ConversationInfo, 'access' | 'members'> {
  readonly user: UserId
  readonly nameOf: (user: UserId) => string
}

/** Whoever the words name. */
export function namedInChanges(changes: readonly FailedChange[]): readonly UserId[] {
  return changes.flatMap(({ entry }) => (entry.kind === 'member' ? [entry.user] : []))
}

export function changeWords({ entry }: FailedChange, { user, members, nameOf }: ChangeContext): string {
  switch (entry.kind) {
    case 'edit':
      return `Your edit was not taken: “${entry.content}”`
    case 'redact':
      return 'A message you deleted is still there.'
    case 'react':
      return `Your reaction ${entry.emoji} was not taken.`
    case 'pin':
      return entry.on ? 'The message was not pinned.' : 'The message is still pinned.'
    case 'set':
      return settingWords(entry)
    case 'member': {
      const whom = nameOf(entry.user)
      if (entry.access === null) return entry.user === user ? 'You have not left.' : `${whom} was not removed.`
      const isMember = members.some((member) => member.user === entry.user)
      return isMember ? `${whom} was not made ${asWhat[entry.access]}.` : `${whom} was not added.`
    }
  }
}

function settingWords({ key, value }: Extract<FailedChange['entry'], { kind: 'set' }>): string {
  switch (key) {
    case 'title':
      return typeof value === 'string' ? `The title was not changed to “${value}”.` : 'The title was not taken away.'
    case historySetting:
      return value === 'from-join'
        ? 'Whoever joins was not kept from seeing what was written before.'
        : 'Whoever joins was not allowed to see what was written before.'
    case wipeSetting:
      return value === true
        ? 'It was not set that the devices of removed members delete this conversation.'
        : 'It still holds that the devices of removed members delete this conversation.'
    default:
      return `The setting “${key}” was not changed.`
  }
}

export function whyNotTaken({ entry, reason }: FailedChange, { access, members }: ChangeContext): string {
  if (reason !== 'access') return failures[reason]
  if (access === undefined) return 'You are no longer a member of this conversation.'
  if (entry.kind === 'set' || entry.kind === 'pin') return 'Only owners and admins may do this.'
  if (entry.kind !== 'member') return failures.access
  const current = members.find(({ user }) => user === entry.user)?.access
  const isOfAdmin = hasAccess(current, 'admin') || hasAccess(entry.access ?? undefined, 'admin')
  return isOfAdmin ? 'Only an owner may do this.' : 'Only owners and admins may do this.'
}
