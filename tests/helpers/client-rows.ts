// What a client keeps, and entries to keep: whole, short, and different wherever a mix-up could hide.
import type { ConversationRow, OutboxRow } from '../../client/storage/client-storage.ts'
import { encodeEntry, type KnownEntry, type MessageEntry } from '../../shared/chat/entry.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { clientId, messageId } from '../contract/store-rows.ts'

export { ann, bob, clientId, conversationId, messageId, userId } from '../contract/store-rows.ts'

/** The message with this number, written at that many ms. */
export function message(number: number, content = `message ${number}`): MessageEntry {
  return { kind: 'message', id: messageId(number), role: 'user', content, at: number }
}

export function row(client: number, clock: number, entry: KnownEntry = message(clock + 1)): OutboxRow {
  return { client: clientId(client), clock, payload: encodeEntry(entry) }
}

export function conversationRow(id: ConversationId, more: Partial<ConversationRow> = {}): ConversationRow {
  return {
    id,
    title: null,
    access: 'owner',
    updatedAt: 1000,
    lastMessage: null,
    unread: 0,
    members: undefined,
    unregistered: undefined,
    ...more,
  }
}
