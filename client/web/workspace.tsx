/** The page of somebody signed in: the list and, beside it or instead of it on a narrow screen, what the address names. */

import { useMemo } from 'react'

import type { ChatClient, ReadableStore } from '../api.ts'
import type { Account, SignedIn } from './account.ts'
import { ConversationList } from './conversation-list.tsx'
import { ConversationPane } from './conversation-pane.tsx'
import { NewConversation } from './new-conversation.tsx'
import { Join } from './join.tsx'
import { listHash, newHash, parseRoute } from './route.ts'
import { useDocumentTitle } from './use-document-title.ts'
import { ProfilesContext } from './use-names.ts'
import { useStore } from './use-store.ts'

interface Props {
  readonly signedIn: SignedIn
  readonly hash: ReadableStore<string>
  readonly account: Account
}

export function Workspace({ signedIn, hash, account }: Props) {
  const address = useStore(hash)
  const route = useMemo(() => parseRoute(address), [address])
  const current = route.kind === 'conversation' ? route.id : undefined

  return (
    <ProfilesContext value={signedIn.client.profiles}>
      <div className="workspace" data-view={route.kind === 'list' ? 'list' : 'pane'}>
        <ConversationList signedIn={signedIn} current={current} account={account} />
        <main className="pane">
          {route.kind === 'conversation' && (
            <ConversationPane key={route.id} id={route.id} sought={route.seq} signedIn={signedIn} />
          )}
          {route.kind === 'new' && <NewConversation user={signedIn.user} client={signedIn.client} />}
          {route.kind === 'join' && <Join key={route.token} token={route.token} client={signedIn.client} />}
          {route.kind === 'list' && <NothingOpen client={signedIn.client} />}
          {route.kind === 'unknown' && <UnknownAddress />}
        </main>
      </div>
    </ProfilesContext>
  )
}

function NothingOpen({ client }: { readonly client: ChatClient }) {
  const isEmpty = useStore(client.conversations).length === 0
  useDocumentTitle(undefined)
  return (
    <div className="empty">
      <p className="empty-title">No conversation is open</p>
      <p>{isEmpty ? 'Start one with somebody on this server.' : 'Choose one from the list, or start a new one.'}</p>
      <a className="button primary" href={newHash}>
        New conversation
      </a>
    </div>
  )
}

function UnknownAddress() {
  useDocumentTitle('Not found')
  return (
    <div className="empty">
      <p className="empty-title">There is nothing at this address</p>
      <p>
        The link may have been cut short. <a href={listHash}>See your conversations</a>.
      </p>
    </div>
  )
}
