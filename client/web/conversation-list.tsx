/** The list of conversations, and below it who is signed in and whether the server answers. */

import { useMemo, useState } from 'react'

import type { ConversationId } from '../../shared/sync/ids.ts'
import type { ConversationSummary } from '../api.ts'
import type { Account, SignedIn } from './account.ts'
import { arrangeList } from './arrange-list.ts'
import { ConversationItem } from './conversation-item.tsx'
import { PersonAvatar, PersonName } from './person.tsx'
import { ProfileDialog } from './profile-dialog.tsx'
import { Logo, PlusIcon } from './icons.tsx'
import { PresenceChoice } from './presence-choice.tsx'
import type { Reach } from './reach.ts'
import { newHash } from './route.ts'
import { RemovedNotices } from './removed-notices.tsx'
import { SearchField } from './search-field.tsx'
import { SearchResults } from './search-results.tsx'
import { SignOut } from './sign-out.tsx'
import { StorageNotices } from './storage-notices.tsx'
import { useToday } from './time.ts'
import { useSearch } from './use-search.ts'
import { useStore } from './use-store.ts'
import { reachWords } from './wording.ts'

interface Props {
  readonly signedIn: SignedIn
  /** The conversation that is open. */
  readonly current: ConversationId | undefined
  readonly account: Account
}

export function ConversationList({ signedIn, current, account }: Props) {
  const { user, client } = signedIn
  const conversations = useStore(client.conversations)
  const states = useStore(client.personal.all)
  const { shown, hidden } = useMemo(() => arrangeList(conversations, states), [conversations, states])
  const [showsHidden, setShowsHidden] = useState(false)
  const reach = useStore(signedIn.reach)
  const storage = useStore(client.storage)
  const profile = useStore(client.profiles.status)
  const today = useToday()
  const [showsProfile, setShowsProfile] = useState(false)
  const [sought, setSought] = useState('')
  const found = useSearch(client, sought)

  const line = (summary: ConversationSummary) => (
    <li key={summary.id}>
      <ConversationItem
        summary={summary}
        state={states.get(summary.id)}
        user={user}
        today={today}
        isCurrent={summary.id === current}
      />
    </li>
  )

  return (
    <div className="sidebar">
      <header className="bar">
        <Logo />
        <h1>Parley</h1>
        <a className="button" href={newHash} data-testid="new-conversation">
          <PlusIcon />
          New<span className="hidden"> conversation</span>
        </a>
      </header>
      <SearchField text={sought} change={setSought} onFocus={() => client.search.prepare()} />
      {sought.trim() !== '' ? (
        <SearchResults found={found} conversations={conversations} user={user} />
      ) : (
        <nav className="list" aria-label="Conversations">
          {conversations.length === 0 ? <EmptyList reach={reach} /> : <ul>{shown.map(line)}</ul>}
          {hidden.length > 0 && (
            <>
              <button
                type="button"
                className="list-hidden"
                aria-expanded={showsHidden}
                onClick={() => setShowsHidden(!showsHidden)}
                data-testid="hidden-toggle"
              >
                {hidden.length} hidden
              </button>
              {showsHidden && (
                <ul aria-label="Hidden conversations" data-testid="hidden">
                  {hidden.map(line)}
                </ul>
              )}
            </>
          )}
        </nav>
      )}
      <RemovedNotices client={client} />
      {(storage.lost || storage.failure !== undefined) && <StorageNotices storage={{ ...storage, full: false }} />}
      <footer className="whoami">
        <button
          type="button"
          className="whoami-profile"
          aria-label={`Your account, ${user}`}
          aria-haspopup="dialog"
          onClick={() => setShowsProfile(true)}
          data-testid="profile-open"
        >
          <PersonAvatar user={user} />
        </button>
        <div className="whoami-text">
          <p className="whoami-name" data-testid="user">
            <PersonName user={user} />
          </p>
          <p className="state" data-testid="reach" data-phase={reach.phase}>
            <span className="dot" />
            <span>{reachWords(reach)}</span>
          </p>
        </div>
        <SignOut client={client} signOut={account.signOut} />
        <PresenceChoice client={client} />
        {profile.phase === 'refused' && (
          <p className="whoami-reason" role="alert" data-testid="profile-refused">
            Your profile was not changed: {profile.reason}
          </p>
        )}
        {'reason' in reach && <p className="whoami-reason">{reach.reason}</p>}
      </footer>
      {showsProfile && <ProfileDialog signedIn={signedIn} account={account} onClose={() => setShowsProfile(false)} />}
    </div>
  )
}

function EmptyList({ reach }: { readonly reach: Reach }) {
  if (reach.phase === 'checking') return <p className="empty">Fetching your conversations…</p>
  const isOnline = reach.phase === 'online'
  return (
    <div className="empty">
      <p className="empty-title">{isOnline ? 'No conversations yet' : 'No conversations on this device'}</p>
      <p>
        {isOnline
          ? 'Start one, or wait until somebody adds you to theirs.'
          : 'Those on the server appear when it can be reached. You can start a new one meanwhile.'}
      </p>
    </div>
  )
}
