// The list of conversations: what this device knows, what the server says, and which of the two counts.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { type ConversationList, createConversationList } from '../../client/conversation-list.ts'
import type { ClientStorage, ConversationRow } from '../../client/storage/client-storage.ts'
import type { RestConversationItem, RestMessage } from '../../shared/rest.ts'
import { ann, bob, conversationId, conversationRow, messageId, restItem } from '../helpers/client-rows.ts'
import { keepingMemory } from '../helpers/open-rig.ts'

const [one, two, three] = [conversationId(1), conversationId(2), conversationId(3)]
const noteDelayMs = 200

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

interface Rig {
  readonly list: ConversationList
  readonly storage: ClientStorage
  /** How often the list changed. */
  readonly changes: () => number
}

async function start(rows: readonly ConversationRow[] = [], more: Partial<ClientStorage> = {}): Promise<Rig> {
  const storage = { ...keepingMemory(), ...more }
  for (const row of rows) await storage.putConversation(row)
  const list = createConversationList(Promise.resolve(storage), () => 7000)
  await list.loaded
  let changes = 0
  list.store.subscribe(() => changes++)
  return { list, storage, changes: () => changes }
}

function item(number: number, updatedMs: number, more: Partial<RestConversationItem> = {}): RestConversationItem {
  return restItem(conversationId(number), {
    title: `title ${number}`,
    created_at: '1970-01-01T00:00:00.000Z',
    updated_at: new Date(updatedMs).toISOString(),
    last_seq: 0,
    unread: 2,
    mentions: 1,
    ...more,
  })
}

function lastMessage(content: string): RestMessage {
  const time = '1970-01-01T00:00:00.000Z'
  return {
    id: messageId(1),
    conversation_id: one,
    user_id: bob,
    role: 'user',
    content,
    created_at: time,
    written_at: time,
    seq: 0,
    revision: 0,
  }
}

function shown({ list }: Rig): readonly string[] {
  return list.store.getSnapshot().map(({ id }) => id)
}

test('[CLIENT1] what this device kept is there at once, newest activity first', async () => {
  const rig = await start([
    conversationRow(one, { updatedAt: 1000 }),
    conversationRow(two, { updatedAt: 3000, title: 'Harbour', unread: 4, lastMessage: 'Ahoy' }),
    conversationRow(three, { updatedAt: 2000, unregistered: { members: [] } }),
  ])
  expect(shown(rig)).toEqual([two, three, one])
  expect(rig.list.store.getSnapshot()[0]).toEqual({
    id: two,
    title: 'Harbour',
    access: 'owner',
    updatedAt: 3000,
    lastMessage: 'Ahoy',
    unread: 4,
    members: undefined,
    registered: true,
  })
  expect(rig.list.store.getSnapshot()[1]?.registered).toBe(false)
})

test('before the store is open the list is empty, and what is added then is kept', async () => {
  const storage = keepingMemory()
  const list = createConversationList(Promise.resolve(storage), () => 7000)
  expect(list.store.getSnapshot()).toEqual([])
  await list.add(conversationRow(one))
  await list.loaded
  expect(await storage.conversations()).toEqual([conversationRow(one)])
})

test('[CLIENT3] those the server does not know are told apart', async () => {
  const { list } = await start([conversationRow(one), conversationRow(two, { unregistered: { members: [] } })])
  expect(list.registered()).toEqual([one])
  expect(list.unregistered()).toEqual([two])
  await list.change(two, (row) => ({ ...row, unregistered: undefined }))
  expect(list.unregistered()).toEqual([])
  await list.change(three, () => conversationRow(three))
  expect(list.row(three)).toBeUndefined()
})

test('the list of the server is taken over: new ones, changed ones', async () => {
  const members = [{ user: ann, access: 'owner' as const }]
  const rig = await start([conversationRow(one, { updatedAt: 1000, members, unread: 9 })])
  await rig.list.merge(
    [item(1, 5000, { last_message: lastMessage('Ahoy'), title: null }), item(2, 6000)],
    rig.list.moment(),
  )
  expect(shown(rig)).toEqual([two, one])
  expect(rig.list.row(one)).toEqual(
    conversationRow(one, {
      access: 'writer',
      updatedAt: 5000,
      lastMessage: 'Ahoy',
      unread: 2,
      mentions: 1,
      lastSeq: 0,
      lastMessageSeq: 0,
      members,
    }),
  )
  expect(await rig.storage.conversations()).toEqual([rig.list.row(one), rig.list.row(two)])
})

