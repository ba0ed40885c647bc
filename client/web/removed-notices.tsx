/** Says which conversations were deleted from this device, and offers what was never sent in them. */

import type { ChatClient } from '../api.ts'
import { WarningIcon } from './icons.tsx'
import { useStore } from './use-store.ts'

export function RemovedNotices({ client }: { readonly client: ChatClient }) {
  const removed = useStore(client.removed)
  if (removed.length === 0) return null
  return (
    <div className="storage-notices" role="status" data-testid="removed">
      {removed.map(({ id, title, unsent }) => (
        <div key={id}>
          <p>
            <WarningIcon />
            <span dir="auto">
              You are not in “{title ?? 'Untitled conversation'}” any more. It was deleted from this device.
              {unsent.length > 0 && ' You had not sent this:'}
            </span>
          </p>
          {unsent.map(({ content }, index) => (
            <p key={index} dir="auto">
              {content}
            </p>
          ))}
          <button type="button" className="button" onClick={() => client.dismissRemoved(id)}>
            Dismiss
          </button>
        </div>
      ))}
    </div>
  )
}
