/** Who uses the page, and with them the client that is open: made and closed here, outside React. */

import type { UserId } from '../../shared/sync/ids.ts'
import { type AccountDeletion, type ChatClient, type ReadableStore, StillOpen, UnsentWork } from '../api.ts'
import { createDesk, type Desk } from './desk.ts'
import { createDrafts, type Drafts } from './drafts.ts'
import type { Keep } from './keep.ts'
import { keepPresence } from './presence-choice.tsx'
import { keepReceipts, keptReceipts, type Receipts, receiptsName } from './receipts-choice.ts'
import { type Reach, type Refresher, startRefreshing } from './reach.ts'
import {
  createTokenSource,
  keepSession,
  loadSession,
  parseSession,
  type RequestToken,
  type Session,
  sessionName,
  type TokenAnswer,
} from './session.ts'
import { createStore } from '../store.ts'

export interface SignedIn {
  readonly user: UserId
  readonly client: ChatClient
  readonly desk: Desk
  readonly drafts: Drafts
  readonly reach: ReadableStore<Reach>
  /** What others are told of what is read here. */
  readonly receipts: Receipts
}

export type AccountState =
  | { readonly phase: 'signed-out'; readonly notice?: string }
  /** The client is closed, and about to be made anew. */
  | { readonly phase: 'reopening' }
  | ({ readonly phase: 'signed-in' } & SignedIn)

export interface Account extends ReadableStore<AccountState> {
  /** Resolves with why not, or undefined when signed in. */
  readonly signIn: (user: UserId) => Promise<Exclude<TokenAnswer, { kind: 'token' }> | undefined>
  /**
   * Everything of theirs stays in this browser, for when they come back; or is removed, in all its tabs. Rejects with
   * UnsentWork when something would be lost by that, unless that was agreed to.
   */
  readonly signOut: (how: SignOutChoice) => Promise<void>
  /** On the server and on this device, as the SDK does; rejects as that does, and then nothing of this device is gone. */
  readonly deleteAccount: (how: AccountDeletion) => Promise<void>
  /** From now on, in all tabs of this browser: for that the client is made anew. */
  readonly setReceipts: (receipts: Receipts) => void
}

export type SignOutChoice = { readonly kind: 'keep' } | { readonly kind: 'remove'; readonly loses: boolean }

export interface AccountDeps {
  readonly keep: Keep
  readonly page: Window
  readonly request: RequestToken
  readonly now: () => number
  readonly createClient: (user: UserId, token: () => Promise<string>, receipts: Receipts) => ChatClient
}

/** Starts signed in when this browser remembers somebody. */
export function createAccount(deps: AccountDeps): Account {
  const state = createStore<AccountState>({ phase: 'signed-out' })
  let refresher: Refresher | undefined
  let closed: Promise<void> = Promise.resolve()

  function enter(session: Session): void {
    const token = createTokenSource(session, {
      request: deps.request,
      now: deps.now,
      // Another tab may have signed out meanwhile: what it removed stays removed.
      renewed: (fresh) => {
        if (loadSession(deps.keep)?.user === fresh.user) keepSession(deps.keep, fresh)
      },
    })
    const receipts = keptReceipts(deps.keep, session.user)
    const client = deps.createClient(session.user, token, receipts)
    keepPresence(client, deps.keep)
    const refreshing = startRefreshing(client, deps.page)
    refresher = refreshing
    state.set({
      phase: 'signed-in',
      user: session.user,
      client,
      // What a conversation says of its connection, the list should say too.
      desk: createDesk(client, refreshing.look),
      drafts: createDrafts(deps.keep, session.user, client.personal),
      reach: refreshing.reach,
      receipts,
    })
  }

  /** What this page itself keeps of somebody. */
  function forget({ user, drafts }: SignedIn): void {
    drafts.clear()
    deps.keep.remove(receiptsName(user))
  }

  function leave(removes = false): void {
    const current = state.getSnapshot()
    if (current.phase !== 'signed-in') return
    refresher?.stop()
    state.set({ phase: 'signed-out' })
    if (removes) forget(current)
    closed = current.client.signOut({ wipe: removes, force: true }).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error)
      const what = removes ? 'not all that this device keeps was removed' : 'what this device keeps was not closed well'
      state.set({ phase: 'signed-out', notice: `Signed out, but ${what}: ${reason}` })
    })
  }

  function reopen(): void {
    const current = state.getSnapshot()
    if (current.phase !== 'signed-in' || keptReceipts(deps.keep, current.user) === current.receipts) return
    refresher?.stop()
    state.set({ phase: 'reopening' })
    closed = current.client.close().catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error)
      state.set({ phase: 'signed-out', notice: `What this device keeps was not closed well: ${reason}` })
    })
    void closed.then(() => {
      // Another tab may have signed out meanwhile.
      const session = loadSession(deps.keep)
      if (session === undefined) state.set({ phase: 'signed-out' })
      else if (state.getSnapshot().phase === 'reopening') enter(session)
    })
  }

  // Tabs of one browser share the session: signing out in one, or in as someone else, counts for all.
  deps.page.addEventListener('storage', (event) => {
    const current = state.getSnapshot()
    if (current.phase === 'signed-in' && event.key === receiptsName(current.user)) return reopen()
    if (event.key !== sessionName && event.key !== null) return
    const session = event.newValue === null ? undefined : parseSession(event.newValue)
    if (current.phase === 'signed-in' && current.user === session?.user) return
    leave()
    if (session !== undefined) void closed.then(() => enter(session))
  })

  const remembered = loadSession(deps.keep)
  if (remembered !== undefined) enter(remembered)

  return {
    getSnapshot: state.getSnapshot,
    subscribe: state.subscribe,
    signIn: async (user) => {
      const answer = await deps.request(user)
      if (answer.kind !== 'token') return answer
      await closed
      keepSession(deps.keep, answer.session)
      enter(answer.session)
      return undefined
    },
    signOut: async (how) => {
      const current = state.getSnapshot()
      if (how.kind === 'remove' && !how.loses && current.phase === 'signed-in') {
        const count = await current.client.unsent()
        if (count > 0) throw new UnsentWork(count)
      }
      deps.keep.remove(sessionName)
      leave(how.kind === 'remove')
    },
    deleteAccount: async (how) => {
      const current = state.getSnapshot()
      if (current.phase !== 'signed-in') return
      let notice = 'Your account was deleted.'
      try {
        await current.client.deleteAccount(how)
      } catch (error) {
        if (!(error instanceof StillOpen)) throw error
        // On the server all is done.
        notice = `Your account was deleted, but not yet all of what this browser keeps: ${error.message}`
      }
      forget(current)
      if (loadSession(deps.keep)?.user === current.user) deps.keep.remove(sessionName)
      const now = state.getSnapshot()
      // Meanwhile somebody else may have signed in, in another tab.
      if (now.phase === 'signed-in' && now.client !== current.client) return
      refresher?.stop()
      state.set({ phase: 'signed-out', notice })
    },
    setReceipts: (receipts) => {
      const current = state.getSnapshot()
      if (current.phase !== 'signed-in') return
      keepReceipts(deps.keep, current.user, receipts)
      reopen()
    },
  }
}
