/** How a run gets into the cache: what becomes of its blocks, which others make way, and whether the budget allows it. */

import type { ConversationId } from '../../../shared/sync/ids.ts'
import type { PageRun } from '../page-store.ts'
import { blocksOf, bytesOf, mergeRuns, splitRun } from './blocks.ts'
import { loadConversation, withBlocks } from './conversation-facts.ts'
import {
  type Block,
  type BlockFacts,
  blockNumber,
  type ConversationFacts,
  type PageRows,
  type PlannedChanges,
} from './page-medium.ts'

export interface PutTerms {
  readonly asOf: number
  readonly mayEvict: boolean
  readonly budgetBytes: number
  /** The device's clock, in ms. */
  readonly now: number
}

/** A block as it would be, and as it was. */
interface Candidate {
  readonly block: Block
  readonly before: BlockFacts | undefined
}

export async function planPut(
  rows: PageRows,
  id: ConversationId,
  run: PageRun,
  terms: PutTerms,
): Promise<PlannedChanges<'kept' | 'full'>> {
  const [totalBytes, known, candidates] = await Promise.all([
    rows.totalBytes(),
    loadConversation(rows, id),
    findCandidates(rows, id, run, terms.now),
  ])
  const chosen = chooseWithin(candidates, totalBytes, terms)
  const answer = chosen.length === candidates.length ? 'kept' : 'full'
  if (chosen.length === 0) return { changes: {}, answer }
  let total = totalBytes
  for (const candidate of chosen) total += addedBytes(candidate)
  const blocks = chosen.map(({ block }) => block)
  const removed = terms.mayEvict ? await findEvicted(rows, total - terms.budgetBytes, blocks) : []
  for (const { bytes } of removed) total -= bytes
  const put = withBlocks(
    { ...known, asOf: known.spans.length > 0 ? Math.min(known.asOf ?? 0, terms.asOf) : terms.asOf },
    chosen.map(({ block, before }) => ({ before, after: block.facts })),
  )
  const conversations = await withoutRemoved(rows, put, removed)
  return { changes: { blocks, removed, conversations, totalBytes: total }, answer }
}

/** The row of the conversation that was put into, and those of all that made way for it. */
async function withoutRemoved(
  rows: PageRows,
  put: ConversationFacts,
  removed: readonly BlockFacts[],
): Promise<readonly ConversationFacts[]> {
  const others = new Set(removed.map(({ id }) => id).filter((id) => id !== put.id))
  const known = [put, ...(await Promise.all([...others].map((id) => loadConversation(rows, id))))]
  return known.map((each) => {
    const gone = removed.filter(({ id }) => id === each.id)
    return withBlocks(
      each,
      gone.map((before) => ({ before, after: undefined })),
    )
  })
}

function addedBytes({ block, before }: Candidate): number {
  return block.facts.bytes - (before?.bytes ?? 0)
}

export function makeBlock(id: ConversationId, run: PageRun, readAt: number): Block {
  const { from, to, messages } = run
  return { run, facts: { id, from, to, messages: messages.length, bytes: bytesOf(messages), readAt } }
}

async function findCandidates(rows: PageRows, id: ConversationId, run: PageRun, now: number): Promise<Candidate[]> {
  const blocks = blocksOf(run)
  const [facts, kept] = await Promise.all([rows.facts(id, blocks), rows.runs(id, blocks)])
  const factsBefore = new Map(facts.map((each) => [blockNumber(each), each]))
  const runBefore = new Map(kept.map((each) => [blockNumber(each), each]))
  return splitRun(run).map((piece) => {
    const number = blockNumber(piece)
    const block = makeBlock(id, mergeRuns(runBefore.get(number), piece), now)
    return { block, before: factsBefore.get(number) }
  })
}

/**
 * Those that fit, newest first, up to the first that does not: so what is kept of a run has no hole, and adjoins what was
 * kept before when a cache is filled backwards. All others could make way for them, or none.
 */
function chooseWithin(
  candidates: readonly Candidate[],
  totalBytes: number,
  { mayEvict, budgetBytes }: PutTerms,
): readonly Candidate[] {
  const chosen: Candidate[] = []
  let bytes = mayEvict ? 0 : totalBytes
  for (const candidate of candidates.toReversed()) {
    bytes += mayEvict ? candidate.block.facts.bytes : addedBytes(candidate)
    if (bytes > budgetBytes) break
    chosen.push(candidate)
  }
  return chosen
}

/** The least recently read whose bytes make up for the excess; none of those that are just put. */
async function findEvicted(
  rows: PageRows,
  excessBytes: number,
  spared: readonly Block[],
): Promise<readonly BlockFacts[]> {
  const evicted: BlockFacts[] = []
  if (excessBytes <= 0) return evicted
  const names = new Set(spared.map(({ facts }) => nameOf(facts)))
  let freedBytes = 0
  for await (const facts of rows.byReading()) {
    if (names.has(nameOf(facts))) continue
    evicted.push(facts)
    freedBytes += facts.bytes
    if (freedBytes >= excessBytes) break
  }
  return evicted
}

function nameOf(facts: BlockFacts): string {
  return `${facts.id}/${blockNumber(facts)}`
}
