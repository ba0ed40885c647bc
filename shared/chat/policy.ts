/**
 * Who may write what: the rules by which an entry is accepted or becomes void. The server applies them; a client asks
 * them before it sends, so that nobody is surprised.
 */

import { encodeUtf8 } from 'lib0/string'
import { limits } from '../limits.ts'
import type { UserId } from '../sync/ids.ts'
import { type Access, hasAccess } from './access.ts'
import type { Entry, MemberEntry, MessageEntry, MessageId, ReactEntry, ReadEntry } from './entry.ts'
import { mayBeSet } from './known-settings.ts'
import type { Message, Reaction } from './message.ts'

/** Why an entry is void: it keeps its clock and its seq, and has no effect. */
export const voidReasons = [
  'bad-format',
  'sealed',
  'bad-json',
  'bad-schema',
  'too-large',
  /** The bytes of the entry were deleted before they reached the server. */
  'no-bytes',
  /** The author's access does not allow it. */
  'access',
  /** There is no message with that id. */
  'no-target',
  /** Only the author of a message may do this. */
  'not-author',
  /** The same user has already sent a message with this id; to be shown as sent. */
  'duplicate',
  /** The id belongs to another user's message. */
  'id-taken',
  /** A conversation always has an owner. */
  'last-owner',
  /** A seq beyond the last. */
  'beyond-end',
  /** The content of the message was taken away: there is nothing to edit. Or these are words that their own long update takes away. */
  'redacted',
  /** As many as a conversation or a message may have are there: members, pins, reactions. */
  'too-many',
  /** It mentions somebody who is not a member. */
  'not-member',
  /** A reason of a later version. */
  'unknown',
] as const

export type VoidReason = (typeof voidReasons)[number]

export function parseVoidReason(text: string): VoidReason {
  return voidReasons.find((reason) => reason === text) ?? 'unknown'
}

/** What is known of a message id. */
export interface IdClaim {
  /** Whose first `message` or `delta` it was. */
  readonly user: UserId
  /** Whether a `message` with it was accepted; before that it is a stream. */
  readonly complete: boolean
  /** As it stands; undefined when it is a stream, or when it is not here to be looked at: then the server will say. */
  readonly message?: Pick<Message, 'redactedAt' | 'reactions' | 'thread'> | undefined
}

/** The state of a conversation as far as the rules need it. */
export interface PolicyView {
  /** It is the private state of its one member, and not a conversation of people. */
  readonly isPrivate: () => boolean
  readonly accessOf: (user: UserId) => Access | undefined
  readonly ownerCount: () => number
  readonly claimOf: (id: MessageId) => IdClaim | undefined
  /** The seq that the next entry gets. */
  readonly nextSeq: () => number
  readonly memberCount: () => number
  /** The sum of `memberBytes` of all members. */
  readonly membersBytes: () => number
  readonly pinCount: () => number
  readonly isPinned: (id: MessageId) => boolean
  /** Bytes of all settings as JSON, but for the one with this key. */
  readonly settingsBytesWithout: (key: string) => number
  /** How far a member has read in which threads, beyond what they have read of all. */
  readonly threadReadsOf: (user: UserId) => ReadonlyMap<MessageId, number>
  /** The sum of `threadReadBytes` of the registers of threads of all members. */
  readonly threadReadsBytes: () => number
}

/** Judges an entry by `author` against the state before it; undefined means it is accepted. */
export function judge(view: PolicyView, author: UserId, entry: Entry): VoidReason | undefined {
  const access = view.accessOf(author)
  if (view.isPrivate() && entry.kind !== 'set' && entry.kind !== 'unknown') return 'access'
  switch (entry.kind) {
    case 'message':
      return hasAccess(access, 'writer') ? judgeMessage(view, author, entry) : 'access'
    case 'delta': {
      if (!hasAccess(access, 'writer')) return 'access'
      const claim = view.claimOf(entry.of)
      if (claim === undefined) return undefined
      if (claim.user !== author) return 'id-taken'
      return claim.complete ? 'duplicate' : undefined
    }
    case 'edit': {
      if (!hasAccess(access, 'writer')) return 'access'
      const claim = view.claimOf(entry.of)
      if (claim === undefined || !claim.complete) return 'no-target'
      if (claim.user !== author) return 'not-author'
      return claim.message?.redactedAt === undefined ? undefined : 'redacted'
    }
    case 'redact': {
      if (!hasAccess(access, 'writer')) return 'access'
      const claim = view.claimOf(entry.of)
      if (claim === undefined) return 'no-target'
      return mayErase(access, claim.user === author) ? undefined : 'not-author'
    }
    case 'react': {
      if (!hasAccess(access, 'writer')) return 'access'
      // Here, not where entries are read: what was accepted once is read the same for ever.
      if (entry.on && !isVisible(entry.emoji)) return 'bad-schema'
      const claim = view.claimOf(entry.of)
      if (claim === undefined || !claim.complete) return 'no-target'
      return entry.on && isFull(claim.message?.reactions ?? [], author, entry) ? 'too-many' : undefined
    }
    case 'stop':
      if (!hasAccess(access, 'writer')) return 'access'
      return view.claimOf(entry.of) === undefined ? 'no-target' : undefined
    case 'pin': {
      if (!hasAccess(access, 'admin')) return 'access'
      const claim = view.claimOf(entry.of)
      if (claim === undefined || !claim.complete) return 'no-target'
      return entry.on && !view.isPinned(entry.of) && view.pinCount() >= limits.pins ? 'too-many' : undefined
    }
    case 'read':
      return hasAccess(access, 'reader') ? judgeRead(view, author, entry) : 'access'
    case 'set': {
      if (!hasAccess(access, 'admin')) return 'access'
      if (!view.isPrivate() && !mayBeSet(entry.key, entry.value)) return 'bad-schema'
      const bytes = view.settingsBytesWithout(entry.key) + settingBytes(entry.key, entry.value)
      // What makes it smaller is always allowed.
      const most = view.isPrivate() ? limits.privateBytes : limits.settingsBytes
      return entry.value !== null && bytes > most ? 'too-large' : undefined
    }
    case 'member':
      return judgeMember(view, author, access, entry)
    case 'unknown':
      return hasAccess(access, 'writer') ? undefined : 'access'
  }
}

