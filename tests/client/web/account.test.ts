// Who uses the page, with a client of the test's and tabs that share a storage.
import { expect, test, vi } from 'vitest'

import type { ChatClient, PresenceMode } from '../../../client/api.ts'
import { createStore } from '../../../client/store.ts'
import { createAccount } from '../../../client/web/account.ts'
import type { Keep } from '../../../client/web/keep.ts'
import { sessionName } from '../../../client/web/session.ts'
import { deferred } from '../../helpers/when.ts'

function sessionOf(user: string): string {
  return JSON.stringify({ user, token: 'a.token', expires_at: '2100-01-01T00:00:00Z' })
}

/** A page on which `user` is signed in. */
function start(user: string) {
  const texts = new Map([[sessionName, sessionOf(user)]])
  const keep: Keep = {
    get: (name) => texts.get(name),
    set: (name, text) => texts.set(name, text).size > 0,
    remove: (name) => void texts.delete(name),
    names: (prefix) => [...texts.keys()].filter((name) => name.startsWith(prefix)),
  }
  const deletion = deferred()
  /** Whose clients are watched by the page. */
  const refreshed: string[] = []
  const createClient = (who: string): ChatClient =>
    // Of a client only these are used.
    ({
      presence: createStore<PresenceMode>('typing'),
      setPresence: () => undefined,
      personal: {},
      removed: createStore([]),
      refresh: async () => void refreshed.push(who),
      signOut: async () => undefined,
      close: async () => undefined,
      deleteAccount: () => deletion.promise,
    }) as unknown as ChatClient
  let tellOfStorage = (_event: { readonly key: string; readonly newValue: string }): void => undefined
  let tick = (): void => undefined
  const page = {
    addEventListener: (type: string, listener: typeof tellOfStorage) => {
      if (type === 'storage') tellOfStorage = listener
    },
    setInterval: (job: () => void) => {
      tick = job
      return 1
    },
    clearInterval: () => undefined,
    document: { visibilityState: 'visible', addEventListener: () => undefined },
  } as unknown as Window
  const account = createAccount({
    keep,
    page,
    now: () => 0,
    request: async () => ({ kind: 'unreachable' }),
    createClient,
  })
  return {
    account,
    texts,
    refreshed,
    deletion,
    tick: () => tick(),
    signInElsewhere: (other: string) => {
      texts.set(sessionName, sessionOf(other))
      tellOfStorage({ key: sessionName, newValue: sessionOf(other) })
    },
  }
}

test('[ACCOUNT2][WIPE1] whoever deletes their account is signed out, and nothing of them is remembered', async () => {
  const { account, texts, deletion } = start('ann')
  expect(account.getSnapshot()).toMatchObject({ phase: 'signed-in', user: 'ann' })
  deletion.resolve()
  await account.deleteAccount({ messages: 'keep' })
  expect(account.getSnapshot()).toEqual({ phase: 'signed-out', notice: 'Your account was deleted.' })
  expect(texts.size).toBe(0)
})

test('[ACCOUNT2][WIPE1] the end of a deletion does not sign out whoever has signed in meanwhile, in another tab', async () => {
  const { account, texts, refreshed, deletion, tick, signInElsewhere } = start('ann')
  const deleting = account.deleteAccount({ messages: 'keep' })
  texts.set('parley.draft.ann/1', 'typed')
  signInElsewhere('bob')
  await vi.waitFor(() => expect(account.getSnapshot()).toMatchObject({ phase: 'signed-in', user: 'bob' }))
  deletion.resolve()
  await deleting
  expect(account.getSnapshot()).toMatchObject({ phase: 'signed-in', user: 'bob' })
  expect([...texts]).toEqual([[sessionName, sessionOf('bob')]])
  // And their list is still kept fresh.
  refreshed.length = 0
  tick()
  expect(refreshed).toEqual(['bob'])
})
