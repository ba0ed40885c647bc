/** Opens the conversation that the address names, and says so when that takes long or fails. */

import type { ConversationId } from '../../shared/sync/ids.ts'
import type { SignedIn } from './account.ts'
import { ConversationView } from './conversation-view.tsx'
import { PaneHeader } from './pane-header.tsx'
import { useDocumentTitle } from './use-document-title.ts'
import { useStore } from './use-store.ts'

interface Props {
  readonly id: ConversationId
  /** Seq of the message to go to. */
  readonly sought: number | undefined
  readonly signedIn: SignedIn
}

export function ConversationPane({ id, sought, signedIn }: Props) {
  const place = signedIn.desk.at(id)
  const opened = useStore(place)
  if (opened.phase === 'open') {
    const { client, user, drafts } = signedIn
    const { conversation, reading } = opened
    return (
      <ConversationView
        client={client}
        conversation={conversation}
        sought={sought}
        reading={reading}
        user={user}
        drafts={drafts}
        forget={() => signedIn.desk.forget(id)}
      />
    )
  }
  return opened.phase === 'opening' ? <Opening /> : <NotOpened reason={opened.reason} retry={place.retry} />
}

function Opening() {
  useDocumentTitle('Conversation')
  return (
    <>
      <PaneHeader heading="Conversation" />
      <p className="empty late">Opening the conversation…</p>
    </>
  )
}

function NotOpened({ reason, retry }: { readonly reason: string; readonly retry: () => void }) {
  useDocumentTitle('Conversation')
  return (
    <>
      <PaneHeader heading="Conversation" />
      <div className="empty" role="alert">
        <p className="empty-title">This conversation could not be opened</p>
        <p>{reason}</p>
        <button type="button" onClick={retry}>
          Try again
        </button>
      </div>
    </>
  )
}
