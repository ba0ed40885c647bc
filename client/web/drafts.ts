/**
 * What a user has typed and not sent, by where: a conversation, or a thread of it. The SDK keeps it for all their devices; what
 * that has not written down yet is in this browser, so that not even the last two seconds are lost when the page ends.
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { Draft, Personal, ReadableStore } from '../api.ts'
import type { Keep } from './keep.ts'

/** Of one place. */
export interface PlaceDraft {
  /** The text to begin with. */
  readonly get: () => string
  /** It was typed here. */
  readonly set: (text: string) => void
  readonly setReply: (replyTo: MessageId | undefined) => void
  /** As known of all devices, this one included. */
  readonly known: ReadableStore<Draft | null>
  /** What this device knew is there. */
  readonly isLoaded: () => boolean
  /** Calls back when it may be; returns what ends that. */
  readonly onLoaded: (listener: () => void) => () => void
  /** What an earlier page has left in this browser goes to the other devices too. */
  readonly takeLeft: () => void
}

export interface Drafts {
  /** `thread`: its root; without one the conversation itself is meant. */
  readonly at: (id: ConversationId, thread?: MessageId) => PlaceDraft
  /** Forgets what is in this browser. */
  readonly clear: () => void
}

export function createDrafts(keep: Keep, user: UserId, personal: Personal): Drafts {
  const prefix = `parley.draft.${user}/`

  function at(id: ConversationId, thread?: MessageId): PlaceDraft {
    const name = thread === undefined ? prefix + id : `${prefix}${id}/${thread}`
    const known = personal.draft(id, { thread })

    function change(changes: { readonly content?: string; readonly replyTo?: MessageId | null }): void {
      const { replyTo: before, ...rest } = known.getSnapshot() ?? { content: '' }
      const replyTo = changes.replyTo === undefined ? before : changes.replyTo
      const content = changes.content ?? rest.content
      const draft: Draft = { ...rest, content, ...(replyTo === undefined || replyTo === null ? {} : { replyTo }) }
      keep.set(name, content)
      const forget = (): void => {
        const status = personal.status.getSnapshot()
        const isKept = status.phase === 'open' && status.storage.phase === 'persistent'
        if (isKept && keep.get(name) === content) keep.remove(name)
      }
      try {
        void personal.setDraft(id, draft, { thread }).then(forget)
      } catch {
        // Too large, or no room for it: other devices do not get it. This browser has it, and sending says what is wrong.
      }
    }

    return {
      get: () => keep.get(name) ?? known.getSnapshot()?.content ?? '',
      set: (content) => change({ content }),
      setReply: (replyTo) => {
        if (known.getSnapshot()?.replyTo !== replyTo) change({ replyTo: replyTo ?? null })
      },
      known,
      isLoaded: () => personal.status.getSnapshot().phase === 'open',
      onLoaded: (listener) => personal.status.subscribe(listener),
      takeLeft: () => {
        const left = keep.get(name)
        if (left !== undefined) change({ content: left })
      },
    }
  }

  return {
    at,
    clear: () => {
      for (const name of keep.names(prefix)) keep.remove(name)
    },
  }
}
