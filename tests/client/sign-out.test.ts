// Leaving a device: what is only there is counted, and what is to go is gone from every store and every tab.
import 'fake-indexeddb/auto'

import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'

import { type ChatClient, type Conversation, StillOpen, UnsentWork } from '../../client/api.ts'
import { openBrowserStorage } from '../../client/storage/browser/browser-storage.ts'
import { createChatClient } from '../../client/node.ts'
import { openDatabase } from '../../client/storage/browser/database.ts'
import { type ClientStorage, storeName } from '../../client/storage/client-storage.ts'
import { privateConversationOf } from '../../shared/chat/private-conversation.ts'
import { type ClientRig, startClientRig } from '../helpers/client-rig.ts'
import { ann, bob, conversationId, conversationRow, row } from '../helpers/client-rows.ts'
import { createFakeLocks } from '../helpers/fake-locks.ts'
import { keepingMemory, rigId } from '../helpers/open-rig.ts'
import { openingSlowly } from '../helpers/removal-rig.ts'
import { until } from '../helpers/until.ts'
import { deferred, turn } from '../helpers/when.ts'
import { filesWith, newMarker } from '../server/storage/marked-files.ts'

const url = 'http://a.example'

beforeEach(() => {
  const kept = new Map<string, string>()
  vi.stubGlobal('indexedDB', new IDBFactory())
  vi.stubGlobal('navigator', { locks: createFakeLocks().locks })
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => void kept.set(key, text),
    removeItem: (key: string) => void kept.delete(key),
    key: (index: number) => [...kept.keys()][index] ?? null,
    get length() {
      return kept.size
    },
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
})

function startTab(user = ann): ClientRig {
  const rig = startClientRig({ isOffline: true, openStorage: () => openBrowserStorage(url, user) })
  onTestFinished(() => rig.client.close())
  return rig
}

const databases = async (): Promise<readonly string[]> =>
  (await indexedDB.databases()).map(({ name = '' }) => name).toSorted()

test('[WIPE1] what is unsent is counted: messages, changes, refused ones, conversations; not what was read', async () => {
  const storage = keepingMemory()
  const { client } = startClientRig({ storage, isOffline: true })
  onTestFinished(() => client.close())
  expect(await client.unsent()).toBe(0)
  const conversation = await client.create()
  expect(await client.unsent()).toBe(1)
  const id = conversation.send('one')
  conversation.react(id, 'x')
  expect(await client.unsent()).toBe(3)
  await conversation.flush()
  await storage.putOutbox(conversation.id, row(77, 0, { kind: 'read', through: 1 }))
  await storage.putOutbox(conversation.id, { ...row(77, 1), failed: 'access' })
  expect(await client.unsent()).toBe(4)
  await conversation.close()
  expect(await client.unsent()).toBe(4)
})

test('[WIPE1][DRAFT1] what is being typed counts once, before it is written too, and to ask writes nothing', async () => {
  const storage = keepingMemory()
  const { client } = startClientRig({ storage, isOffline: true })
  onTestFinished(() => client.close())
  const conversation = await client.create()
  const before = await client.unsent()
  const { personal } = client
  const id = privateConversationOf(ann)
  const written = async (): Promise<number> => (await storage.outbox(id)).length
  void personal.setDraft(conversation.id, { content: 'w' })
  await until('the first is written', async () => (await written()) === 1)
  for (const content of ['wo', 'wor', 'word']) {
    void personal.setDraft(conversation.id, { content })
    expect(await client.unsent()).toBe(before + 1)
  }
  expect(await written()).toBe(1)
  void personal.setDraft(conversation.id, null)
  expect(await client.unsent()).toBe(before)
  expect(await written()).toBe(1)
})

/** A device that is offline, and a conversation that its server knows. */
async function startAway(storage: ClientStorage): Promise<{ client: ChatClient; conversation: Conversation }> {
  await storage.putConversation(conversationRow(rigId, { access: 'writer' }))
  const { client } = startClientRig({ storage, isOffline: true })
  onTestFinished(() => client.close())
  return { client, conversation: await client.open(rigId) }
}

test('[WIPE1] what is written while it is counted counts as well', async () => {
  const storage = keepingMemory()
  const answered = deferred()
  const slow = conversationId(2)
  let isSlow = false
  const { client, conversation } = await startAway({
    ...storage,
    outbox: async (id) => {
      const rows = await storage.outbox(id)
      if (isSlow && id === slow) await answered.promise
      return rows
    },
  })
  await client.open(slow)
  isSlow = true
  const leaving = client.signOut({ wipe: true }).catch((error: unknown) => error)
  await turn()
  conversation.send('only here')
  answered.resolve()
  expect(await leaving).toBeInstanceOf(UnsentWork)
})

test('[WIPE1] what comes behind the count is refused, not taken and deleted', async () => {
  const arrival = deferred()
  let arrived: Promise<unknown> = Promise.resolve()
  const { client, conversation } = await startAway(openingSlowly(keepingMemory(), () => arrived))
  arrived = arrival.promise
  onTestFinished(() => arrival.resolve())
  expect(client.personal.status.getSnapshot().phase).toBe('opening')
  const leaving = client.signOut({ wipe: true })
  for (let turns = 0; turns < 100 && !isEnded(client); turns++) await turn()
  expect(() => conversation.send('only here')).toThrow('closed')
  arrival.resolve()
  await leaving
})

