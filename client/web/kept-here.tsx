/** What of the conversation is on this device, to be read without the server, and how much room that takes. */

import type { ChatClient, Conversation, HistoryStatus, Keep } from '../api.ts'
import { count, formatBytes } from './names.ts'
import { StorageNotices } from './storage-notices.tsx'
import { useStore } from './use-store.ts'

interface Props {
  readonly client: ChatClient
  readonly conversation: Conversation
}

const chosen: Readonly<Record<Keep, string>> = {
  all: 'All of it is kept, as far as there is room.',
  window: 'Only the newest messages are kept, and what you look at.',
}

export function KeptHere({ client, conversation }: Props) {
  const { keep, kept } = useStore(conversation.history)
  const storage = useStore(client.storage)

  return (
    <section
      className="kept"
      aria-label="On this device"
      data-testid="kept"
      data-complete={kept.complete}
      data-persisted={storage.persisted}
    >
      <h3>On this device</h3>
      <p>{describe(kept)}</p>
      <div className="actions">
        <button
          type="button"
          aria-pressed={keep === 'all'}
          onClick={() => conversation.setKeep('all')}
          data-testid="keep-all"
        >
          Keep all
        </button>
        <button
          type="button"
          aria-pressed={keep === 'window'}
          onClick={() => conversation.setKeep('window')}
          data-testid="keep-window"
        >
          Only the newest
        </button>
      </div>
      <p className="hint" role="status">
        {chosen[keep]}
      </p>
      {/* They are counted now and then only. */}
      {storage.bytes > 0 && storage.bytes >= kept.bytes && (
        <p className="hint">
          All conversations together take {formatBytes(storage.bytes)} of {formatBytes(storage.budgetBytes)}.
          {storage.persisted === false && ' This browser may remove them when it needs room.'}
        </p>
      )}
      <StorageNotices storage={storage} />
    </section>
  )
}

/** The newest messages are always here: they are the document itself. */
function describe({ complete, messages, bytes }: HistoryStatus['kept']): string {
  const size = messages === 0 ? '' : ` (${count(messages, 'older message')}, ${formatBytes(bytes)})`
  if (complete) return `The whole conversation${size}.`
  return messages === 0 ? 'Only the newest messages.' : `The newest messages, and some before them${size}.`
}