function judgeMessage(view: PolicyView, author: UserId, entry: MessageEntry): VoidReason | undefined {
  const claim = view.claimOf(entry.id)
  if (claim !== undefined && claim.user !== author) return 'id-taken'
  if (claim?.complete === true) return 'duplicate'
  if (entry.thread !== undefined && !isRoot(view, entry.thread)) return 'no-target'
  const isMember = (user: UserId): boolean => view.accessOf(user) !== undefined
  return entry.mentions?.every(isMember) === false ? 'not-member' : undefined
}

/** A message that can be answered in a thread: threads have no threads. */
function isRoot(view: PolicyView, id: MessageId): boolean {
  const claim = view.claimOf(id)
  return claim?.complete === true && claim.message?.thread === undefined
}

function judgeRead(view: PolicyView, author: UserId, entry: ReadEntry): VoidReason | undefined {
  if (Math.max(entry.through ?? 0, entry.received ?? 0) >= view.nextSeq()) return 'beyond-end'
  if (entry.thread === undefined) return undefined
  if (!isRoot(view, entry.thread)) return 'no-target'
  const own = view.threadReadsOf(author)
  if (own.has(entry.thread)) return undefined
  const bytes = view.threadReadsBytes() + threadReadBytes(author)
  return own.size >= limits.threadReadsPerMember || bytes > limits.threadReadsBytes ? 'too-many' : undefined
}

/** Whether a message may be redacted by somebody with this access. */
export function mayErase(access: Access | undefined, isAuthor: boolean): boolean {
  return hasAccess(access, isAuthor ? 'writer' : 'admin')
}

function judgeMember(
  view: PolicyView,
  author: UserId,
  access: Access | undefined,
  entry: MemberEntry,
): VoidReason | undefined {
  const current = view.accessOf(entry.user)
  const losesOwner = current === 'owner' && entry.access !== 'owner'
  const leaves = entry.user === author && entry.access === null
  if (!leaves || access === undefined) {
    if (!hasAccess(access, 'admin')) return 'access'
    const reachesAdmins = hasAccess(current, 'admin') || hasAccess(entry.access ?? undefined, 'admin')
    if (reachesAdmins && access !== 'owner') return 'access'
  }
  if (losesOwner && view.ownerCount() === 1) return 'last-owner'
  if (entry.access === null && current === undefined) return 'no-target'
  if (current !== undefined) return undefined
  const bytes = view.membersBytes() + memberBytes(entry.user)
  return view.memberCount() >= limits.members || bytes > limits.membersBytes ? 'too-many' : undefined
}

/**
 * What a member takes at most in a checkpoint: named once with their access and where their history begins, and once with
 * registers; of 16 digits each.
 */
export function memberBytes(user: UserId): number {
  return 2 * (JSON.stringify(user).length + 32)
}

/** What the register of a user in a thread takes at most in a checkpoint: a name, an id, a seq. */
export function threadReadBytes(user: UserId): number {
  return JSON.stringify(user).length + 64
}

/** Bytes that a setting takes of those that a conversation may have. */
export function settingBytes(key: string, value: unknown): number {
  return encodeUtf8(JSON.stringify([key, value])).length
}

/** Whether there is something to be seen: not only spaces, joiners, variation selectors and the like. */
function isVisible(emoji: string): boolean {
  return /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Cs}\u2800]/u.test(emoji)
}

function isFull(reactions: readonly Reaction[], author: UserId, { emoji }: ReactEntry): boolean {
  const same = reactions.find((reaction) => reaction.emoji === emoji)
  if (same?.users.includes(author) === true) return false
  if (same === undefined && reactions.length >= limits.emojiPerMessage) return true
  return reactions.reduce((sum, { users }) => sum + users.length, 0) >= limits.reactionsPerMessage
}
