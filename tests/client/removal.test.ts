// Whoever is removed keeps what they had, to read, unless the conversation says that nothing of it stays.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import * as Y from 'yjs'

import type { ChatClient } from '../../client/api.ts'
// Loaded now: the clocks of these tests do not wait for it.
import '../../client/search/search-index.ts'
import { readView } from '../../client/search/read-view.ts'
import { encodeEntry, type KnownEntry } from '../../shared/chat/entry.ts'
import type { FaultCode } from '../../shared/fault.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { type ClientRig, startClientRig } from '../helpers/client-rig.ts'
import { conversationId, conversationRow, message } from '../helpers/client-rows.ts'
import { keepingMemory, stampAll } from '../helpers/open-rig.ts'

const one = conversationId(1)
const clients: ChatClient[] = []
const toFake = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] as const

beforeEach(() => void vi.useFakeTimers({ toFake: [...toFake] }))
afterEach(async () => {
  await Promise.allSettled(clients.splice(0).map((client) => client.close()))
  vi.useRealTimers()
})

const settle = (ms = 10_000): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

/** A device that has it: some in its window, some as pages. */
async function startWith(...settings: readonly KnownEntry[]): Promise<ClientRig> {
  const storage = keepingMemory()
  await storage.putConversation(conversationRow(one, { access: 'writer' }))
  const rig = startClientRig({ storage })
  clients.push(rig.client)
  const server = rig.server(one)
  const doc = createDoc(7)
  const said = Array.from({ length: 20 }, (_, index) => encodeEntry(message(index + 1, `secret ${index}`)))
  append(doc, 'ann', [...settings.map(encodeEntry), ...said])
  Y.applyUpdate(server.doc, Y.encodeStateAsUpdate(doc), 'device')
  stampAll(server)
  await settle()
  server.archive(settings.length + 9)
  await settle()
  rig.client.search.prepare()
  await settle()
  return rig
}

const title: KnownEntry = { kind: 'set', key: 'title', value: 'Plans' }
const wipe: KnownEntry = { kind: 'set', key: 'wipe', value: true }

/** What is left on the device: rows of every kind. */
async function left({ storage, client }: ClientRig): Promise<Readonly<Record<string, number>>> {
  const { folded } = await readView(storage, one)
  const searching = client.search.query('secret', { limit: 50 })
  await settle(1000)
  return {
    window: folded.sent.length,
    pages: (await storage.pages.facts(one)).messages,
    outbox: (await storage.outbox(one)).length,
    pool: (await storage.pool(one)).length,
    lines: (await storage.conversations()).length,
    listed: client.conversations.getSnapshot().length,
    found: (await searching).length,
  }
}

const nothing = { window: 0, pages: 0, outbox: 0, pool: 0, lines: 0, listed: 0, found: 0 }

test('[WIPE2] removed while it is open, all of it goes, and what was never sent is offered once', async () => {
  const rig = await startWith(title, wipe)
  const conversation = await rig.client.open(one)
  await settle()
  expect(await left(rig)).toMatchObject({ window: 10, pages: 10, lines: 1, found: 20 })
  rig.isOffline = true
  conversation.send('typed on the train')
  await settle()
  expect(await left(rig)).toMatchObject({ outbox: 1, found: 20 })
  rig.sync.remove(one)
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
  rig.sync.remove(one, code)
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
  const later = startClientRig({ storage: rig.storage, isOffline: true })
  clients.push(later.client)
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
  const later = startClientRig({ storage: rig.storage, servers })
  clients.push(later.client)
  const conversation = await later.client.open(one)
  expect(conversation.info.getSnapshot()).toMatchObject({ access: undefined, gone: 'no-access' })
  await settle()
  expect(conversation.info.getSnapshot().access).toBe('owner')
  expect(conversation.info.getSnapshot()).not.toHaveProperty('gone')
  expect(later.client.conversations.getSnapshot()).toMatchObject([{ id: one, access: 'owner' }])
  expect(later.client.conversations.getSnapshot()[0]).not.toHaveProperty('gone')
})
