// Whoever is removed keeps what they had, to read, unless the conversation says that nothing of it stays.
import { expect, test, vi } from 'vitest'

// Loaded now: the clocks of these tests do not wait for it.
import '../../client/search/search-index.ts'
import type { ClientStorage } from '../../client/storage/client-storage.ts'
import type { KnownEntry } from '../../shared/chat/entry.ts'
import type { FaultCode } from '../../shared/fault.ts'
import type { ClientRig } from '../helpers/client-rig.ts'
import { conversationId } from '../helpers/client-rows.ts'
import { keepingMemory } from '../helpers/open-rig.ts'
import { left as leftOn, nothing, one, startRemovalRig, title, wipe } from '../helpers/removal-rig.ts'
import { timedClients } from './timed-clients.ts'

const { start, settle } = timedClients()

function startOn(storage: ClientStorage, settings: readonly KnownEntry[]): Promise<ClientRig> {
  return startRemovalRig({ start, settle, storage, settings })
}

function startWith(...settings: readonly KnownEntry[]): Promise<ClientRig> {
  return startOn(keepingMemory(), settings)
}

const left = (rig: ClientRig): ReturnType<typeof leftOn> => leftOn(rig, settle)

test('[WIPE2] removed while it is open, all of it goes, and what was never sent is offered once', async () => {
  const rig = await startWith(title, wipe)
  const conversation = await rig.client.open(one)
  await settle()
  expect(await left(rig)).toMatchObject({ window: 10, pages: 10, lines: 1, found: 20 })
  rig.isOffline = true
  conversation.send('typed on the train')
  await settle()
  expect(await left(rig)).toMatchObject({ outbox: 1, found: 20 })
  rig.sync.remove(one, 'no-access', true)
  rig.isOffline = false
  await settle(120_000)
  expect(await left(rig)).toEqual(nothing)
  expect(conversation.messages.getSnapshot()).toEqual([])
  const [removed] = rig.client.removed.getSnapshot()
  expect(removed).toMatchObject({ id: one, title: 'Plans', unsent: [{ content: 'typed on the train' }] })
  rig.client.dismissRemoved(one)
  expect(rig.client.removed.getSnapshot()).toEqual([])
})

test.each(['no-access', 'deleted'] as const)('[WIPE2] %s: one that is not open goes too, at once', async (code) => {
  const rig = await startWith(title, wipe)
  expect(await left(rig)).toMatchObject({ window: 10, pages: 10, lines: 1, found: 20 })
  rig.sync.remove(one, code, true)
  await settle()
  expect(await left(rig)).toEqual(nothing)
  expect(rig.client.removed.getSnapshot()).toEqual([{ id: one, title: 'Plans', unsent: [] }])
})

test('[WIPE2] set while the device was away, it goes when the server says so at the next connection', async () => {
  const rig = await startWith(title)
  rig.sync.last().say({ type: 'activity', moved: [], gone: [{ conversation: one, code: 'no-access', wipe: true }] })
  await settle()
  expect(await left(rig)).toEqual(nothing)
})

test.each<readonly [string, readonly KnownEntry[], FaultCode]>([
  ['without the setting', [title], 'no-access'],
  ['of one that is taken back', [wipe, { kind: 'set', key: 'wipe', value: false }], 'no-access'],
  ['where the server has merely lost it', [title, wipe], 'not-found'],
])('[WIPE2][MEMBER1] %s, what the device has stays, and is read', async (_when, settings, code) => {
  const rig = await startWith(...settings)
  const conversation = await rig.client.open(one)
  await settle()
  rig.sync.remove(one, code)
  await settle()
  expect(await left(rig)).toMatchObject({ window: 10, pages: 10 })
  expect(conversation.messages.getSnapshot().length).toBeGreaterThanOrEqual(10)
  expect(rig.client.removed.getSnapshot()).toEqual([])
  await conversation.close()
  const again = await rig.client.open(one)
  expect(again.messages.getSnapshot().length).toBeGreaterThanOrEqual(10)
})

