/**
 * A kept message by its id. Pages are kept by seq, and an index of a million ids would cost every device more than it gives:
 * an id tells when its message was written, seqs ascend by the server's time, so it is looked for from there on. What was
 * sent long after it was written, or by a clock that is far ahead, is not found: whoever asks can still ask the server.
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import type { PageStore, Span } from '../storage/page-store.ts'

/** How far ahead of the server a device's clock may be. */
const skewMs = 120_000
/** Seqs that are read at once: a block of the store. */
const stepSeqs = 128
/** Seqs that are looked through from there on: a busy conversation's hour. */
const mostSeqs = 1024
/** Spans that are looked through, the newest first: mostly there is one. */
const mostSpans = 8

export async function findKept(
  store: PageStore,
  conversation: ConversationId,
  id: MessageId,
): Promise<StampedMessage | undefined> {
  const { spans } = await store.facts(conversation)
  const read = async (span: Span): Promise<readonly StampedMessage[]> =>
    (await store.read(conversation, span)).flatMap(({ messages }) => messages)
  for (const span of spans.slice(-mostSpans).toReversed()) {
    const from = await firstSince(span, writtenAt(id) - skewMs, read)
    const end = Math.min(span.to, from + mostSeqs)
    for (let at = from; at < end; at += stepSeqs) {
      const messages = await read({ from: at, to: Math.min(end, at + stepSeqs) })
      const found = messages.find((message) => message.id === id)
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** A seq of the span so that what stands before it is older, by halving. */
async function firstSince(
  { from, to }: Span,
  timeMs: number,
  read: (span: Span) => Promise<readonly StampedMessage[]>,
): Promise<number> {
  let [low, high] = [from, to]
  while (high - low > stepSeqs) {
    const middle = (low + high) >>> 1
    const [first] = await read({ from: middle, to: Math.min(to, middle + stepSeqs) })
    if (first !== undefined && first.createdAt < timeMs) low = middle
    else high = middle
  }
  return low
}

/** The time in a UUIDv7, in ms. */
function writtenAt(id: MessageId): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}
