// What a client keeps, and entries to keep: whole, short, and different wherever a mix-up could hide.
import type { ConversationRow, OutboxRow } from '../../client/storage/client-storage.ts'
import { encodeEntry, type KnownEntry, type MessageEntry } from '../../shared/chat/entry.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { clientId, messageId } from '../contract/store-rows.ts'
import { type RestConversationItem } from '../../shared/rest.ts'

export { ann, bob, clientId, conversationId, messageId, userId } from '../contract/store-rows.ts'

/** The message with this number, written at that many ms. */
export function message(number: number, content = `message ${number}`): MessageEntry {
  return { kind: 'message', id: messageId(number), role: 'user', content, at: number }
}

export function row(client: number, clock: number, entry: KnownEntry = message(clock + 1)): OutboxRow {
  return { client: clientId(client), clock, payload: encodeEntry(entry) }
}

/** What a list of the server says of a conversation. */
export function restItem(id: ConversationId, more: Partial<RestConversationItem> = {}): RestConversationItem {
  return {
    id,
    title: null,
    access: 'writer',
    created_at: '2026-01-01T00:00:00.000Z',
    updated_at: '2026-01-01T00:00:00.000Z',
    last_seq: null,
    unread: 0,
    mentions: 0,
    read_through: null,
    history_from: null,
    received: null,
    last_message: null,
    ...more,
  }
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
