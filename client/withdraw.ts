/**
 * Messages that are still open in the outbox when the server takes nothing more from this user: shown as failed, to be
 * copied, sent again or dropped. One that is dropped leaves its place in the chain empty, so that it never goes out.
 */

import * as Y from 'yjs'
import { type MessageEntry, type MessageId, parseEntry } from '../shared/chat/entry.ts'
import type { OpenDocument } from './open-document.ts'
import type { OutboxRow } from './storage/client-storage.ts'

export interface OpenMessage {
  readonly entry: MessageEntry
  readonly row: OutboxRow
}

export function findOpenMessage({ outbox }: OpenDocument, id: MessageId): OpenMessage | undefined {
  for (const row of outbox.open()) {
    const parsed = parseEntry(row.payload)
    if (parsed.kind === 'entry' && parsed.entry.kind === 'message' && parsed.entry.id === id)
      return { entry: parsed.entry, row }
  }
  return undefined
}

export function withdraw({ doc, outbox }: OpenDocument, { row }: OpenMessage): void {
  const structs = doc.store.clients.get(row.client)
  doc.transact((transaction) => {
    if (structs === undefined || row.clock >= Y.getState(doc.store, row.client)) return
    // Alone: its neighbours, which Yjs may have merged with it, stay.
    const item = Y.getItemCleanStart(transaction, Y.createID(row.client, row.clock))
    if (item instanceof Y.Item) item.delete(transaction)
  })
  outbox.forget(row)
}
