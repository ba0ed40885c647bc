/** Deletes all that a device keeps of one conversation but its line in the list. Knows nothing of why. */

import type { ConversationId } from '../../shared/sync/ids.ts'
import type { ClientStorage } from '../storage/client-storage.ts'

/** The document last: where this is cut short, it still says that it is to be gone on with. Rejects when the device refuses. */
export async function wipeConversation(storage: ClientStorage, id: ConversationId): Promise<void> {
  for (const row of await storage.outbox(id)) await storage.removeOutbox(id, row)
  for (const { client } of await storage.pool(id)) await storage.removePool(id, client)
  await storage.pages.drop(id)
  const generation = await storage.generation(id)
  // A tab that was closed right after it replaced the document has left the one before, and one that was about to the next.
  for (const each of generation > 0 ? [generation - 1, generation + 1, generation] : [1, 0])
    await storage.dropDocument(id, each)
}
