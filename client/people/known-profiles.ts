/** The profiles that this device knows: kept rows, each a store for those who show it. Knows no network. */

import type { Profile, ProfileChange } from '../../shared/chat/profile.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import type { ReadableStore } from '../api.ts'
import type { ClientStorage } from '../storage/client-storage.ts'
import { createStore, type Store } from '../store.ts'

export interface KnownProfiles {
  /** Resolves when the kept ones are among them. */
  readonly loaded: Promise<void>
  readonly get: (user: UserId) => ReadableStore<Profile | undefined>
  readonly mine: ReadableStore<Profile>
  /** Whether the server has told of this user, be it that nothing was chosen. */
  readonly isKnown: (user: UserId) => boolean
  readonly all: () => Iterable<Profile>
  /** What the server has told. */
  readonly note: (profiles: readonly Profile[]) => void
  /** What of the own profile the server has still to be told. */
  readonly unsent: () => ProfileChange | undefined
  /** Replaces it, and shows it; resolves when it is kept. */
  readonly setUnsent: (change: ProfileChange | undefined) => Promise<void>
  /** Another tab that has ended may have left something: resolves when it is among what is unsent. */
  readonly takeLeft: () => Promise<void>
  /** Resolves when everything so far is kept, or could not be. */
  readonly flushed: () => Promise<void>
}

export function createKnownProfiles(opening: Promise<ClientStorage>, self: UserId): KnownProfiles {
  const told = new Map<UserId, Profile>()
  const stores = new Map<UserId, Store<Profile | undefined>>()
  const mine = createStore<Profile>({ user: self, name: null, color: null })
  let unsent: ProfileChange | undefined
  let written: Promise<unknown> = Promise.resolve()

  const loaded = opening.then(async (storage) => {
    const [kept, choice] = await Promise.all([storage.profiles(), storage.ownChoice()])
    take(choice)
    for (const profile of kept) {
      // What the server has told meanwhile is newer.
      if (!told.has(profile.user)) told.set(profile.user, profile)
      show(profile.user)
    }
  })
  // Without a storage there is nothing to be known from before.
  loaded.catch(() => undefined)

  function shown(user: UserId): Profile | undefined {
    const profile = told.get(user)
    if (user !== self) return profile
    const { name = null, color = null } = { ...profile, ...unsent }
    return { user, name, color }
  }

  function show(user: UserId): void {
    const profile = shown(user)
    if (user === self && profile !== undefined && !isSame(mine.getSnapshot(), profile)) mine.set(profile)
    const store = stores.get(user)
    if (store !== undefined && !isSame(store.getSnapshot(), profile)) store.set(profile)
  }

  /** What was kept here, by this tab or another; what was chosen since is newer. */
  function take(choice: ProfileChange | undefined): void {
    if (choice === undefined) return
    unsent = { ...choice, ...unsent }
    show(self)
  }

  function write(job: (storage: ClientStorage) => Promise<void>): Promise<void> {
    const done = opening.then(job)
    written = Promise.allSettled([written, done])
    return done
  }

  return {
    loaded,
    mine,
    get: (user) => {
      const store = stores.get(user) ?? createStore(shown(user))
      stores.set(user, store)
      return store
    },
    isKnown: (user) => told.has(user),
    all: () => [...told.keys()].flatMap((user) => shown(user) ?? []),
    note: (profiles) => {
      const changed = profiles.filter((profile) => !isSame(told.get(profile.user), profile))
      for (const profile of changed) {
        told.set(profile.user, profile)
        show(profile.user)
      }
      // What cannot be kept is asked for again after the next start.
      if (changed.length > 0) write((storage) => storage.putProfiles(changed)).catch(() => undefined)
    },
    unsent: () => unsent,
    setUnsent: async (change) => {
      unsent = change
      show(self)
      // Or what was kept from before would be lost.
      await loaded.catch(() => undefined)
      await write((storage) => storage.putOwnChoice(change === undefined ? undefined : unsent))
    },
    takeLeft: async () => {
      await loaded
      // A choice of this tab may be on its way to the medium, or being taken from it.
      await written
      if (unsent === undefined) take(await (await opening).ownChoice())
    },
    flushed: async () => void (await written),
  }
}

function isSame(a: Profile | undefined, b: Profile | undefined): boolean {
  return a?.user === b?.user && a?.name === b?.name && a?.color === b?.color
}