test('what is newer here is pending: its time and its text stay', async () => {
  const { list } = await start([conversationRow(one, { updatedAt: 9000, lastMessage: 'typed offline' })])
  await list.merge([item(1, 5000, { last_message: lastMessage('older') })], list.moment())
  expect(list.row(one)).toMatchObject({ updatedAt: 9000, lastMessage: 'typed offline', title: 'title 1', unread: 2 })
})

test('[UNREAD1] what was read here and is not sent yet does not become unread by what the server lists', async () => {
  const { list } = await start([conversationRow(one, { unread: 0, mentions: 0, readThrough: 9 })])
  await list.merge([item(1, 5000, { read_through: 4, unread: 5, mentions: 2 })], list.moment())
  expect(list.row(one)).toMatchObject({ unread: 0, mentions: 0, readThrough: 9 })
  await list.merge([item(1, 6000, { read_through: 9, unread: 1, mentions: 1 })], list.moment())
  expect(list.row(one)).toMatchObject({ unread: 1, mentions: 1, readThrough: 9 })
  await list.merge([item(1, 7000, { read_through: 12, unread: 0, mentions: 0 })], list.moment())
  expect(list.row(one)).toMatchObject({ unread: 0, mentions: 0, readThrough: 12 })
})

test('[UNREAD1] what the server listed before the newest message came here does not count without it', async () => {
  const { list } = await start([conversationRow(one, { unread: 3, mentions: 1, readThrough: 4, lastSeq: 12 })])
  await list.merge([item(1, 5000, { last_seq: 11, read_through: 4, unread: 2, mentions: 0 })], list.moment())
  expect(list.row(one)).toMatchObject({ unread: 3, mentions: 1, readThrough: 4, lastSeq: 12 })
  await list.merge([item(1, 6000, { last_seq: 12, read_through: 9, unread: 1, mentions: 0 })], list.moment())
  expect(list.row(one)).toMatchObject({ unread: 1, mentions: 0, readThrough: 9, lastSeq: 12 })
})

test('[CLIENT3] what the server lists is registered', async () => {
  const { list } = await start([conversationRow(one, { unregistered: { members: [] } })])
  await list.merge([item(1, 5000)], list.moment())
  expect(list.unregistered()).toEqual([])
})

test('[MEMBER2] those that can no longer be opened stay listed as gone, here and on the device, whatever was noted of them', async () => {
  const rig = await start([conversationRow(one, { unread: 3, mentions: 1 }), conversationRow(two)])
  rig.list.note(one, () => ({ access: 'writer', gone: undefined }))
  const lost = [
    { conversation: one, code: 'no-access' },
    { conversation: two, code: 'deleted' },
    { conversation: three, code: 'deleted' },
  ] as const
  await rig.list.lose(lost)
  await vi.advanceTimersByTimeAsync(noteDelayMs)
  const wanted = [
    { id: one, access: undefined, gone: 'no-access', unread: 0 },
    { id: two, access: undefined, gone: 'deleted', unread: 0 },
  ]
  expect(rig.list.store.getSnapshot()).toMatchObject(wanted)
  expect(rig.changes()).toBe(1)
  // Nothing is new, and that the server has lost it says no more.
  await rig.list.lose([...lost, { conversation: one, code: 'not-found' }])
  expect(rig.changes()).toBe(1)
  expect(rig.list.registered()).toEqual([])
  const again = await start(await rig.storage.conversations())
  expect(again.list.store.getSnapshot()).toMatchObject(wanted)
  // The user is a member once more.
  await again.list.merge([item(1, 5000)], again.list.moment())
  expect(again.list.row(one)).toMatchObject({ access: 'writer', unread: 2 })
  expect(again.list.store.getSnapshot().find(({ id }) => id === one)).not.toHaveProperty('gone')
})

test('those of which nothing is left are not listed, here and on the device, whatever was noted of them', async () => {
  const rig = await start([conversationRow(one), conversationRow(two)])
  rig.list.note(one, () => ({ access: undefined }))
  await rig.list.remove([one, three])
  await vi.advanceTimersByTimeAsync(noteDelayMs)
  expect(shown(rig)).toEqual([two])
  expect((await rig.storage.conversations()).map(({ id }) => id)).toEqual([two])
  expect(rig.changes()).toBe(1)
})

