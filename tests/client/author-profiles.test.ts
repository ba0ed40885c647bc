// Whose profiles are asked for beside those of members: each once, by a place where they appear.
import { expect, test } from 'vitest'

import type { ChatEvent, ChatMessage, Profile } from '../../client/api.ts'
import { createAuthorProfiles } from '../../client/people/author-profiles.ts'
import { RestFailure } from '../../client/rest-client.ts'
import { createStore } from '../../client/store.ts'
import { messageOf } from '../../shared/chat/message.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { ann, bob, conversationId, message, userId } from '../helpers/client-rows.ts'
import { turn } from '../helpers/when.ts'

function rigOf(answer?: () => Promise<readonly Profile[]>) {
  const known = new Map<UserId, Profile>()
  const asked: (readonly number[])[] = []
  let nowMs = 0
  let looks = 0
  const authorOf = new Map<number, UserId>()
  const messages = createStore<readonly ChatMessage[]>([])
  const conversation = {
    id: conversationId(1),
    info: createStore({
      id: conversationId(1),
      title: null,
      settings: new Map(),
      access: undefined,
      members: [member(ann)],
    }),
    status: createStore({
      connection: { phase: 'live' as const },
      storage: { phase: 'persistent' as const },
      pending: 0,
    }),
    messages,
    events: createStore<readonly ChatEvent[]>([]),
  }
  const authors = createAuthorProfiles(
    {
      isKnown: (user) => (looks++, known.has(user)),
      note: (profiles) => {
        for (const profile of profiles) known.set(profile.user, profile)
      },
      loaded: Promise.resolve(),
    },
    {
      appearing: async (_id, seqs) => {
        asked.push(seqs)
        if (answer !== undefined) return answer()
        return seqs.map((seq) => ({ user: authorOf.get(seq) ?? ann, name: `name ${seq}`, color: null }))
      },
    },
    () => nowMs,
  )
  return {
    asked,
    known,
    authors,
    conversation,
    /** Messages from one seq to another, each by an author of its own when not given. */
    show: async (from: number, to: number, by?: UserId): Promise<number> => {
      looks = 0
      messages.set(
        Array.from({ length: to - from }, (_, index) => {
          const seq = from + index
          const author = authorOf.get(seq) ?? by ?? userId(`user-${seq}`)
          authorOf.set(seq, author)
          const { at: _at, ...said } = { ...messageOf(author, message(seq + 1)), at: 0 }
          return { ...said, own: false, delivery: { state: 'sent' as const, seq, createdAt: 0 } }
        }),
      )
      authors.look(conversation)
      const seen = looks
      for (let round = 0; round < 20; round++) await turn()
      return seen
    },
    later: (ms: number) => void (nowMs += ms),
  }
}

const member = (user: UserId) => ({ user, access: 'writer' as const })

test('[PROFILE1] who is no member is asked for once, so many places in a request, one request at a time', async () => {
  const rig = rigOf()
  const count = 2 * limits.profilePlaces + 10
  await rig.show(0, count)
  expect(rig.asked.map(({ length }) => length)).toEqual([limits.profilePlaces, limits.profilePlaces, 10])
  expect(rig.known.size).toBe(count)
  // Several of one author are one place, members none.
  await rig.show(count, count + 20, bob)
  await rig.show(count, count + 40, ann)
  expect(rig.asked.slice(3)).toEqual([[count + 19]])
})

test('[PROFILE1][VIEW1] what was looked at is not looked at again: older messages, newer ones, another part', async () => {
  const rig = rigOf()
  await rig.show(500, 1000)
  expect(rig.known.size).toBe(limits.profilesPerAnswer)
  expect(await rig.show(500, 1001)).toBeLessThan(3)
  expect(await rig.show(490, 1001)).toBeLessThan(30)
  expect(await rig.show(490, 1001)).toBe(0)
  await rig.show(100, 120)
  expect(rig.known.size).toBe(limits.profilesPerAnswer + 1 + 10 + 20)
  await rig.show(110, 130)
  expect(rig.known.has(userId('user-129'))).toBe(true)
})

test('[PROFILE1] a server that does not answer is asked again after a while, one that refuses is not', async () => {
  let failure: Error = new TypeError('fetch failed')
  const rig = rigOf(() => Promise.reject(failure))
  await rig.show(0, 1)
  await rig.show(0, 2)
  expect(rig.asked).toHaveLength(1)
  rig.later(60_000)
  failure = new RestFailure(404, 'not-found', 'A server of before.')
  await rig.show(0, 2)
  rig.later(60_000)
  await rig.show(0, 2)
  expect(rig.asked).toEqual([[0], [0, 1]])
  rig.authors.close()
  await rig.show(0, 3)
  expect(rig.asked).toHaveLength(2)
})

test('[PROFILE1] who was added or removed in an event counts, and nobody before it is known who the members are', async () => {
  const rig = rigOf()
  const [title, settings, access, id] = [null, new Map(), undefined, rig.conversation.id]
  rig.conversation.info.set({ id, title, settings, access, members: [] })
  rig.conversation.events.set([{ seq: 7, user: ann, timeMs: 0, entry: { kind: 'member', user: bob, access: null } }])
  await rig.show(0, 0)
  expect(rig.asked).toEqual([])
  rig.conversation.info.set({ id, title, settings, access, members: [member(ann)] })
  await rig.show(0, 0)
  expect(rig.asked).toEqual([[7]])
})
