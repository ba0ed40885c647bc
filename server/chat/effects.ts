/** What an accepted entry changes beside the log: messages, claims on their ids, members, read registers, the title. */

import type { Entry, MessageId } from '../../shared/chat/entry.ts'
import { messageOf } from '../../shared/chat/message.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ClaimRow } from '../storage/conversation-store.ts'
import { messageDigest } from './digest.ts'
import type { Members } from './members.ts'
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
  readonly members: Members
  readonly claims: Map<MessageId, ClaimRow>
}

export function applyEffects({ author, seq, entry }: PlacedEntry, { staged, members, claims }: EffectTarget): void {
  const claim = (row: ClaimRow): void => {
    claims.set(row.id, row)
    staged.claims.set(row.id, row)
  }
  // Whoever only reads does not move the conversation to the top of everybody's list.
  if (entry.kind !== 'read') staged.isActivity = true
  switch (entry.kind) {
    case 'message':
      staged.messages.push({ seq, message: messageOf(author, entry) })
      claim({ id: entry.id, user: author, seq, digest: messageDigest(entry) })
      return
    case 'delta':
      if (!claims.has(entry.of)) claim({ id: entry.of, user: author, seq: undefined, digest: 0 })
      return
    case 'member':
      staged.members.set(entry.user, members.set(entry.user, entry.access))
      return
    case 'read': {
      const moved = entry.thread === undefined ? members.read(author, entry.through ?? -1) : undefined
      if (moved !== undefined) staged.members.set(author, moved)
      return
    }
    case 'set':
      if (entry.key === 'title') staged.title = { value: typeof entry.value === 'string' ? entry.value : null }
      return
    case 'edit':
    case 'redact':
    case 'react':
    case 'pin':
    case 'stop':
    case 'unknown':
      // Kept in the log; their effects on messages are folded by those who show them.
      return
  }
}
