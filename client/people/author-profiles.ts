/**
 * Asks for the profiles of people who appear in open conversations and are no members: those who have left, of whom
 * `profile-refresh` is not told. Of each it is asked once, by a place where they appear, several in a request, one request at
 * a time. It looks at what was not shown before, so that one more message costs one more look (SPEC VIEW1).
 */

import { peopleInEvent, peopleInMessage } from '../../shared/chat/people-in.ts'
import { limits } from '../../shared/limits.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import type { OpenConversation } from '../open-conversation.ts'
import { RestFailure } from '../rest-client.ts'
import type { KnownProfiles } from './known-profiles.ts'
import type { PeopleRest } from './people-rest.ts'

type Watched = Pick<OpenConversation, 'id' | 'info' | 'status' | 'messages' | 'events'>

export interface AuthorProfiles {
  /** Something of it may have changed. */
  readonly look: (conversation: Watched) => void
  readonly close: () => void
}

/** After the server did not answer. */
const retryMs = 30_000

/** Seqs that were looked at, both ends included. */
interface Span {
  readonly first: number
  readonly last: number
}

interface Looked {
  messages: Span | undefined
  events: Span | undefined
  /** With a seq where they appear. */
  readonly wanted: Map<UserId, number>
  retryAtMs: number
}

/** `uptime` is in ms, of a clock that nobody sets. */
export function createAuthorProfiles(
  known: Pick<KnownProfiles, 'isKnown' | 'note' | 'loaded'>,
  rest: Pick<PeopleRest, 'appearing'>,
  uptime: () => number,
): AuthorProfiles {
  const looked = new Map<ConversationId, Looked>()
  const waiting = new Set<ConversationId>()
  let isBusy = false
  let isClosed = false

  function lookedOf(id: ConversationId): Looked {
    const before = looked.get(id) ?? { messages: undefined, events: undefined, wanted: new Map(), retryAtMs: 0 }
    looked.set(id, before)
    return before
  }

  function collect({ info, messages, events }: Watched, state: Looked): void {
    let members: ReadonlySet<UserId> | undefined
    const isMember = (user: UserId): boolean => {
      members ??= new Set(info.getSnapshot().members.map((member) => member.user))
      return members.has(user)
    }
    const want = (user: UserId, seq: number): void => {
      if (state.wanted.size >= limits.profilesPerAnswer || state.wanted.has(user)) return
      if (!known.isKnown(user) && !isMember(user)) state.wanted.set(user, seq)
    }
    state.messages = lookAtNew(messages.getSnapshot(), placeOfMessage, state.messages, (message, seq) => {
      for (const user of peopleInMessage(message)) want(user, seq)
    })
    state.events = lookAtNew(events.getSnapshot(), placeOfEvent, state.events, (event, seq) => {
      for (const user of peopleInEvent(event)) want(user, seq)
    })
  }

  async function ask(id: ConversationId, { wanted }: Looked): Promise<void> {
    for (const user of wanted.keys()) if (known.isKnown(user)) wanted.delete(user)
    while (wanted.size > 0 && !isClosed) {
      const asked = [...wanted].slice(0, limits.profilePlaces)
      const profiles = await rest.appearing(id, [...new Set(asked.map(([, seq]) => seq))])
      if (isClosed) return
      known.note(profiles)
      // Whoever is not told of is not asked for again.
      for (const { user } of profiles) wanted.delete(user)
      for (const [user] of asked) wanted.delete(user)
    }
  }

  async function run(): Promise<void> {
    // What is asked for now need not be asked for again when it turns out to be kept here.
    await known.loaded.catch(() => undefined)
    for (const id of waiting) {
      if (isClosed) break
      const state = lookedOf(id)
      try {
        await ask(id, state)
      } catch (error) {
        if (error instanceof RestFailure && error.isPermanent) state.wanted.clear()
        state.retryAtMs = uptime() + retryMs
      }
      waiting.delete(id)
    }
  }

  function proceed(): void {
    if (isBusy || isClosed || waiting.size === 0) return
    isBusy = true
    void run().finally(() => {
      isBusy = false
      proceed()
    })
  }

  return {
    look: (conversation) => {
      const { id, info, status } = conversation
      // Without members nobody knows who has left.
      const isReady = status.getSnapshot().connection.phase === 'live' && info.getSnapshot().members.length > 0
      if (isClosed || !isReady) return
      const state = lookedOf(id)
      collect(conversation, state)
      if (state.wanted.size === 0 || uptime() < state.retryAtMs) return
      waiting.add(id)
      proceed()
    },
    close: () => {
      isClosed = true
    },
  }
}

/**
 * Looks at what stands before and behind what was looked at last, from both ends of a list by ascending seq without gaps; at all of
 * it where the two do not meet. What has no seq yet is pending, and own.
 */
function lookAtNew<T>(
  list: readonly T[],
  placeOf: (item: T) => number | undefined,
  before: Span | undefined,
  look: (item: T, seq: number) => void,
): Span | undefined {
  let first: number | undefined
  let last: number | undefined
  for (const item of list) {
    const seq = placeOf(item)
    if (seq === undefined) continue
    first ??= seq
    if (before !== undefined && seq >= before.first) break
    look(item, seq)
  }
  for (let at = list.length - 1; at >= 0; at--) {
    const item = list[at]
    const seq = item === undefined ? undefined : placeOf(item)
    if (item === undefined || seq === undefined) continue
    last ??= seq
    if (before === undefined || seq <= before.last) break
    look(item, seq)
  }
  return first === undefined || last === undefined ? before : { first, last }
}

function placeOfMessage({ delivery }: ReturnType<Watched['messages']['getSnapshot']>[number]): number | undefined {
  return 'seq' in delivery ? delivery.seq : undefined
}

function placeOfEvent({ seq }: ReturnType<Watched['events']['getSnapshot']>[number]): number | undefined {
  return seq
}
