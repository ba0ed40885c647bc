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
      if (!isWatching()) return store.put(id, run, options)
      const before = options.mayEvict ? await othersBytes(store, id) : 0
      const outcome = await store.put(id, run, options)
      const after = options.mayEvict ? await othersBytes(store, id) : 0
      notePages(before === after ? id : undefined)
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
