/** The whole page: signed out or signed in. */

import type { ReadableStore } from '../api.ts'
import type { Account } from './account.ts'
import { parseRoute } from './route.ts'
import { SignIn } from './sign-in.tsx'
import { useStore } from './use-store.ts'
import { Workspace } from './workspace.tsx'

const invited = 'You were invited to a conversation. Sign in to join it.'

interface Props {
  readonly account: Account
  /** The hash of the page's address. */
  readonly hash: ReadableStore<string>
}

export function App({ account, hash }: Props) {
  const state = useStore(account)
  const isInvited = parseRoute(useStore(hash)).kind === 'join'
  if (state.phase === 'signed-out')
    return <SignIn signIn={account.signIn} notice={state.notice ?? (isInvited ? invited : undefined)} />
  if (state.phase === 'reopening') return <p className="empty late">Opening your conversations…</p>
  return <Workspace key={state.user} signedIn={state} hash={hash} account={account} />
}
