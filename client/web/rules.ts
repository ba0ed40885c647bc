/** What the rules allow, as far as this page knows the conversation: what they forbid is not offered. */

import type { Access } from '../../shared/chat/access.ts'
import { memberBytes, judge, type PolicyView } from '../../shared/chat/policy.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ChatMessage, ConversationInfo } from '../api.ts'

export interface AllowedTouches {
  readonly react: boolean
  readonly edit: boolean
  readonly redact: boolean
  readonly pin: boolean
}

const nothing: AllowedTouches = { react: false, edit: false, redact: false, pin: false }

/** As much of the conversation's state as decides about members. */
export function memberRules({ members }: Pick<ConversationInfo, 'members'>): PolicyView {
  return {
    accessOf: (user) => members.find((member) => member.user === user)?.access,
    ownerCount: () => members.filter(({ access }) => access === 'owner').length,
    memberCount: () => members.length,
    membersBytes: () => members.reduce((sum, { user }) => sum + memberBytes(user), 0),
    claimOf: () => undefined,
    nextSeq: () => 0,
    pinCount: () => 0,
    isPinned: () => false,
    settingsBytesWithout: () => 0,
    threadReadsOf: () => new Map(),
    threadReadsBytes: () => 0,
    isPrivate: () => false,
  }
}

/** What `user`, who has `access`, may do with a message. Of what is gone or was never sent only little makes sense. */
export function allowedTouches(message: ChatMessage, user: UserId, access: Access | undefined): AllowedTouches {
  if (access === undefined || message.delivery.state === 'failed' || message.redactedAt !== undefined) return nothing
  const { id: of } = message
  const view: PolicyView = {
    ...memberRules({ members: [{ user, access }] }),
    claimOf: () => ({ user: message.user, complete: true, message }),
    isPinned: () => message.pinned === true,
  }
  const allows = (entry: Parameters<typeof judge>[2]): boolean => judge(view, user, entry) === undefined
  return {
    react: allows({ kind: 'react', of, emoji: '', on: false }),
    edit: allows({ kind: 'edit', of, content: '', at: 0 }),
    redact: allows({ kind: 'redact', of }),
    pin: allows({ kind: 'pin', of, on: true }),
  }
}
