/**
 * What entries reach back to, looked up before they are judged: whose the ids are, the messages that they touch, and the
 * rows whose bytes a redaction takes. The judging itself waits for nothing.
 */

import type { Entry, MessageId } from '../../shared/chat/entry.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import type { ClaimRow, ConversationStore, EntryRow } from '../storage/conversation-store.ts'
import { runsOf } from '../storage/seq-run.ts'
import { missingRows } from '../storage/missing-rows.ts'
import { type Candidate, reachesBack, touchedIds } from './candidate.ts'
import { isPassing } from './live-cost.ts'
import type { Uncommitted } from './uncommitted.ts'

/** A row of the log that holds words, without them: those of a thousand edits would fill the memory. */
export interface HeldRow {
  readonly row: EntryRow
  /** Of its payload. */
  readonly bytes: number
  /** It is a piece of a stream. */
  readonly isPassing: boolean
}

/** As the store had it; what was not durable then is to be asked of `Uncommitted`. */
export interface Targets {
  /** What had come to its end when the look-up began: with more, it is of no use. */
  readonly settled: number
  /** Those that are not durable included. */
  readonly claims: Map<MessageId, ClaimRow>
  /** By seq. */
  readonly messages: ReadonlyMap<number, StampedMessage>
  /** Of messages to be redacted: their own rows of the log and those of their pieces, as far as they have bytes. */
  readonly words: ReadonlyMap<MessageId, readonly HeldRow[]>
  /** Live rows of the log that these entries may supersede, by seq. */
  readonly superseded: ReadonlyMap<number, HeldRow>
}

/** What is known of the author of the entries. */
export interface AuthorView {
  /** Whether they may redact the message. */
  readonly mayRedact: (claim: ClaimRow) => boolean
  /** Seqs of live entries of theirs that one may supersede; `index`: how many come before it. */
  readonly supersedable: (entry: Entry, index: number) => readonly number[]
}

export async function findTargets(
  store: ConversationStore,
  id: ConversationId,
  uncommitted: Uncommitted,
  candidates: readonly Candidate[],
  { mayRedact, supersedable }: AuthorView,
): Promise<Targets> {
  const { settled } = uncommitted
  const claims = await uncommitted.claims(touchedIds(candidates))
  const [touched, redacted, old] = [new Set<number>(), new Set<MessageId>(), new Set<number>()]
  for (const [index, { content }] of candidates.entries()) {
    if (content.kind !== 'entry') continue
    for (const seq of supersedable(content.entry, index)) if (isDurable(uncommitted, seq)) old.add(seq)
    const of = reachesBack(content.entry)
    const claim = of === undefined ? undefined : claims.get(of)
    if (claim?.seq !== undefined) touched.add(claim.seq)
    // A redaction that will be void takes nothing: else anybody could have thousands of rows read with one entry.
    if (claim !== undefined && content.entry.kind === 'redact' && mayRedact(claim)) redacted.add(claim.id)
  }
  const messages = await findMessages(store, id, uncommitted, [...touched], settled)
  const words = new Map<MessageId, readonly HeldRow[]>()
  for (const of of redacted) {
    const seq = claims.get(of)?.seq
    if (seq !== undefined && messages.get(seq)?.redactedAt !== undefined) continue
    const known = await store.pieces(id, of)
    // Of a conversation from before there were such rows these are on their way to the disk, and the entries are on it.
    const older = uncommitted.pieces(of).filter((piece) => isDurable(uncommitted, piece))
    const seqs = new Set([...(seq === undefined ? [] : [seq]), ...known, ...older])
    words.set(of, await findHeld(store, id, [...seqs]))
  }
  const held = old.size === 0 ? [] : await findHeld(store, id, [...old])
  return { settled, claims, messages, words, superseded: new Map(held.map((one) => [one.row.seq, one])) }
}

function isDurable(uncommitted: Uncommitted, seq: number): boolean {
  return !uncommitted.staged.places.has(seq) && uncommitted.writtenEntry(seq) === undefined
}

async function findMessages(
  store: ConversationStore,
  id: ConversationId,
  uncommitted: Uncommitted,
  seqs: readonly number[],
  settled: number,
): Promise<ReadonlyMap<number, StampedMessage>> {
  const { staged } = uncommitted
  const durable = seqs.filter((seq) => staged.message(seq) === undefined && uncommitted.written(seq) === undefined)
  const messages = new Map<number, StampedMessage>()
  if (durable.length === 0) return messages
  for (const message of await store.messagesAt(id, durable)) {
    if (message !== undefined) messages.set(message.seq, message)
    // Of a commit that has failed since it was claimed nothing is there; then all of this is looked up anew.
    else if (uncommitted.settled === settled) {
      throw await missingRows(store, id, 'a message that was claimed is not there')
    }
  }
  return messages
}

/** Rows of the log that are durable, of those at `seqs`. */
async function findHeld(
  store: ConversationStore,
  id: ConversationId,
  seqs: readonly number[],
): Promise<readonly HeldRow[]> {
  const held: HeldRow[] = []
  // Seqs that follow one another are read in one go: the pieces of a stream mostly do.
  for (const { from, to } of runsOf(seqs.toSorted((a, b) => a - b))) {
    for await (const row of store.entriesNewestFirst(id, { after: from - 1, before: to })) {
      held.push(...heldRow(row))
    }
  }
  return held
}

/** None when its bytes are gone. */
export function heldRow({ payload, ...row }: EntryRow): HeldRow[] {
  if (payload === undefined) return []
  return [{ row: { ...row, payload: undefined }, bytes: payload.length, isPassing: isPassing(payload) }]
}
