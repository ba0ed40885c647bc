/** Sends what was chosen of the own profile, whenever that can be: one request at a time, again after a while. */

import type { ProfileChange } from '../../shared/chat/profile.ts'
import { RestFailure } from '../rest-client.ts'
import { createBackoff } from '../sync/backoff.ts'
import type { ReadableStore } from '../api.ts'
import { createStore } from '../store.ts'
import type { KnownProfiles } from './known-profiles.ts'
import type { ProfileStatus } from './people-api.ts'
import type { PeopleRest } from './people-rest.ts'

export interface OwnProfile {
  readonly status: ReadableStore<ProfileStatus>
  /** Something was chosen. */
  readonly noteChoice: () => void
  /** There may be a connection, or something to send. */
  readonly proceed: () => void
  readonly close: () => void
}

export function createOwnProfile(
  known: KnownProfiles,
  rest: Pick<PeopleRest, 'me' | 'changeMe'>,
  isConnected: () => boolean,
): OwnProfile {
  const backoff = createBackoff(Math.random)
  const status = createStore<ProfileStatus>({ phase: 'sent' })
  let refused: Extract<ProfileStatus, { phase: 'refused' }> | undefined
  let isBusy = false
  let isClosed = false
  /** Asked for once: afterwards it comes with the members of conversations. */
  let wasAsked = false
  let timer: ReturnType<typeof setTimeout> | undefined

  function showStatus(): void {
    const now: ProfileStatus = known.unsent() === undefined ? (refused ?? { phase: 'sent' }) : { phase: 'pending' }
    if (now !== refused && now.phase === status.getSnapshot().phase) return
    if (now !== status.getSnapshot()) status.set(now)
  }

  function proceed(): void {
    showStatus()
    if (isBusy || isClosed || timer !== undefined || !isConnected()) return
    isBusy = true
    void sendAll()
      .then(backoff.reset, () => {
        if (isClosed) return
        timer = setTimeout(() => {
          timer = undefined
          proceed()
        }, backoff.next())
      })
      .finally(() => {
        isBusy = false
        // Chosen while the server was asked for something else.
        if (known.unsent() !== undefined) proceed()
      })
  }

  async function sendAll(): Promise<void> {
    await known.loaded
    for (let change = known.unsent(); change !== undefined && !isClosed; change = known.unsent()) {
      await send(change)
      wasAsked = true
    }
    if (wasAsked || isClosed) return
    const mine = await rest.me().catch(undefinedIfRefused)
    if (mine !== undefined) known.note([mine])
    wasAsked = true
  }

  async function send(change: ProfileChange): Promise<void> {
    try {
      const answer = await rest.changeMe(change)
      known.note([answer])
    } catch (error) {
      if (!(error instanceof RestFailure && error.isPermanent)) throw error
      refused = { phase: 'refused', change, code: error.code, reason: error.message }
    }
    const kept = known.setUnsent(without(known.unsent(), change))
    showStatus()
    // A row that cannot be kept is sent once more after the next start, and changes nothing then.
    await kept.catch(() => undefined)
  }

  // What an earlier run has left.
  known.loaded.then(showStatus, () => undefined)

  return {
    status,
    proceed,
    noteChoice: () => {
      refused = undefined
      showStatus()
    },
    close: () => {
      isClosed = true
      clearTimeout(timer)
    },
  }
}

/** A server that knows no profiles will not learn of them while this client runs. */
function undefinedIfRefused(error: unknown): undefined {
  if (!(error instanceof RestFailure && error.isPermanent)) throw error
}

/** What was chosen while `sent` was on its way. */
function without(now: ProfileChange | undefined, sent: ProfileChange): ProfileChange | undefined {
  const left = Object.entries(now ?? {}).filter(([field, value]) => Reflect.get(sent, field) !== value)
  return left.length === 0 ? undefined : Object.fromEntries(left)
}
