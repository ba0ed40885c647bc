/**
 * Asks for the profiles of the members of open conversations: a request for a conversation, one at a time, when there is
 * somebody of whom nothing is known, or when something happens in one that somebody looks at and what is known is old.
 */

import { limits } from '../../shared/limits.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import type { ConversationInfo } from '../api.ts'
import type { OpenConversation } from '../open-conversation.ts'
import type { KnownProfiles } from './known-profiles.ts'
import type { PeopleRest } from './people-rest.ts'

type Watched = Pick<OpenConversation, 'id' | 'info' | 'status' | 'unsent'>

export interface ProfileRefresh {
  /** Something of it may have changed. `isShown`: it is open for more than to be brought up to date. */
  readonly look: (conversation: Watched, isShown: boolean) => void
  readonly close: () => void
}

interface Look {
  readonly conversation: Watched
  readonly isShown: boolean
}

interface Asked {
  readonly atMs: number
  readonly members: ConversationInfo['members']
  /** The server did not know of all that was done here yet. */
  readonly isEarly: boolean
}

/** `uptime` is in ms, of a clock that nobody sets. */
export function createProfileRefresh(
  known: Pick<KnownProfiles, 'isKnown' | 'note' | 'loaded'>,
  rest: Pick<PeopleRest, 'members'>,
  uptime: () => number,
): ProfileRefresh {
  const asked = new Map<ConversationId, Asked>()
  /** With the last look at each. */
  const waiting = new Map<ConversationId, Look>()
  let isBusy = false
  let isClosed = false

  function isWanted({ id, info, unsent }: Watched, isShown: boolean): boolean {
    const { members } = info.getSnapshot()
    if (members.length === 0) return false
    const last = asked.get(id)
    const isOld = last !== undefined && uptime() - last.atMs >= limits.profilesFreshMs
    if (isShown && (last === undefined || isOld)) return true
    const isOther = last === undefined || isOld || last.members !== members || (last.isEarly && unsent === 0)
    return isOther && members.some(({ user }) => !known.isKnown(user))
  }

  async function run(): Promise<void> {
    // What is asked for now need not be asked for again when it turns out to be kept here.
    await known.loaded.catch(() => undefined)
    for (const [id] of waiting) {
      if (isClosed) break
      // An answer that does not come is asked for again when something happens there, a while later.
      const members = await rest.members(id).catch(() => [])
      const last = waiting.get(id)
      waiting.delete(id)
      if (isClosed) break
      known.note(members)
      // What happened meanwhile may not be in the answer.
      if (last !== undefined) look(last)
    }
  }

  function look({ conversation, isShown }: Look): void {
    const { id, info, status, unsent } = conversation
    if (isClosed || status.getSnapshot().connection.phase !== 'live') return
    if (!waiting.has(id)) {
      if (!isWanted(conversation, isShown)) return
      asked.set(id, { atMs: uptime(), members: info.getSnapshot().members, isEarly: unsent > 0 })
    }
    waiting.set(id, { conversation, isShown })
    if (isBusy) return
    isBusy = true
    void run().finally(() => {
      isBusy = false
    })
  }

  return {
    look: (conversation, isShown) => look({ conversation, isShown }),
    close: () => {
      isClosed = true
    },
  }
}
