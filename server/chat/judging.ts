/**
 * Judges entries one by one, each against the state that those before it made, and stages them for the next commit. All
 * of it is synchronous: what it needs of the store was looked up (`targets.ts`).
 */

import { isDeepStrictEqual } from 'node:util'
import type { Entry } from '../../shared/chat/entry.ts'
import { isTouch, type Message, type StampedMessage, touchMessage } from '../../shared/chat/message.ts'
import type { PolicyView } from '../../shared/chat/policy.ts'
import { advanceAll } from '../../shared/chat/roster.ts'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { Ledger } from '../sync/ledger.ts'
import { verdictOn } from './authority.ts'
import type { Candidate } from './candidate.ts'
import { applyEffects } from './effects.ts'
import { eraseWords } from './erasure.ts'
import type { LiveRoster } from './live-roster.ts'
import { supersedeEntries } from './superseding.ts'
import type { Targets } from './targets.ts'
import type { Uncommitted } from './uncommitted.ts'

/** What is changed by what is staged. */
export interface JudgingState {
  readonly ledger: Ledger
  readonly roster: LiveRoster
  readonly uncommitted: Uncommitted
}

/** What the rules look at; `targets` must hold every id that will be asked for. */
export function policyView({ ledger, roster, uncommitted }: JudgingState, targets: Targets): PolicyView {
  return {
    ...roster.policyView(),
    claimOf: (id) => {
      const row = targets.claims.get(id)
      if (row === undefined) return undefined
      const { user, seq } = row
      return { user, complete: seq !== undefined, message: messageAt(uncommitted, targets, seq) }
    },
    nextSeq: () => ledger.nextSeq,
  }
}

/** A message as it will be, but for its times; undefined when it was not looked up, as for entries that do not touch it. */
function messageAt(uncommitted: Uncommitted, targets: Targets, seq: number | undefined): Message | undefined {
  return seq === undefined ? undefined : (uncommitted.staged.message(seq) ?? earlier(uncommitted, targets, seq))
}

/** A message of a commit that was sealed, as that left it. */
function earlier(uncommitted: Uncommitted, targets: Targets, seq: number): StampedMessage | undefined {
  return uncommitted.written(seq) ?? targets.messages.get(seq)
}

/** Throws Fault `overloaded`: then those before it are staged. */
export function stageCandidates(
  state: JudgingState,
  author: UserId,
  candidates: readonly Candidate[],
  targets: Targets,
): void {
  const { ledger, roster, uncommitted } = state
  const { staged } = uncommitted
  const { claims } = targets
  const view = policyView(state, targets)
  for (const { client, clock, payload, content } of candidates) {
    const reason = verdictOn(view, author, content)
    if (reason !== undefined && ledger.deletedRanges(client) >= limits.voidRunsPerChain) {
      throw new Fault('overloaded', 'too many void entries on this chain')
    }
    const isPassing = reason === undefined && content.kind === 'entry' && content.entry.kind === 'delta'
    const seq = ledger.append({ client, clock, payload, voidReason: reason, isPassing })
    staged.bytes += payload?.length ?? 0
    if (content.kind !== 'entry' || reason !== undefined) continue
    const { entry } = content
    const isRedaction = entry.kind === 'redact' && view.claimOf(entry.of)?.message?.redactedAt === undefined
    if (mayLoseBytes(entry)) staged.places.set(seq, { client, clock, isPassing })
    applyEffects(
      { author, seq, entry },
      {
        staged,
        roster,
        claims,
        earlier: (of) => earlier(uncommitted, targets, of),
        supersede: (seqs) => ledger.supersede(supersedeEntries(seqs, uncommitted, targets)),
      },
    )
    if (!isRedaction) continue
    const redacted = { of: entry.of, seq: claims.get(entry.of)?.seq, by: author }
    ledger.erase(eraseWords(redacted, uncommitted, targets))
  }
}

/** Words of a message go when that is redacted; receipts and private state when others take their place. */
function mayLoseBytes({ kind }: Entry): boolean {
  return kind === 'message' || kind === 'edit' || kind === 'delta' || kind === 'read' || kind === 'set'
}

/** Whether things are already as an entry of `user` would have them: then a repeated request needs none. */
export function changesNothing(
  { roster, uncommitted }: JudgingState,
  { user, entry }: { readonly user: UserId; readonly entry: Entry },
  targets: Targets,
): boolean {
  if (isTouch(entry)) {
    const message = messageAt(uncommitted, targets, targets.claims.get(entry.of)?.seq)
    if (message === undefined) return false
    if (entry.kind === 'edit') return message.content === entry.content
    return touchMessage(message, { user, timeMs: 0, entry }) === message
  }
  switch (entry.kind) {
    case 'member':
      return (roster.accessOf(entry.user) ?? null) === entry.access
    case 'set':
      return isDeepStrictEqual(roster.setting(entry.key), entry.value)
    case 'read': {
      const register = roster.registerOf(user)
      if (register === undefined) return false
      const threads = roster.threadReadsOf(user)
      const after = advanceAll({ register, threads }, entry)
      return after.register === register && after.threads === threads
    }
    default:
      return false
  }
}
