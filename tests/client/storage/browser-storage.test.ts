// The store of browsers passes the contract on fake-indexeddb, and does what only a browser asks of it.
import 'fake-indexeddb/auto'

import { IDBFactory } from 'fake-indexeddb'
import { openDB } from 'idb'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import * as Y from 'yjs'

import { openBrowserStorage } from '../../../client/storage/browser/browser-storage.ts'
import { type ClientStorage, storeName } from '../../../client/storage/client-storage.ts'
import {
  clientStorageContract,
  keepingStorageContract,
  type OpenedKeepingStorage,
} from '../../contract/client-storage.ts'
import { ann, bob, clientId, conversationId, row } from '../../helpers/client-rows.ts'
import { createFakeLocks } from '../../helpers/fake-locks.ts'
import { openRig, rigId } from '../../helpers/open-rig.ts'

const server = 'http://main.example'
const one = conversationId(1)

beforeEach(() => {
  vi.stubGlobal('indexedDB', new IDBFactory())
  vi.stubGlobal('navigator', { locks: createFakeLocks().locks })
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

async function databaseNames(): Promise<readonly string[]> {
  return (await indexedDB.databases()).map(({ name = '' }) => name)
}

async function open(): Promise<OpenedKeepingStorage> {
  const opened: ClientStorage[] = []
  const openFor: OpenedKeepingStorage['openFor'] = async (at, user) => {
    const storage = await openBrowserStorage(at, user)
    opened.push(storage)
    return storage
  }
  let current = await openFor(server, ann)
  return {
    storage: current,
    openFor,
    reopen: async () => {
      await current.close()
      current = await openFor(server, ann)
      return current
    },
    documentRows: async (id) => {
      const name = (await databaseNames()).find((each) => each.startsWith(storeName(server, ann)) && each.includes(id))
      if (name === undefined) return 0
      const db = await openDB(name)
      const rows = await db.count('updates')
      db.close()
      return rows
    },
    dispose: async () => void (await Promise.all(opened.map((each) => each.close()))),
  }
}

clientStorageContract('browser', open)
keepingStorageContract('browser', open)

test('[OUTBOX1][OUTBOX2] an entry is put in one strict transaction with the length of its chain', async () => {
  const { storage } = await open()
  const transactions = vi.spyOn(IDBDatabase.prototype, 'transaction')
  await storage.putOutbox(one, row(5, 0))
  expect(transactions.mock.calls).toEqual([[['outbox', 'pool'], 'readwrite', { durability: 'strict' }]])
})

test('[OUTBOX2] an entry that cannot be put leaves no length behind either', async () => {
  const { storage } = await open()
  const broken = { ...row(5, 0), payload: (() => undefined) as unknown as Uint8Array }
  await expect(storage.putOutbox(one, broken)).rejects.toThrow('cloned')
  expect(await storage.outbox(one)).toEqual([])
  expect(await storage.pool(one)).toEqual([])
})

test('[OUTBOX2] two tabs that have the same document open lose nothing of each other', async () => {
  const tabs = [await openBrowserStorage(server, ann), await openBrowserStorage(server, ann)]
  const docs = [new Y.Doc(), new Y.Doc()]
  const caches = await Promise.all(tabs.map((tab, index) => tab.openDocument(one, docs[index] ?? new Y.Doc())))
  for (let index = 0; index < 400; index++) docs[index % 2]?.getArray('texts').push([String(index)])
  await Promise.all(caches.map((cache) => cache.close()))
  const doc = new Y.Doc()
  const cache = await (await openBrowserStorage(server, ann)).openDocument(one, doc)
  expect(doc.getArray('texts').length).toBe(400)
  await cache.close()
})

test('steady writes are compacted while the document is open', async () => {
  const { storage, documentRows } = await open()
  const doc = new Y.Doc()
  const cache = await storage.openDocument(one, doc)
  for (let index = 0; index < 1500; index++) doc.getArray('texts').push([String(index)])
  await cache.flushed()
  expect(await documentRows(one)).toBeLessThan(320)
  await cache.close()
  const again = new Y.Doc()
  await (await storage.openDocument(one, again)).close()
  expect(again.getArray('texts').length).toBe(1500)
})

test('[LOCAL1] the name of every database carries server and user', async () => {
  const { storage } = await open()
  await (await storage.openDocument(one, new Y.Doc())).close()
  const names = await databaseNames()
  expect(names).toHaveLength(2)
  for (const name of names) expect(name).toMatch(/^parley:http:\/\/main\.example:ann(?!\w)/)
})

test('[LOCAL1][CHAIN3] names of locks carry server and user', async () => {
  const fake = createFakeLocks()
  vi.stubGlobal('navigator', { locks: fake.locks })
  await (await openBrowserStorage(server, ann)).lockChain(one, clientId(7))
  await (await openBrowserStorage(server, bob)).lockChain(one, clientId(7))
  expect(fake.held()).toHaveLength(2)
  expect(fake.held()[0]).toContain(storeName(server, ann))
  expect(fake.held()[1]).toContain(storeName(server, bob))
})

test('[CHAIN3] tabs of one user share the locks', async () => {
  const tabs = [await openBrowserStorage(server, ann), await openBrowserStorage(server, ann)]
  const locks = await Promise.all(tabs.map((tab) => tab.lockChain(one, clientId(7))))
  expect(locks.map((lock) => typeof lock)).toEqual(['function', 'undefined'])
})

test('[CHAIN3] without Web Locks no chain can be locked, and it says so', async () => {
  vi.stubGlobal('navigator', {})
  const { storage } = await open()
  expect(storage.canLock).toBe(false)
  expect(await storage.lockChain(one, clientId(7))).toBeUndefined()
})

test('[CHAIN3] a lock that the browser refuses to ask for is an error', async () => {
  vi.stubGlobal('navigator', { locks: { request: () => Promise.reject(new Error('the page is going away')) } })
  const { storage } = await open()
  await expect(storage.lockChain(one, clientId(7))).rejects.toThrow('the page is going away')
})

test('[OUTBOX3] when opening the database throws, the store is memory and says why', async () => {
  const refuse = (): never => {
    throw new Error('no storage in private mode')
  }
  vi.stubGlobal('indexedDB', { open: refuse })
  const storage = await openBrowserStorage(server, ann)
  expect(storage.status).toEqual({ phase: 'memory', reason: 'no storage in private mode' })
  await storage.putOutbox(one, row(5, 0))
  expect(await storage.outbox(one)).toEqual([row(5, 0)])
})

test('a later version of the page may change the schema: the store gives way', async () => {
  await open()
  const later = await openDB(storeName(server, ann), 99)
  expect(later.version).toBe(99)
  later.close()
})

test('[FORK1] a tab that has a document open hears when it is dropped, and disturbs nobody', async () => {
  const tabs = [await openBrowserStorage(server, ann), await openBrowserStorage(server, ann)] as const
  const doc = new Y.Doc()
  const cache = await tabs[0].openDocument(one, doc)
  await tabs[1].dropDocument(one, 0)
  await cache.dropped
  // Nowhere to keep it, and no reason to complain.
  doc.getArray('texts').push(['a'])
  await cache.flushed()
  await cache.close()
  const again = new Y.Doc()
  await (await tabs[1].openDocument(one, again)).close()
  expect(again.getArray('texts').length).toBe(0)
})

test('[FORK1] a document that is dropped while it is opened is empty, and opening it ends', async () => {
  const tabs = [await openBrowserStorage(server, ann), await openBrowserStorage(server, ann)] as const
  const doc = new Y.Doc()
  const opening = tabs[0].openDocument(one, doc)
  await tabs[1].dropDocument(one, 0)
  const cache = await opening
  await cache.dropped
  doc.getArray('texts').push(['a'])
  await cache.flushed()
  await cache.close()
  expect(await databaseNames()).toEqual([storeName(server, ann)])
})

test('[FORK1] a document is replaced in one strict transaction', async () => {
  const { storage } = await open()
  const transactions = vi.spyOn(IDBDatabase.prototype, 'transaction')
  await storage.replaceDocument(one, {
    generation: 1,
    put: [row(6, 0)],
    remove: [row(5, 0)],
    chain: { client: clientId(6), next: 1 },
    retired: [clientId(5)],
  })
  expect(transactions.mock.calls).toEqual([[['generations', 'outbox', 'pool'], 'readwrite', { durability: 'strict' }]])
})

test('[OUTBOX2] what a page of the first version kept is there for this one', async () => {
  const before = await openDB(storeName(server, ann), 1, {
    upgrade: (db) => {
      db.createObjectStore('conversations', { keyPath: 'id' })
      db.createObjectStore('pool')
      db.createObjectStore('outbox')
    },
  })
  await before.put('outbox', row(5, 0), [one, 5, 0])
  await before.put('pool', { client: 5, next: 1 }, [one, 5])
  before.close()
  const { storage } = await open()
  expect(storage.status).toEqual({ phase: 'persistent' })
  expect(await storage.outbox(one)).toEqual([row(5, 0)])
  expect(await storage.generation(one)).toBe(0)
})

/** From now on the disk is full: what is added to a document's copy is taken back. Returns what makes room again. */
function fillDisk(): () => void {
  const spy = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(function (this: IDBObjectStore, value) {
    const request = this.put(value)
    this.transaction.abort()
    return request
  })
  return () => spy.mockRestore()
}

test('[OUTBOX2][OUTBOX3] a document whose copy was not written says so at the barrier and at the close, for good', async () => {
  const { storage } = await open()
  const doc = new Y.Doc()
  const cache = await storage.openDocument(one, doc)
  doc.getArray('texts').push(['kept'])
  await cache.flushed()
  const makeRoom = fillDisk()
  doc.getArray('texts').push(['lost'])
  await expect(cache.flushed()).rejects.toThrow('did not keep')
  makeRoom()
  doc.getArray('texts').push(['behind the hole'])
  await expect(cache.flushed()).rejects.toThrow('did not keep')
  await expect(cache.close()).rejects.toThrow('did not keep')
  // It is closed all the same.
  await storage.dropDocument(one, 0)
})

test('[MUX2][OUTBOX3] an open conversation whose copy was not written says so, and keeps its rows', async () => {
  const { storage } = await open()
  const rig = await openRig({ storage })
  rig.conversation.send('mine')
  await rig.conversation.flush()
  expect(rig.conversation.status.getSnapshot().storage).toEqual({ phase: 'persistent' })
  const makeRoom = fillDisk()
  rig.sync()
  // What the versions that are stated wait for.
  await expect(rig.conversation.flush()).rejects.toThrow('did not keep')
  expect(rig.conversation.status.getSnapshot().storage.phase).toBe('memory')
  expect(rig.shown()).toEqual(['mine: sent'])
  makeRoom()
  await rig.conversation.close()
  expect(await storage.outbox(rigId)).toHaveLength(1)
})
