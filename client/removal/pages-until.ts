/**
 * Pages of a conversation for one opening of it: what that has asked for may still be on its way when it was closed and all of the
 * conversation deleted. It is not kept behind that.
 */

import type { PageStore } from '../storage/page-store.ts'

/** `store`, in which nothing changes any more as soon as `isOver`. */
export function pagesUntil(store: PageStore, isOver: () => boolean): PageStore {
  return {
    ...store,
    put: async (...put) => (isOver() ? 'full' : store.put(...put)),
    update: async (...update) => (isOver() ? undefined : store.update(...update)),
    drop: async (id) => (isOver() ? undefined : store.drop(id)),
  }
}