test('[MEMBER2] removed, it is listed, found and read without a server too, and not written to; forgotten, nothing is left', async () => {
  const rig = await startWith(title)
  rig.sync.remove(one)
  await settle()
  await rig.client.close()
  const later = start({ storage: rig.storage, isOffline: true })
  later.client.search.prepare()
  await settle()
  const [line] = later.client.conversations.getSnapshot()
  expect(line).toMatchObject({ id: one, title: 'Plans', access: undefined, gone: 'no-access', unread: 0 })
  expect(await left(later)).toMatchObject({ window: 10, pages: 10, lines: 1, listed: 1, found: 20 })
  const conversation = await later.client.open(one)
  expect(conversation.info.getSnapshot()).toMatchObject({ title: 'Plans', access: undefined, gone: 'no-access' })
  expect(conversation.info.getSnapshot().members.map(({ user }) => user)).not.toContain('ann')
  expect(conversation.messages.getSnapshot().length).toBeGreaterThanOrEqual(10)
  const id = conversation.send('too late')
  expect(conversation.message(id).getSnapshot()?.delivery).toEqual({ state: 'failed', reason: 'access' })
  await later.client.forget(one)
  expect(await left(later)).toEqual(nothing)
  expect(conversation.messages.getSnapshot()).toEqual([])
  expect(later.client.removed.getSnapshot()).toEqual([])
})

test('[MEMBER2] whoever is added again has an ordinary conversation', async () => {
  const rig = await startWith(title)
  rig.sync.remove(one)
  await settle()
  await rig.client.close()
  const servers = new Map([[String(one), rig.server(one)]])
  const later = start({ storage: rig.storage, servers })
  const conversation = await later.client.open(one)
  expect(conversation.info.getSnapshot()).toMatchObject({ access: undefined, gone: 'no-access' })
  await settle()
  expect(conversation.info.getSnapshot().access).toBe('owner')
  expect(conversation.info.getSnapshot()).not.toHaveProperty('gone')
  expect(later.client.conversations.getSnapshot()).toMatchObject([{ id: one, access: 'owner' }])
  expect(later.client.conversations.getSnapshot()[0]).not.toHaveProperty('gone')
})

/** The server says of it alone what became of it, when it is asked. */
function refuse(rig: ClientRig): void {
  rig.listed.splice(0)
  rig.lost.set(one, 'no-access')
}

const gone = { conversation: one, code: 'no-access' } as const

test('[WIPE2] where the server tells of the removal and not of a wipe, what the device knew does not count any more', async () => {
  const rig = await startWith(title, wipe)
  const conversation = await rig.client.open(one)
  await settle()
  refuse(rig)
  rig.sync.last().say({ type: 'activity', moved: [], gone: [gone] })
  await settle()
  rig.sync.remove(one)
  await settle()
  await rig.client.refresh()
  await settle()
  expect(await left(rig)).toMatchObject({ window: 10, pages: 10 })
  expect(conversation.messages.getSnapshot().length).toBeGreaterThanOrEqual(10)
  expect(rig.client.removed.getSnapshot()).toEqual([])
})

test.each<true | undefined>([true, undefined])(
  '[WIPE2] a list that comes first waits for what the socket tells: %s',
  async (told) => {
    const rig = await startWith(title, wipe)
    rig.isOffline = true
    await settle()
    rig.sync.remove(one, 'no-access', told)
    refuse(rig)
    rig.isOffline = false
    // The socket comes back later.
    await rig.client.refresh()
    await settle(0)
    expect(rig.asked.length).toBeGreaterThan(0)
    expect((await rig.storage.pages.facts(one)).messages).toBe(10)
    await settle(120_000)
    expect(await left(rig)).toMatchObject(told === true ? nothing : { window: 10, pages: 10, listed: 1 })
  },
)

