/**
 * Who may: the one place where a user's access is asked for, whatever the way in. `requireAccess` is the door to a
 * conversation, for sockets and REST, for reading, following and writing; `verdictOn` is the judgement on each entry that
 * is let in, against the state that the entries before it made.
 */

import { type Access, hasAccess } from '../../shared/chat/access.ts'
import { judge, type PolicyView, type VoidReason } from '../../shared/chat/policy.ts'
import { Fault } from '../../shared/fault.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { Candidate } from './candidate.ts'

/** What a user has, if that is enough; Fault `no-access` otherwise. Nobody's access is undefined or null. */
export function requireAccess(access: Access | null | undefined, needed: Access = 'reader'): Access {
  if (access === undefined || access === null || !hasAccess(access, needed)) throw new Fault('no-access')
  return access
}

/** Why an entry of `author` is void; undefined when it stands. */
export function verdictOn(view: PolicyView, author: UserId, content: Candidate['content']): VoidReason | undefined {
  return content.kind === 'void' ? content.reason : judge(view, author, content.entry)
}
