/** What the device keeps of a conversation that is not open, without opening it: nothing is locked, connected or written. */

import { Doc } from 'yjs'
import { type MessageEntry, parseEntry } from '../../shared/chat/entry.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import type { OpenConversation } from '../open-conversation.ts'
import { Replica } from '../replica.ts'
import type { ClientStorage, OutboxRow } from '../storage/client-storage.ts'
import type { SearchedView } from './searched-documents.ts'

export async function readView(storage: ClientStorage, id: ConversationId): Promise<SearchedView> {
  const doc = new Doc()
  try {
    await storage.readDocument(id, doc, await storage.generation(id))
    // What the document lost, and what was refused, stands here.
    const unsent = messagesIn(await storage.outbox(id))
    return { folded: new Replica(doc).folded, unsent }
  } finally {
    doc.destroy()
  }
}

export function openView({ document }: OpenConversation): SearchedView {
  return { folded: document.replica.folded, unsent: document.outbox.failed().map(({ entry }) => entry) }
}

function messagesIn(rows: readonly OutboxRow[]): readonly MessageEntry[] {
  return rows.flatMap(({ payload }) => {
    const parsed = parseEntry(payload)
    return parsed.kind === 'entry' && parsed.entry.kind === 'message' ? [parsed.entry] : []
  })
}