test('[WIPE2] an edit that was never sent is offered too, and a message as it was edited last', async () => {
  const rig = await startWith(wipe)
  const conversation = await rig.client.open(one)
  await settle()
  rig.isOffline = true
  const [sent] = conversation.messages.getSnapshot()
  if (sent === undefined) throw new Error('there is no message')
  const unsent = conversation.send({ content: 'first', replyTo: sent.id })
  await settle(10)
  conversation.edit(unsent, 'then')
  conversation.edit(sent.id, 'better')
  const takenBack = conversation.send('not meant')
  conversation.redact(takenBack)
  await settle()
  rig.sync.remove(one, 'no-access', true)
  rig.isOffline = false
  await settle(120_000)
  const [removed] = rig.client.removed.getSnapshot()
  expect(removed?.unsent).toEqual([{ content: 'then', role: 'user', replyTo: sent.id }, { content: 'better' }])
})

test('[WIPE2] what the device does not delete is offered all the same, once, and holds up no other conversation', async () => {
  const rig = await startWith(wipe)
  const two = conversationId(2)
  rig.server(two)
  const other = await rig.client.open(two)
  await settle()
  await other.close()
  const conversation = await rig.client.open(one)
  await settle()
  rig.isOffline = true
  conversation.send('typed on the train')
  await settle()
  const { drop } = rig.storage.pages
  let isBroken = true
  vi.spyOn(rig.storage.pages, 'drop').mockImplementation(async (id) => {
    if (isBroken && id === one) throw new Error('the disk is broken')
    await drop(id)
  })
  for (const id of [one, two]) rig.sync.remove(id, 'no-access', true)
  rig.isOffline = false
  await settle(120_000)
  const offered = (): readonly unknown[] =>
    rig.client.removed
      .getSnapshot()
      .filter(({ id }) => id === one)
      .map(({ unsent }) => unsent.map(({ content }) => content))
  expect(offered()).toEqual([['typed on the train']])
  expect(rig.client.conversations.getSnapshot().map(({ id }) => id)).toEqual([one])
  isBroken = false
  rig.sync.last().say({ type: 'activity', moved: [], gone: [{ ...gone, wipe: true }] })
  await settle()
  expect(offered()).toEqual([['typed on the train']])
  expect(await left(rig)).toEqual(nothing)
})

test('[WIPE2] a document that cannot be read is deleted where the server says so', async () => {
  const storage = keepingMemory()
  let isBroken = false
  const damaged: ClientStorage = {
    ...storage,
    readDocument: (...document) =>
      isBroken ? Promise.reject(new Error('the disk is broken')) : storage.readDocument(...document),
  }
  const rig = await startOn(damaged, [title, wipe])
  isBroken = true
  rig.sync.remove(one, 'no-access', true)
  await settle()
  isBroken = false
  expect(await left(rig)).toEqual(nothing)
  expect(rig.client.removed.getSnapshot()).toEqual([{ id: one, title: 'Plans', unsent: [] }])
})

test('[WIPE2] nothing of it is said any more by what an application holds: of one message, a quote, a thread, what failed', async () => {
  const rig = await startWith(title, wipe)
  const conversation = await rig.client.open(one)
  await settle()
  const root = conversation.messages.getSnapshot().at(-1)?.id
  if (root === undefined) throw new Error('there is no message')
  const [single, quote, thread] = [conversation.message(root), conversation.quote(root), conversation.thread(root)]
  thread.send('secret answer')
  conversation.pin(root)
  await settle()
  const stores = [single, quote, thread.messages, thread.info, conversation.events, conversation.pins]
  const told = stores.map((store) => {
    const listener = vi.fn<() => void>()
    store.subscribe(listener)
    return listener
  })
  const said = (): string => JSON.stringify(stores.map((store) => store.getSnapshot()))
  expect(said()).toContain('secret 19')
  rig.sync.remove(one, 'no-access', true)
  await settle()
  expect(said()).not.toContain('secret')
  expect(single.getSnapshot()).toBeUndefined()
  expect(conversation.events.getSnapshot()).toEqual([])
  for (const listener of told) expect(listener).toHaveBeenCalled()
})
