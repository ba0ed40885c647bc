// Everything a store tells of one conversation, as one value to compare.
import type { ConversationStore } from '../../server/storage/conversation-store.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { ann, clientId, clockOf, messageId } from './store-rows.ts'

/** As many as there are. */
export const everyRecord = { from: 0, to: Number.MAX_SAFE_INTEGER }

/** Asks every reading method; places, claims and keys are those of `fullCommit(conversation, count)`. */
export async function readBack(store: ConversationStore, conversation: ConversationId, count: number): Promise<object> {
  const seqs = Array.from({ length: count }, (_, seq) => seq)
  return {
    head: await store.head(conversation),
    chains: await store.chains(conversation),
    deleted: await store.deleted(conversation),
    entries: await listOf(store.entriesNewestFirst(conversation)),
    records: await listOf(store.records(conversation, everyRecord)),
    places: await store.places(conversation, clientId(7), seqs.map(clockOf)),
    messages: await store.messages(conversation, { take: 'oldest', limit: 1000 }),
    single: await store.message(conversation, 0),
    messagesAt: await store.messagesAt(conversation, [1, 0]),
    touched: await store.touched(conversation, { after: -1, limit: 1000 }),
    pieces: await store.pieces(conversation, messageId(0)),
    settings: await store.settings(conversation),
    pins: await store.pins(conversation),
    claims: await store.claims(conversation, seqs.map(messageId)),
    idempotency: await store.idempotency(conversation, ann, 'a/key'),
    invitations: await store.invitations(conversation),
    members: await store.members(conversation),
    member: await store.member(conversation, ann),
    inbox: (await store.conversationsOf(ann)).includes(conversation),
  }
}

export async function listOf<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const row of rows) list.push(row)
  return list
}