/** It takes no more words that somebody types. */
function isEnded(client: ChatClient): boolean {
  try {
    void client.personal.setDraft(rigId, null)
    return false
  } catch {
    return true
  }
}

test('[WIPE1] signing out with a wipe loses nothing unsent unless it is told to; without one all stays', async () => {
  const { client } = startTab()
  const conversation = await client.create({ title: 'Harbour' })
  conversation.send('only here')
  const failure = await client.signOut({ wipe: true }).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(UnsentWork)
  expect(failure).toHaveProperty('count', 2)
  conversation.send('and still open')
  expect(conversation.messages.getSnapshot()).toHaveLength(2)
  await client.signOut()
  const again = startTab().client
  const kept = await again.open(conversation.id)
  expect(kept.messages.getSnapshot().map(({ content }) => content)).toEqual(['only here', 'and still open'])
  expect(localStorage).toHaveLength(1)
  await again.signOut({ wipe: true, force: true })
  expect(await databases()).toEqual([])
  expect(localStorage).toHaveLength(0)
  // Idempotent, and the device is as it was before anybody came.
  await again.wipe()
  const fresh = startTab().client
  await until('it is opened', () => fresh.storage.getSnapshot().budgetBytes > 0)
  expect(fresh.storage.getSnapshot().lost).toBe(false)
  expect(fresh.conversations.getSnapshot()).toEqual([])
})

test('[WIPE1] other tabs of the same user close, and those of others do not notice', async () => {
  const [one, other, stranger] = [startTab(), startTab(), startTab(bob)]
  const conversation = await one.client.create()
  conversation.send('in both')
  await conversation.flush()
  const theirs = await other.client.open(conversation.id)
  const foreign = await stranger.client.create()
  foreign.send('of bob')
  await foreign.flush()
  await one.client.wipe()
  await until('the other tab is closed', () => theirs.status.getSnapshot().connection.phase === 'closed')
  await expect(other.client.open(conversation.id)).rejects.toThrow('closed')
  await expect(other.client.create()).rejects.toThrow('closed')
  await other.client.close()
  const left = await databases()
  expect(left.length).toBe(2)
  expect(left.filter((name) => !name.startsWith(storeName(url, bob)))).toEqual([])
  foreign.send('and goes on')
  await foreign.flush()
  expect(await stranger.client.unsent()).toBe(3)
})

test('[WIPE1] a tab that does not let go is told of, and what it holds goes when it is closed', async () => {
  const name = storeName(url, ann)
  await (await openBrowserStorage(url, ann)).close()
  const frozen = await new Promise<IDBDatabase>((resolve) => {
    const request = indexedDB.open(name)
    request.addEventListener('success', () => resolve(request.result))
  })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { client } = startTab()
  await client.close()
  const wiped = client.wipe().catch((error: unknown) => error)
  for (let turns = 0; turns < 200; turns++) {
    await turn()
    await vi.advanceTimersByTimeAsync(100)
  }
  expect(await wiped).toBeInstanceOf(StillOpen)
  vi.useRealTimers()
  frozen.close()
  await until('it is gone', async () => (await databases()).length === 0)
  expect((await openDatabase(name)).isNew).toBe(true)
})

test.each([
  ['somebody else', bob],
  ['the same user', ann],
])('[WIPE1] what a page that was closed in the middle has left goes when %s comes', async (_who, next) => {
  const { client } = startTab()
  for (let index = 0; index < 3; index++) {
    const conversation = await client.create()
    conversation.send('not to be left')
    await conversation.flush()
  }
  const remove = indexedDB.deleteDatabase.bind(indexedDB)
  let left = 1
  const spy = vi.spyOn(indexedDB, 'deleteDatabase').mockImplementation((name) => {
    if (name.includes(':document:') && left-- <= 0) throw new Error('the page is closed')
    return remove(name)
  })
  await expect(client.signOut({ wipe: true, force: true })).rejects.toThrow('the page is closed')
  spy.mockRestore()
  expect(await databases()).toHaveLength(2)
  const tab = startTab(next).client
  await until('it is opened', () => tab.storage.getSnapshot().budgetBytes > 0)
  await until('nothing else is left', async () => (await databases()).length === 1)
  expect(await databases()).toEqual([storeName(url, next)])
  expect([localStorage.length, tab.storage.getSnapshot().lost]).toEqual([1, false])
})

test('[WIPE1] of a Node program no file is left', async () => {
  vi.unstubAllGlobals()
  const folder = await mkdtemp(join(tmpdir(), 'parley-wipe-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const start = (user: string) => createChatClient({ url: 'http://127.0.0.1:9', user, token: 'a.token', folder })
  const [client, other] = [start('ann'), start('bob')]
  onTestFinished(() => other.close())
  const [marker, stays] = [newMarker(), newMarker()]
  for (const [who, text] of [
    [client, marker],
    [other, stays],
  ] as const) {
    const conversation = await who.create()
    conversation.send(text)
    await conversation.flush()
  }
  expect(await filesWith(folder, marker)).not.toEqual([])
  await expect(client.signOut({ wipe: true })).rejects.toThrow(UnsentWork)
  await client.signOut({ wipe: true, force: true })
  expect(await filesWith(folder, marker)).toEqual([])
  expect(await filesWith(folder, stays)).not.toEqual([])
  expect(await readdir(folder)).toHaveLength(1)
})
