/** Fresh entries on their way to a verdict: read, put in order, and the message ids they touch. */

import { type Entry, entryTime, type MessageId, parseEntry } from '../../shared/chat/entry.ts'
import { touchIn } from '../../shared/chat/message.ts'
import type { VoidReason } from '../../shared/chat/policy.ts'
import { limits } from '../../shared/limits.ts'
import { mergeInFoldOrder } from '../../shared/sync/order.ts'
import type { FreshEntry, OwnPart } from '../sync/acceptance.ts'
import { findTakenBack, isTakenBack } from './taken-back.ts'

export interface Candidate extends FreshEntry {
  readonly at: number | undefined
  /** What it says, or why it says nothing. */
  readonly content:
    | { readonly kind: 'entry'; readonly entry: Entry }
    | { readonly kind: 'void'; readonly reason: VoidReason }
}

/** Reads entries, in fold order: in an update an edit can come before its target. One at a time, as they are asked for. */
export function readCandidates(parts: readonly OwnPart[]): Iterator<Candidate> {
  return mergeInFoldOrder(parts.map(({ fresh }) => readFresh(fresh)))
}

function* readFresh(fresh: Iterable<FreshEntry>): Generator<Candidate> {
  const takenBack = findTakenBack(fresh)
  for (const entry of fresh) {
    const candidate = readCandidate(entry)
    const { content } = candidate
    const isGone = content.kind === 'entry' && isTakenBack(content.entry, candidate.clock, takenBack)
    yield isGone ? { ...candidate, content: { kind: 'void', reason: 'redacted' } } : candidate
  }
}

function readCandidate(fresh: FreshEntry): Candidate {
  if (fresh.payload === undefined) return { ...fresh, at: undefined, content: { kind: 'void', reason: 'no-bytes' } }
  const parsed = parseEntry(fresh.payload)
  if (parsed.kind === 'unreadable') return { ...fresh, at: undefined, content: { kind: 'void', reason: parsed.reason } }
  if (namesInvitation(parsed.entry)) return { ...fresh, at: undefined, content: { kind: 'void', reason: 'bad-schema' } }
  return { ...fresh, at: entryTime(parsed.entry), content: parsed }
}

/** That somebody joined with an invitation the server alone tells, on held chains: a device could say it of anybody. */
function namesInvitation(entry: Entry): boolean {
  return entry.kind === 'member' && entry.invitation !== undefined
}

/** The next ones to be judged and committed in one go; none when there are no more. */
export function nextCandidates(rest: Iterator<Candidate>): Candidate[] {
  const slice: Candidate[] = []
  const touched = new Set<MessageId>()
  // Each message that is changed is read and written as a whole, however short the entry is.
  while (slice.length < limits.entriesPerSlice && touched.size < limits.touchedPerSlice) {
    const read = rest.next()
    if (read.done === true) break
    slice.push(read.value)
    const { content } = read.value
    const of = content.kind === 'entry' ? touchIn(content.entry)?.of : undefined
    if (of !== undefined) touched.add(of)
  }
  return slice
}

/** The message ids that entries make or reach back to, each once. */
export function touchedIds(candidates: readonly Candidate[]): MessageId[] {
  const ids = new Set<MessageId>()
  for (const { content } of candidates) {
    if (content.kind !== 'entry') continue
    const { entry } = content
    if (entry.kind === 'message') ids.add(entry.id)
    else if ('of' in entry) ids.add(entry.of)
    const back = reachesBack(entry)
    if (back !== undefined) ids.add(back)
  }
  return [...ids]
}

/** The message that the rules look at as it stands, or that is changed. */
export function reachesBack(entry: Entry): MessageId | undefined {
  return touchIn(entry)?.of ?? (entry.kind === 'read' ? entry.thread : undefined)
}
