/** A page store that tells what becomes of its pages. */

import type { StampedMessage } from '../../shared/chat/message.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import type { PageStore } from '../storage/page-store.ts'

export interface PageListener {
  /** Whether anybody wants to know. */
  readonly isWatching: () => boolean
  /** Others are kept of it now; of undefined: of any conversation. */
  readonly notePages: (id: ConversationId | undefined) => void
  /** These are as they are told here. */
  readonly noteChanged: (id: ConversationId, messages: readonly StampedMessage[]) => void
}

export function watchPages(store: PageStore, { isWatching, notePages, noteChanged }: PageListener): PageStore {
  return {
    ...store,
    put: async (id, run, options) => {
      const before = isWatching() && options.mayEvict ? await othersBytes(store, id) : undefined
      const outcome = await store.put(id, run, options)
      // Somebody may have begun to watch meanwhile, and have looked before it was there.
      if (!isWatching()) return outcome
      const hasEvicted = options.mayEvict && before !== (await othersBytes(store, id))
      notePages(hasEvicted ? undefined : id)
      return outcome
    },
    update: async (id, messages, entries) => {
      await store.update(id, messages, entries)
      if (messages.length > 0) noteChanged(id, messages)
    },
    drop: async (id) => {
      await store.drop(id)
      notePages(id)
    },
  }
}

/** Of the pages of all other conversations: when that changes, some have made way. */
async function othersBytes(store: PageStore, id: ConversationId): Promise<number> {
  const [totals, facts] = await Promise.all([store.totals(), store.facts(id)])
  return totals.bytes - facts.bytes
}