test('[MUX2] the version of a copy is kept and not shown, and stays when the server lists the conversation', async () => {
  const rig = await start([conversationRow(one)])
  const version = { server: 7, records: 3 }
  rig.list.note(one, () => ({ version }))
  await vi.advanceTimersByTimeAsync(noteDelayMs)
  expect(rig.changes()).toBe(0)
  expect(rig.list.row(one)?.version).toEqual(version)
  expect((await rig.storage.conversations())[0]?.version).toEqual(version)
  const puts = vi.spyOn(rig.storage, 'putConversation')
  rig.list.note(one, () => ({ version: { ...version } }))
  await vi.advanceTimersByTimeAsync(noteDelayMs)
  expect(puts).not.toHaveBeenCalled()
  await rig.list.merge([item(1, 5000)], rig.list.moment())
  expect(rig.list.row(one)).toMatchObject({ version, title: 'title 1' })
  expect(Object.keys(rig.list.store.getSnapshot()[0] ?? {})).not.toContain('version')
})

test('[FORK2] what the server has merely lost stays listed, and what is about to be registered as it is', async () => {
  const unregistered = { members: [] }
  const rig = await start([conversationRow(one), conversationRow(two, { unregistered })])
  await rig.list.lose([one, two].map((conversation) => ({ conversation, code: 'not-found' as const })))
  expect(rig.list.row(one)).toEqual(conversationRow(one, { access: undefined }))
  expect(rig.list.row(two)).toEqual(conversationRow(two, { unregistered }))
  // It is not asked for any more.
  expect(rig.list.registered()).toEqual([])
})

test('notes are taken a moment later, once for many, with what is true then', async () => {
  const rig = await start([conversationRow(one)])
  const puts = vi.spyOn(rig.storage, 'putConversation')
  const summary = vi.fn<() => Partial<ConversationRow>>(() => ({ lastMessage: 'third' }))
  rig.list.note(one, () => ({ lastMessage: 'first' }))
  await vi.advanceTimersByTimeAsync(noteDelayMs - 1)
  rig.list.note(one, summary)
  expect(rig.changes()).toBe(0)
  expect(summary).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  expect(rig.list.row(one)?.lastMessage).toBe('third')
  expect(summary).toHaveBeenCalledTimes(1)
  expect(rig.changes()).toBe(1)
  expect(puts).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(10 * noteDelayMs)
  expect(puts).toHaveBeenCalledTimes(1)
})

test('a note that tells nothing new changes nothing', async () => {
  const members = [{ user: ann, access: 'owner' as const }]
  const rig = await start([conversationRow(one, { title: 'Harbour', members })])
  const puts = vi.spyOn(rig.storage, 'putConversation')
  rig.list.note(one, () => ({ title: 'Harbour', members: [...members], updatedAt: 1000 }))
  await vi.advanceTimersByTimeAsync(noteDelayMs)
  expect(rig.changes()).toBe(0)
  expect(puts).not.toHaveBeenCalled()
  rig.list.note(one, () => ({ members: [] }))
  await vi.advanceTimersByTimeAsync(noteDelayMs)
  expect(rig.changes()).toBe(1)
})

test('a note of a conversation that is not listed lists it, unless one is no member of it', async () => {
  const rig = await start()
  rig.list.note(one, () => ({ title: 'Harbour', access: 'reader' }))
  rig.list.note(two, () => ({ title: 'Elsewhere' }))
  await vi.advanceTimersByTimeAsync(noteDelayMs)
  expect(rig.list.row(one)).toEqual(conversationRow(one, { title: 'Harbour', access: 'reader', updatedAt: 7000 }))
  expect(rig.list.row(two)).toBeUndefined()
})

test('flushed takes the notes that wait and resolves when all is kept', async () => {
  const rig = await start([conversationRow(one)])
  rig.list.note(one, () => ({ unread: 5 }))
  await rig.list.flushed()
  expect(await rig.storage.conversations()).toEqual([conversationRow(one, { unread: 5 })])
  expect(vi.getTimerCount()).toBe(0)
})

test('[OUTBOX3] a list that cannot be kept is still shown', async () => {
  const putConversation = (): Promise<void> => Promise.reject(new Error('the disk is full'))
  const rig = await start([], { putConversation })
  await expect(rig.list.add(conversationRow(one))).rejects.toThrow('the disk is full')
  rig.list.note(two, () => ({ access: 'writer' }))
  await vi.advanceTimersByTimeAsync(noteDelayMs)
  expect(shown(rig)).toEqual([two, one])
  await rig.list.flushed()
})

test('[OUTBOX3] a store that does not open fails who waits for it, and nobody else', async () => {
  const list = createConversationList(Promise.reject(new Error('locked')), () => 7000)
  await expect(list.loaded).rejects.toThrow('locked')
  await expect(list.add(conversationRow(one))).rejects.toThrow('locked')
  list.note(two, () => ({ access: 'writer' }))
  await list.flushed()
  expect(list.store.getSnapshot().map(({ id }) => id)).toEqual([two, one])
})
