/** Changes of messages that were refused: said once, until they are dismissed. */

import type { Conversation, FailedChange } from '../api.ts'
import { WarningIcon } from './icons.tsx'
import { useStore } from './use-store.ts'
import { failures } from './wording.ts'

export function FailedChanges({ conversation }: { readonly conversation: Conversation }) {
  const changes = useStore(conversation.failedChanges)
  return (
    <div role="alert">
      {changes.map((change, index) => (
        // One message can be refused the same change twice: they have no other name, and no state.
        <div key={index} className="notice" data-kind="refused" data-testid="failed-change">
          <WarningIcon />
          <p>
            <strong>{describe(change)}</strong> {failures[change.reason]}
          </p>
          <button type="button" onClick={() => conversation.dismiss(change)} data-testid="failed-change-dismiss">
            Dismiss
          </button>
        </div>
      ))}
    </div>
  )
}

function describe({ entry }: FailedChange): string {
  switch (entry.kind) {
    case 'edit':
      return `Your edit was not taken: “${entry.content}”`
    case 'redact':
      return 'A message you deleted is still there.'
    case 'react':
      return `Your reaction ${entry.emoji} was not taken.`
    case 'pin':
      return entry.on ? 'The message was not pinned.' : 'The message is still pinned.'
  }
}
