/** Changes of messages, settings and members that were refused: said once, until they are dismissed. */

import type { UserId } from '../../shared/sync/ids.ts'
import type { Conversation } from '../api.ts'
import { type ChangeContext, changeWords, namedInChanges, whyNotTaken } from './change-words.ts'
import { WarningIcon } from './icons.tsx'
import { useNames } from './use-names.ts'
import { useStore } from './use-store.ts'

interface Props {
  readonly conversation: Conversation
  readonly user: UserId
}

export function FailedChanges({ conversation, user }: Props) {
  const changes = useStore(conversation.failedChanges)
  const { access, members } = useStore(conversation.info)
  const nameOf = useNames(namedInChanges(changes))
  const context: ChangeContext = { user, access, members, nameOf }
  return (
    <div role="alert">
      {changes.map((change, index) => (
        // One message can be refused the same change twice: they have no other name, and no state.
        <div key={index} className="notice" data-kind="refused" data-testid="failed-change">
          <WarningIcon />
          <p>
            <strong>{changeWords(change, context)}</strong> {whyNotTaken(change, context)}
          </p>
          <button type="button" onClick={() => conversation.dismiss(change)} data-testid="failed-change-dismiss">
            Dismiss
          </button>
        </div>
      ))}
    </div>
  )
}
