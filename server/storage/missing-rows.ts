/** Rows that should be there and are not: those of a conversation that was deleted while it was read went with it. */

import { Fault } from '../../shared/fault.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import type { ConversationStore } from './conversation-store.ts'

/** The error to throw: Fault `deleted`, or StoreError `damaged`, and then the conversation is condemned. */
export async function missingRows(
  store: ConversationStore,
  conversation: ConversationId,
  what: string,
): Promise<Error> {
  const stored = await store.head(conversation)
  return stored?.kind === 'deleted' ? new Fault('deleted') : store.condemn(conversation, what)
}
