/**
 * Blocks: the records of the page cache, each of them what is kept of 128 seqs. Many small records evict well, and a
 * database asks its price per record, not per message. Knows nothing of where they are kept.
 */

import type { StampedMessage } from '../../../shared/chat/message.ts'
import type { PageRun, Span } from '../page-store.ts'

/** Seqs of a block: 40 KB of ordinary messages, and no page of the server (200 at most) is smaller than what may lack in one. */
const seqsPerBlock = 128

export function blockOf(seq: number): number {
  return Math.floor(seq / seqsPerBlock)
}

/** Numbers of the blocks that a span of seqs touches, `to` exclusive. */
export function blocksOf({ from, to }: Span): Span {
  return { from: blockOf(from), to: blockOf(Math.min(to, Number.MAX_SAFE_INTEGER) - 1) + 1 }
}

/** A run at the borders of its blocks, by ascending seq. Messages outside the run's span are left out. */
export function splitRun({ from, to, messages }: PageRun): readonly PageRun[] {
  const byBlock = groupByBlock(messages.filter(({ seq }) => seq >= from && seq < to))
  const runs: PageRun[] = []
  for (let start = from; start < to;) {
    const block = blockOf(start)
    const end = Math.min((block + 1) * seqsPerBlock, to)
    runs.push({ from: start, to: end, messages: byBlock.get(block) ?? [] })
    start = end
  }
  return runs
}

export function groupByBlock(messages: readonly StampedMessage[]): ReadonlyMap<number, readonly StampedMessage[]> {
  const byBlock = new Map<number, StampedMessage[]>()
  for (const message of messages) {
    const group = byBlock.get(blockOf(message.seq))
    if (group === undefined) byBlock.set(blockOf(message.seq), [message])
    else group.push(message)
  }
  return byBlock
}

/**
 * What a block has of what it had and what came; of a message in both the higher revision, at equal ones that which it had.
 * A block has no hole: where the two do not touch, what came replaces what it had, for whoever has just asked for it
 * means to read it, and filling a cache by runs always gets on.
 */
export function mergeRuns(kept: PageRun | undefined, run: PageRun): PageRun {
  if (kept === undefined || kept.from > run.to || run.from > kept.to) return run
  const bySeq = new Map(kept.messages.map((message) => [message.seq, message]))
  for (const message of run.messages) {
    const known = bySeq.get(message.seq)
    if (known === undefined || message.revision > known.revision) bySeq.set(message.seq, message)
  }
  const messages = [...bySeq.values()].toSorted((a, b) => a.seq - b.seq)
  return { from: Math.min(kept.from, run.from), to: Math.max(kept.to, run.to), messages }
}

/** A run whose messages are replaced by those of the same seq and a higher revision; the same object without any. */
export function updateRun(kept: PageRun, changed: readonly StampedMessage[]): PageRun {
  const bySeq = new Map<number, StampedMessage>()
  for (const message of changed) {
    if (message.revision >= (bySeq.get(message.seq)?.revision ?? 0)) bySeq.set(message.seq, message)
  }
  let isChanged = false
  const messages = kept.messages.map((message) => {
    const update = bySeq.get(message.seq)
    if (update === undefined || update.revision <= message.revision) return message
    isChanged = true
    return update
  })
  return isChanged ? { ...kept, messages } : kept
}

/** Runs by ascending seq, those that adjoin as one. */
export function joinRuns(runs: readonly PageRun[]): readonly PageRun[] {
  const joined: { from: number; to: number; messages: StampedMessage[] }[] = []
  for (const { from, to, messages } of runs) {
    const before = joined.at(-1)
    if (before?.to !== from) {
      joined.push({ from, to, messages: [...messages] })
      continue
    }
    before.to = to
    for (const message of messages) before.messages.push(message)
  }
  return joined
}

/** Spans by ascending seq, those that adjoin as one. */
export function joinSpans(spans: readonly Span[]): readonly Span[] {
  const joined: { from: number; to: number }[] = []
  for (const { from, to } of spans) {
    const before = joined.at(-1)
    if (before?.to === from) before.to = to
    else joined.push({ from, to })
  }
  return joined
}

/** What is left of ascending spans without the seqs of some blocks. */
export function cutBlocks(spans: readonly Span[], numbers: readonly number[]): readonly Span[] {
  const starts = numbers.toSorted((a, b) => a - b).map((number) => number * seqsPerBlock)
  const left: Span[] = []
  let first = 0
  for (const span of spans) {
    let { from } = span
    while ((starts[first] ?? Infinity) + seqsPerBlock <= from) first++
    for (let next = first; from < span.to; next++) {
      const start = Math.min(starts[next] ?? Infinity, span.to)
      if (from < start) left.push({ from, to: start })
      from = start + seqsPerBlock
    }
  }
  return left
}

/** What of a run is within a span; undefined when nothing is. */
export function clipRun(run: PageRun, span: Span): PageRun | undefined {
  const [from, to] = [Math.max(run.from, span.from), Math.min(run.to, span.to)]
  if (from >= to) return undefined
  if (from === run.from && to === run.to) return run
  return { from, to, messages: run.messages.filter(({ seq }) => seq >= from && seq < to) }
}

const encoder = new TextEncoder()

/** Of messages as JSON in UTF-8. */
export function bytesOf(messages: readonly StampedMessage[]): number {
  let bytes = 0
  for (const message of messages) bytes += encoder.encode(JSON.stringify(message)).length + 1
  return bytes
}
