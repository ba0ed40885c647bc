/**
 * What an accepted entry changes, beside the log: messages, claims on their ids, members, settings, pins. Erasing what a
 * redaction takes away is `erasure.ts`.
 */

import type { Entry, MessageId } from '../../shared/chat/entry.ts'
import { isTouch, messageOf, type StampedMessage } from '../../shared/chat/message.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ClaimRow } from '../storage/conversation-store.ts'
import { messageDigest } from './digest.ts'
import type { LiveRoster } from './live-roster.ts'
import type { Staged } from './staged.ts'

/** An entry with its author and its place. */
export interface PlacedEntry {
  readonly author: UserId
  readonly seq: number
  readonly entry: Entry
}

/** Where the changes go; `claims` are those that the entries behind it are judged by. */
export interface EffectTarget {
  readonly staged: Staged
  readonly roster: LiveRoster
  readonly claims: Map<MessageId, ClaimRow>
  /** A message of an earlier commit, as that left it. */
  readonly earlier: (seq: number) => StampedMessage | undefined
}

export function applyEffects({ author, seq, entry }: PlacedEntry, target: EffectTarget): void {
  const { staged, roster, claims } = target
  const claim = (row: ClaimRow): void => {
    claims.set(row.id, row)
    staged.claims.set(row.id, row)
  }
  // Whoever only reads does not move the conversation to the top of everybody's list.
  if (entry.kind !== 'read') staged.isActivity = true
  if (isTouch(entry)) {
    const of = claims.get(entry.of)?.seq
    // A stream that is taken away before it is a message.
    if (of !== undefined) staged.touch(of, { user: author, seq, entry }, target.earlier(of))
  }
  switch (entry.kind) {
    case 'message':
      staged.messages.set(seq, messageOf(author, entry))
      claim({ id: entry.id, user: author, seq, digest: messageDigest(entry) })
      return
    case 'delta':
      staged.pieces.push({ id: entry.of, seq })
      if (!claims.has(entry.of)) claim({ id: entry.of, user: author, seq: undefined, digest: 0 })
      return
    case 'edit':
      staged.pieces.push({ id: entry.of, seq })
      return
    case 'pin':
      staged.pins.set(entry.of, roster.pin(entry, seq))
      return
    case 'member':
      staged.members.set(entry.user, roster.setAccess(entry.user, entry.access))
      return
    case 'read': {
      const moved = roster.read(author, entry)
      if (moved !== undefined) staged.members.set(author, moved)
      return
    }
    case 'set':
      staged.settings.set(entry.key, roster.set(entry))
      if (entry.key === 'title') staged.title = { value: typeof entry.value === 'string' ? entry.value : null }
      return
    case 'redact':
    case 'react':
    case 'stop':
    case 'unknown':
      return
  }
}
