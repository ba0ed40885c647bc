/**
 * What is kept of a conversation in one row, so that nobody counts its blocks: a cache of 1,000,000 messages has 7,813, and
 * is asked at every opening and every page. The row changes in the transaction that changes blocks, so it is exact.
 */

import { type ConversationId, parseConversationId } from '../../../shared/sync/ids.ts'
import type { Span } from '../page-store.ts'
import { cutBlocks, joinSpans } from './blocks.ts'
import { type BlockFacts, blockNumber, type ConversationFacts, type PageRows } from './page-medium.ts'

/** A block before and after; undefined where it is not kept. At least one of the two is, and they are of one block. */
export interface BlockChange {
  readonly before: BlockFacts | undefined
  readonly after: BlockFacts | undefined
}

/** The row, or else what the blocks come to: `isCounted`. */
export async function loadConversation(
  rows: PageRows,
  id: ConversationId,
): Promise<ConversationFacts & { readonly isCounted: boolean }> {
  const kept = await rows.conversation(id)
  if (kept !== undefined) return { ...kept, isCounted: false }
  return { ...countBlocks(id, await rows.facts(id)), isCounted: true }
}

/** Without their row nobody knows up to which seq blocks take account of entries: of nothing, so all changes are asked for. */
function countBlocks(id: ConversationId, facts: readonly BlockFacts[]): ConversationFacts {
  const nothing = { id, spans: [], messages: 0, bytes: 0, asOf: facts.length === 0 ? undefined : 0 }
  return withBlocks(
    nothing,
    facts.map((after) => ({ before: undefined, after })),
  )
}

/** The row when blocks change, each of them once. */
export function withBlocks(
  { id, spans, asOf, ...before }: ConversationFacts,
  changes: readonly BlockChange[],
): ConversationFacts {
  let { messages, bytes } = before
  for (const change of changes) {
    messages += (change.after?.messages ?? 0) - (change.before?.messages ?? 0)
    bytes += (change.after?.bytes ?? 0) - (change.before?.bytes ?? 0)
  }
  return { id, spans: spansWith(spans, changes), messages, bytes, asOf }
}

function spansWith(spans: readonly Span[], changes: readonly BlockChange[]): readonly Span[] {
  const moved = changes.filter(({ before, after }) => before?.from !== after?.from || before?.to !== after?.to)
  if (moved.length === 0) return spans
  const numbers = moved.flatMap(({ before, after }) => {
    const facts = after ?? before
    return facts === undefined ? [] : blockNumber(facts)
  })
  const added = moved.flatMap(({ after }) => (after === undefined ? [] : { from: after.from, to: after.to }))
  return joinSpans([...cutBlocks(spans, numbers), ...added].toSorted((a, b) => a.from - b.from))
}

/** Undefined when the row is not whole: then it is as if there was none. */
export function parseConversationFacts(value: unknown): ConversationFacts | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (!('id' in value && 'spans' in value && 'messages' in value && 'bytes' in value && 'asOf' in value))
    return undefined
  const { spans, messages, bytes, asOf } = value
  const id = parseConversationId(value.id)
  if (id === undefined || !Array.isArray(spans) || !spans.every(isSpan)) return undefined
  if (typeof messages !== 'number' || typeof bytes !== 'number' || typeof asOf !== 'number') return undefined
  return { id, spans, messages, bytes, asOf }
}

/** Of rows that were written here. */
export function isSpan(value: unknown): value is Span {
  if (typeof value !== 'object' || value === null || !('from' in value) || !('to' in value)) return false
  return typeof value.from === 'number' && typeof value.to === 'number'
}
