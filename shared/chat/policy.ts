/**
 * Who may write what: the rules by which an entry is accepted or becomes void. The server applies them; a client asks
 * them before it sends, so that nobody is surprised.
 */

import type { UserId } from '../sync/ids.ts'
import { type Access, hasAccess } from './access.ts'
import type { Entry, MemberEntry, MessageId } from './entry.ts'

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
}

/** The state of a conversation as far as the rules need it. */
export interface PolicyView {
  readonly accessOf: (user: UserId) => Access | undefined
  readonly ownerCount: () => number
  readonly claimOf: (id: MessageId) => IdClaim | undefined
  /** The seq that the next entry gets. */
  readonly nextSeq: () => number
}

/** Judges an entry by `author` against the state before it; undefined means it is accepted. */
export function judge(view: PolicyView, author: UserId, entry: Entry): VoidReason | undefined {
  const access = view.accessOf(author)
  switch (entry.kind) {
    case 'message': {
      if (!hasAccess(access, 'writer')) return 'access'
      const claim = view.claimOf(entry.id)
      if (claim === undefined) return undefined
      if (claim.user !== author) return 'id-taken'
      return claim.complete ? 'duplicate' : undefined
    }
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
      return claim.user === author ? undefined : 'not-author'
    }
    case 'redact': {
      if (!hasAccess(access, 'writer')) return 'access'
      const claim = view.claimOf(entry.of)
      if (claim === undefined) return 'no-target'
      return claim.user === author || hasAccess(access, 'admin') ? undefined : 'not-author'
    }
    case 'react':
    case 'stop':
      if (!hasAccess(access, 'writer')) return 'access'
      return view.claimOf(entry.of) === undefined ? 'no-target' : undefined
    case 'pin':
      if (!hasAccess(access, 'admin')) return 'access'
      return view.claimOf(entry.of) === undefined ? 'no-target' : undefined
    case 'read':
      if (!hasAccess(access, 'reader')) return 'access'
      return Math.max(entry.through ?? 0, entry.received ?? 0) >= view.nextSeq() ? 'beyond-end' : undefined
    case 'set':
      return hasAccess(access, 'admin') ? undefined : 'access'
    case 'member':
      return judgeMember(view, author, access, entry)
    case 'unknown':
      return hasAccess(access, 'writer') ? undefined : 'access'
  }
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
  return undefined
}
