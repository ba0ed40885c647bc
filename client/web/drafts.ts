/**
 * What a user has typed and not sent, by conversation. The SDK keeps it for all their devices; what that has not written down
 * yet is in this browser, so that not even the last two seconds are lost when the page ends.
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { Draft, Personal, ReadableStore } from '../api.ts'
import type { Keep } from './keep.ts'

export interface Drafts {
  /** The text to begin with. */
  readonly get: (id: ConversationId) => string
  /** It was typed here. */
  readonly set: (id: ConversationId, text: string) => void
  readonly setReply: (id: ConversationId, replyTo: MessageId | undefined) => void
  /** As known of all devices, this one included. */
  readonly at: (id: ConversationId) => ReadableStore<Draft | null>
  /** What this device knew is there. */
  readonly isLoaded: () => boolean
  /** Calls back when it may be; returns what ends that. */
  readonly onLoaded: (listener: () => void) => () => void
  /** What an earlier page has left in this browser goes to the other devices too. */
  readonly takeLeft: (id: ConversationId) => void
  /** Forgets what is in this browser. */
  readonly clear: () => void
}

export function createDrafts(keep: Keep, user: UserId, personal: Personal): Drafts {
  const prefix = `parley.draft.${user}/`
  const nameOf = (id: ConversationId): string => prefix + id

  function change(
    id: ConversationId,
    changes: { readonly content?: string; readonly replyTo?: MessageId | null },
  ): void {
    const { replyTo: before, ...known } = personal.draft(id).getSnapshot() ?? { content: '' }
    const replyTo = changes.replyTo === undefined ? before : changes.replyTo
    const content = changes.content ?? known.content
    const draft: Draft = { ...known, content, ...(replyTo === undefined || replyTo === null ? {} : { replyTo }) }
    const name = nameOf(id)
    keep.set(name, draft.content)
    const forget = (): void => {
      const status = personal.status.getSnapshot()
      const isKept = status.phase === 'open' && status.storage.phase === 'persistent'
      if (isKept && keep.get(name) === draft.content) keep.remove(name)
    }
    try {
      void personal.setDraft(id, draft).then(forget)
    } catch {
      // Too large, or no room for it: other devices do not get it. This browser has it, and sending says what is wrong.
    }
  }

  return {
    get: (id) => keep.get(nameOf(id)) ?? personal.draft(id).getSnapshot()?.content ?? '',
    set: (id, content) => change(id, { content }),
    setReply: (id, replyTo) => {
      if (personal.draft(id).getSnapshot()?.replyTo !== replyTo) change(id, { replyTo: replyTo ?? null })
    },
    at: (id) => personal.draft(id),
    isLoaded: () => personal.status.getSnapshot().phase === 'open',
    onLoaded: (listener) => personal.status.subscribe(listener),
    takeLeft: (id) => {
      const left = keep.get(nameOf(id))
      if (left !== undefined) change(id, { content: left })
    },
    clear: () => {
      for (const name of keep.names(prefix)) keep.remove(name)
    },
  }
}
