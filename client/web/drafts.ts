/** What a user has typed and not sent, by conversation: it survives leaving the conversation and closing the page. */

import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { Keep } from './keep.ts'

export interface Drafts {
  readonly get: (id: ConversationId) => string
  readonly set: (id: ConversationId, text: string) => void
  /** Forgets them all. */
  readonly clear: () => void
}

export function createDrafts(keep: Keep, user: UserId): Drafts {
  const prefix = `parley.draft.${user}/`
  const nameOf = (id: ConversationId): string => prefix + id
  return {
    get: (id) => keep.get(nameOf(id)) ?? '',
    set: (id, text) => {
      if (text === '') keep.remove(nameOf(id))
      else keep.set(nameOf(id), text)
    },
    clear: () => {
      for (const name of keep.names(prefix)) keep.remove(name)
    },
  }
}
