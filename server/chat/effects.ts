/**
 * What an accepted entry changes, beside the log: messages, claims on their ids, members, settings, pins. Erasing what a
 * redaction takes away is `erasure.ts`.
 */

import type { Entry, MessageId } from '../../shared/chat/entry.ts'
import { messageOf, type StampedMessage, touchIn } from '../../shared/chat/message.ts'
import { eventIn } from '../../shared/chat/timeline-event.ts'
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
  /** Takes seqs of entries that say nothing any more that is not said behind them. */
  readonly supersede: (seqs: readonly number[]) => void
}

export function applyEffects({ author, seq, entry }: PlacedEntry, target: EffectTarget): void {
  const { staged, roster, claims } = target
  const claim = (row: ClaimRow): void => {
    claims.set(row.id, row)
    staged.claims.set(row.id, row)
  }
  // Whoever only reads does not move the conversation to the top of everybody's list.
  if (entry.kind !== 'read') staged.isActivity = true
  const touch = touchIn(entry)
  if (touch !== undefined) {
    const of = claims.get(touch.of)?.seq
    // A stream that is taken away before it is a message.
    if (of !== undefined) staged.touch(of, { user: author, seq, entry: touch }, target.earlier(of))
  }
  // Private settings are nobody's history.
  const event = roster.isPrivate ? undefined : eventIn(entry)
  if (event !== undefined) staged.events.push({ seq, user: author, entry: event })
  switch (entry.kind) {
    case 'message':
      staged.messages.set(seq, messageOf(author, entry))
      if (entry.thread !== undefined) staged.replies.push({ root: entry.thread, seq })
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
      staged.members.set(entry.user, roster.setAccess(entry.user, entry.access, seq))
      return
    case 'read': {
      const { row, superseded } = roster.read(author, entry, seq)
      if (row !== undefined) staged.members.set(author, row)
      target.supersede(superseded)
      return
    }
    case 'set': {
      const { row, superseded } = roster.set(entry, seq)
      if (row !== undefined) staged.settings.set(entry.key, row)
      target.supersede(superseded)
      if (entry.key === 'title') staged.title = { value: typeof entry.value === 'string' ? entry.value : null }
      return
    }
    case 'redact':
    case 'react':
    case 'stop':
    case 'unknown':
      return
  }
}
