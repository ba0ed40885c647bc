// What the web chat makes of private state: the order of the list, and drafts that this browser keeps until the SDK has them.
import { expect, test } from 'vitest'

import type { Draft, Personal, PersonalState, PersonalStatus } from '../../../client/api.ts'
import { createStore } from '../../../client/store.ts'
import { arrangeList } from '../../../client/web/arrange-list.ts'
import { createDrafts } from '../../../client/web/drafts.ts'
import type { Keep } from '../../../client/web/keep.ts'
import { ann, conversationId, messageId } from '../../helpers/client-rows.ts'
import { deferred } from '../../helpers/when.ts'

const nothing: PersonalState = { muted: false, hidden: false, favourite: false, markedUnread: false, draft: null }

test('[PERSONAL1] favourites come first, and what is hidden stands apart', () => {
  const line = (number: number) => ({
    id: conversationId(number),
    title: null,
    access: 'owner' as const,
    updatedAt: -number,
    lastMessage: null,
    unread: 0,
    members: undefined,
    registered: true,
  })
  const states = new Map([
    [conversationId(2), { ...nothing, hidden: true, favourite: true }],
    [conversationId(3), { ...nothing, favourite: true }],
    [conversationId(4), { ...nothing, muted: true }],
  ])
  const { shown, hidden } = arrangeList([1, 2, 3, 4].map(line), states)
  expect([shown, hidden].map((lines) => lines.map(({ updatedAt }) => -updatedAt))).toEqual([[3, 1, 4], [2]])
})

function start(kept: Record<string, string> = {}) {
  const texts = new Map(Object.entries(kept))
  const keep: Keep = {
    get: (name) => texts.get(name),
    set: (name, text) => texts.set(name, text).size > 0,
    remove: (name) => void texts.delete(name),
    names: (prefix) => [...texts.keys()].filter((name) => name.startsWith(prefix)),
  }
  const store = createStore<Draft | null>(null)
  const status = createStore<PersonalStatus>({ phase: 'opening' })
  const written = deferred()
  const personal: Pick<Personal, 'draft' | 'setDraft' | 'status'> = {
    status,
    draft: () => store,
    setDraft: (_id, draft) => {
      if ((draft?.content.length ?? 0) > 100) throw new TypeError('too large')
      store.set(draft)
      return written.promise
    },
  }
  // Of a client only these are used.
  return { drafts: createDrafts(keep, ann, personal as Personal), texts, store, status, written }
}

test('[DRAFT1] this browser keeps what was typed until the SDK has it on a medium, and what is too large for that', async () => {
  const id = conversationId(1)
  const { drafts, texts, store, status, written } = start({ [`parley.draft.ann/${id}`]: 'of an earlier page' })
  const draft = drafts.at(id)
  store.set({ content: 'of another device', replyTo: messageId(1), mentions: [ann] })
  expect(draft.get()).toBe('of an earlier page')
  draft.takeLeft()
  expect(store.getSnapshot()).toEqual({ content: 'of an earlier page', replyTo: messageId(1), mentions: [ann] })
  draft.set('typed')
  draft.setReply(undefined)
  expect(store.getSnapshot()).toEqual({ content: 'typed', mentions: [ann] })
  expect([...texts.values()]).toEqual(['typed'])
  status.set({ phase: 'open', connection: { phase: 'live' }, storage: { phase: 'persistent' }, refused: [] })
  written.resolve()
  await written.promise
  await Promise.resolve()
  expect([...texts.values()]).toEqual([])
  expect(draft.get()).toBe('typed')
  draft.set('x'.repeat(101))
  expect(draft.get()).toBe('x'.repeat(101))
})

test('[DRAFT1] what is begun in a thread is kept beside what is begun in its conversation', () => {
  const id = conversationId(1)
  const { drafts, texts } = start()
  drafts.at(id).set('to all')
  drafts.at(id, messageId(7)).set('in the thread')
  expect(Object.fromEntries(texts)).toEqual({
    [`parley.draft.ann/${id}`]: 'to all',
    [`parley.draft.ann/${id}/${messageId(7)}`]: 'in the thread',
  })
  expect([drafts.at(id).get(), drafts.at(id, messageId(7)).get()]).toEqual(['to all', 'in the thread'])
  drafts.clear()
  expect(texts.size).toBe(0)
})
