/**
 * What is read of a conversation without loading it: pages of messages, pins, changes, what became of a chain. `from`: seq of
 * the first entry that whoever asks is told of (SPEC HISTORY1).
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { ClientId, ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { TimelineEvent } from '../../shared/chat/timeline-event.ts'
import type { Changes, ChainPlace, EventQuery, MessageQuery } from '../conversations.ts'
import type { ConversationStore, Head } from '../storage/conversation-store.ts'
import { readReplies } from './threads.ts'

export async function readMessages(
  store: ConversationStore,
  id: ConversationId,
  { limit, before, after, around, thread }: MessageQuery,
  from: number,
): Promise<readonly StampedMessage[]> {
  type Run = Parameters<ConversationStore['messages']>[1]
  const read = ({ after: bound = -1, ...rest }: Run): Promise<readonly StampedMessage[]> => {
    const run = { ...rest, after: Math.max(bound, from - 1) }
    return thread === undefined ? store.messages(id, run) : readReplies(store, id, thread, run)
  }
  if (after !== undefined) return read({ after, limit, take: 'oldest' })
  if (before !== undefined) return read({ before, limit, take: 'newest' })
  if (around === undefined) return read({ limit, take: 'newest' })
  const half = Math.floor(limit / 2)
  const older = half === 0 ? [] : await read({ before: around, limit: half, take: 'newest' })
  const newer = await read({ after: around, limit: limit - half, take: 'oldest' })
  return [...older, ...newer]
}

export async function readEvents(
  store: ConversationStore,
  id: ConversationId,
  { limit, before, after }: EventQuery,
  from: number,
): Promise<readonly TimelineEvent[]> {
  const bound = Math.max(after ?? -1, from - 1)
  const range = { after: bound, ...(before === undefined ? {} : { before }) }
  return store.events(id, { ...range, limit, take: after === undefined ? 'newest' : 'oldest' })
}

export async function findMessage(
  store: ConversationStore,
  id: ConversationId,
  messageId: MessageId,
  from: number,
): Promise<StampedMessage> {
  const [claim] = await store.claims(id, [messageId])
  const isShown = claim?.seq !== undefined && claim.seq >= from
  const message = isShown ? await store.message(id, claim.seq) : undefined
  if (message === undefined) throw new Fault('not-found')
  return message
}

/** What whoever sends an own message once more is told of it: of one from before they joined nothing that others did to it. */
export function asSent(message: StampedMessage, from: number): StampedMessage {
  if (message.seq >= from) return message
  const { reactions: _reactions, replies: _replies, pinned: _pinned, ...own } = message
  return own
}

export async function readChain(
  store: ConversationStore,
  user: UserId,
  id: ConversationId,
  client: ClientId,
  from: number,
): Promise<{ readonly next: number; readonly places: readonly ChainPlace[] }> {
  const chains = await store.chains(id)
  const chain = chains.find((row) => row.client === client) ?? (await store.dropped(id, [client]))[0]
  if (chain === undefined || chain.user !== user) throw new Fault('not-found')
  const count = Math.max(0, Math.min(chain.next - from, limits.pageMessages))
  const clocks = Array.from({ length: count }, (_, index) => from + index)
  const rows = await store.places(id, client, clocks)
  const places = rows.flatMap((row): ChainPlace[] => {
    if (row === undefined) return []
    const { clock, crc, seq, voidReason } = row
    const isVoid = voidReason !== undefined
    return [{ clock, crc, outcome: isVoid ? { kind: 'void', reason: voidReason } : { kind: 'accepted', seq } }]
  })
  return { next: chain.next, places }
}

/** In the order of pinning. */
export async function readPins(
  store: ConversationStore,
  id: ConversationId,
  from: number,
): Promise<readonly StampedMessage[]> {
  const pins = (await store.pins(id)).toSorted((a, b) => (a.seq ?? 0) - (b.seq ?? 0))
  const claims = await store.claims(
    id,
    pins.map((pin) => pin.id),
  )
  const messages = await store.messagesAt(
    id,
    claims.flatMap((claim) => (claim?.seq === undefined || claim.seq < from ? [] : [claim.seq])),
  )
  return messages.filter((message) => message !== undefined)
}

/** `head` was read before: rows may be newer, and what changed since is told again by the next request. */
export async function readChanges(
  store: ConversationStore,
  id: ConversationId,
  head: Head,
  { after, limit }: { readonly after: number; readonly limit: number },
  from: number,
): Promise<Changes> {
  const touched = await store.touched(id, { after, limit: limit + 1 })
  const more = touched.length > limit
  const told = touched.slice(0, limit)
  const last = told.at(-1)
  const asOf = more && last !== undefined ? last.revision : Math.max(head.nextSeq - 1, last?.revision ?? -1)
  const rows = await store.messagesAt(
    id,
    told.flatMap(({ seq }) => (seq < from ? [] : [seq])),
  )
  const messages = rows
    .filter((message) => message !== undefined)
    // Changed again since the list was read: they come where that is told, not twice.
    .filter(({ revision }) => !more || revision <= asOf)
    .toSorted((a, b) => a.revision - b.revision)
  return { messages, asOf, more }
}
