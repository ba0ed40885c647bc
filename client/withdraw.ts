/**
 * What is still open in the outbox when the server takes nothing more from this user: shown as failed, to be copied, sent
 * again or dropped. What is dropped leaves its place in the chain empty, so that it never goes out.
 */

import * as Y from 'yjs'
import { type Entry, type MessageEntry, type MessageId, parseEntry } from '../shared/chat/entry.ts'
import { isTouch } from '../shared/chat/message.ts'
import type { OpenDocument } from './open-document.ts'
import type { KeptChange } from './outbox.ts'
import type { OutboxRow } from './storage/client-storage.ts'

interface OpenEntry {
  readonly entry: Entry
  readonly row: OutboxRow
}

export interface OpenMessage extends OpenEntry {
  readonly entry: MessageEntry
}

export function findOpenMessage(document: OpenDocument, id: MessageId): OpenMessage | undefined {
  for (const { entry, row } of openEntries(document))
    if (entry.kind === 'message' && entry.id === id) return { entry, row }
  return undefined
}

/** Changes of messages, as what became void for want of access. */
export function openChanges(document: OpenDocument): readonly KeptChange[] {
  const found: KeptChange[] = []
  for (const { entry, row } of openEntries(document)) if (isTouch(entry)) found.push({ entry, row, reason: 'access' })
  return found
}

export function withdraw({ doc, outbox }: OpenDocument, { row }: Pick<OpenEntry, 'row'>): void {
  const structs = doc.store.clients.get(row.client)
  doc.transact((transaction) => {
    if (structs === undefined || row.clock >= Y.getState(doc.store, row.client)) return
    // Alone: its neighbours, which Yjs may have merged with it, stay.
    const item = Y.getItemCleanStart(transaction, Y.createID(row.client, row.clock))
    if (item instanceof Y.Item) item.delete(transaction)
  })
  outbox.forget(row)
}

function* openEntries({ outbox }: OpenDocument): Generator<OpenEntry> {
  for (const row of outbox.open()) {
    const parsed = parseEntry(row.payload)
    if (parsed.kind === 'entry') yield { entry: parsed.entry, row }
  }
}
