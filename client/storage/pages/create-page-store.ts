/**
 * The page store over any medium: the rules of SPEC PAGE3 and PAGE4. It holds nothing in memory: the total that the budget
 * is measured by is a row of its own, written in the transaction of each change, so it is right with any number of tabs.
 */

import type { StampedMessage } from '../../../shared/chat/message.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import type { PageFacts, PageRun, PageStore, Span, UpdatedSpan } from '../page-store.ts'
import { blocksOf, clipRun, groupByBlock, joinRuns, updateRun } from './blocks.ts'
import { type BlockChange, loadConversation, withBlocks } from './conversation-facts.ts'
import type { Block, BlockFacts, PageMedium, PageRows, PlannedChanges } from './page-medium.ts'
import { makeBlock, planPut } from './plan-put.ts'

/** Reading should not mean writing: a block that is read all day is marked so once an hour. */
const msPerReadMark = 3_600_000

export interface PageStoreOptions {
  readonly budgetBytes: number
  /** The device's clock, in ms. */
  readonly now: () => number
}

export function createPageStore(medium: PageMedium, { budgetBytes, now }: PageStoreOptions): PageStore {
  return {
    facts: (id) => readFacts(medium, id),
    totals: async () => ({ bytes: await medium.look((rows) => rows.totalBytes()), budgetBytes }),
    read: async (id, span) => {
      const { runs, facts } = await medium.look((rows) => readSpan(rows, id, span))
      const time = now()
      const due = facts.filter(({ readAt }) => Math.abs(time - readAt) >= msPerReadMark)
      // A device that refuses it, a full one most of all, has the messages all the same; they count as read earlier.
      if (due.length > 0) medium.change((rows) => planMarks(rows, id, due, time)).catch(() => undefined)
      return runs
    },
    peek: async (id, span) => (await medium.look((rows) => readSpan(rows, id, span))).runs,
    put: async (id, run, options) => {
      if (run.from >= run.to) return 'kept'
      return medium.change((rows) => planPut(rows, id, run, { ...options, budgetBytes, now: now() }))
    },
    update: (id, messages, entries) => medium.change((rows) => planUpdate(rows, id, messages, entries)),
    drop: (id) => medium.change((rows) => planDrop(rows, id)),
  }
}

async function readFacts(medium: PageMedium, id: ConversationId): Promise<PageFacts> {
  const { isCounted, spans, messages, bytes, asOf } = await medium.look((rows) => loadConversation(rows, id))
  // Where the device refuses it they are counted again.
  if (isCounted && spans.length > 0) medium.change((rows) => planCounted(rows, id)).catch(() => undefined)
  return { spans, messages, bytes, asOf }
}

/** The row of blocks that have lost theirs. */
async function planCounted(rows: PageRows, id: ConversationId): Promise<PlannedChanges<void>> {
  const { isCounted, ...facts } = await loadConversation(rows, id)
  return { changes: isCounted && facts.spans.length > 0 ? { conversations: [facts] } : {}, answer: undefined }
}

async function readSpan(
  rows: PageRows,
  id: ConversationId,
  span: Span,
): Promise<{ readonly runs: readonly PageRun[]; readonly facts: readonly BlockFacts[] }> {
  const blocks = blocksOf(span)
  const [kept, facts] = await Promise.all([rows.runs(id, blocks), rows.facts(id, blocks)])
  return { runs: joinRuns(kept.flatMap((run) => clipRun(run, span) ?? [])), facts }
}

/** Another tab may have put or evicted some meanwhile. */
async function planMarks(
  rows: PageRows,
  id: ConversationId,
  due: readonly BlockFacts[],
  readAt: number,
): Promise<PlannedChanges<void>> {
  const found = await Promise.all(due.map((facts) => rows.facts(id, blocksOf(facts))))
  return { changes: { facts: found.flat().map((facts) => ({ ...facts, readAt })) }, answer: undefined }
}

async function planUpdate(
  rows: PageRows,
  id: ConversationId,
  messages: readonly StampedMessage[],
  { after, asOf }: UpdatedSpan,
): Promise<PlannedChanges<void>> {
  const [known, totalBytes, found] = await Promise.all([
    loadConversation(rows, id),
    rows.totalBytes(),
    Promise.all([...groupByBlock(messages)].map((group) => updateBlock(rows, id, ...group))),
  ])
  if (known.asOf === undefined) return { changes: {}, answer: undefined }
  const changed = found.filter((each) => each !== undefined)
  const updated = withBlocks(
    // Another tab may have put what takes account of less than the caller asked for.
    { ...known, asOf: known.asOf >= after ? Math.max(known.asOf, asOf) : known.asOf },
    changed.map(({ change }) => change),
  )
  const blocks = changed.map(({ block }) => block)
  const totalAfter = totalBytes + updated.bytes - known.bytes
  return { changes: { blocks, conversations: [updated], totalBytes: totalAfter }, answer: undefined }
}

/** Undefined when nothing that is kept changes. */
async function updateBlock(
  rows: PageRows,
  id: ConversationId,
  number: number,
  messages: readonly StampedMessage[],
): Promise<{ readonly block: Block; readonly change: BlockChange } | undefined> {
  const span = { from: number, to: number + 1 }
  const [[run], [facts]] = await Promise.all([rows.runs(id, span), rows.facts(id, span)])
  if (run === undefined || facts === undefined) return undefined
  const updated = updateRun(run, messages)
  if (updated === run) return undefined
  const block = makeBlock(id, updated, facts.readAt)
  return { block, change: { before: facts, after: block.facts } }
}

async function planDrop(rows: PageRows, id: ConversationId): Promise<PlannedChanges<void>> {
  const [{ bytes }, totalBytes] = await Promise.all([loadConversation(rows, id), rows.totalBytes()])
  return { changes: { forgotten: id, totalBytes: totalBytes - bytes }, answer: undefined }
}
