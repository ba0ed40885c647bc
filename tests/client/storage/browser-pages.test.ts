// Pages in IndexedDB pass the contract on fake-indexeddb, in two tabs and under a quota too.
import 'fake-indexeddb/auto'

import { IDBFactory } from 'fake-indexeddb'
import { openDB } from 'idb'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { openBrowserStorage } from '../../../client/storage/browser/browser-storage.ts'
import {
  type ClientStorage,
  defaultPageBudgetBytes,
  type StorageOptions,
  storeName,
} from '../../../client/storage/client-storage.ts'
import {
  keepingPageStoreContract,
  type OpenedKeepingPageStore,
  type OpenedSharedPageStore,
  pageStoreContract,
  run,
  sharedPageStoreContract,
  stamped,
} from '../../contract/page-store.ts'
import { ann, conversationId, conversationRow, row } from '../../helpers/client-rows.ts'

const server = 'http://main.example'
const one = conversationId(1)
const two = conversationId(2)
const terms = { asOf: 1000, mayEvict: true }
const everything = { from: 0, to: Infinity }

beforeEach(() => {
  vi.stubGlobal('indexedDB', new IDBFactory())
  vi.stubGlobal('navigator', {})
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

async function open(options: StorageOptions): Promise<OpenedKeepingPageStore & OpenedSharedPageStore> {
  vi.stubGlobal('indexedDB', new IDBFactory())
  const opened: ClientStorage[] = []
  const openTab = async (changed: StorageOptions = {}): Promise<ClientStorage> => {
    const storage = await openBrowserStorage(server, ann, { ...options, ...changed })
    opened.push(storage)
    return storage
  }
  const first = await openTab()
  return {
    pages: first.pages,
    openTab: async () => (await openTab()).pages,
    reopen: async (changed) => {
      await opened.at(-1)?.close()
      return (await openTab(changed)).pages
    },
    dispose: async () => void (await Promise.all(opened.map((each) => each.close()))),
  }
}

pageStoreContract('browser', open)
keepingPageStoreContract('browser', open)
sharedPageStoreContract('browser', open)

test('[PAGE4] without a budget of its own a store has the default one', async () => {
  const { pages } = await open({})
  expect((await pages.totals()).budgetBytes).toBe(defaultPageBudgetBytes)
})

test('[PAGE4] each change is one transaction, over none of the stores that sending needs', async () => {
  const { pages } = await open({})
  await pages.put(one, run(0, 10), terms)
  const transactions = vi.spyOn(IDBDatabase.prototype, 'transaction')
  await pages.put(one, run(10, 300), terms)
  await pages.update(one, [stamped(5, { revision: 2000 })], { after: 1000, asOf: 2000 })
  await pages.drop(one)
  const stores = ['pages', 'pageFacts', 'pageAsOf', 'pageTotal']
  for (const [names, mode] of transactions.mock.calls) expect([names, mode]).toEqual([stores, 'readwrite'])
  expect(transactions).toHaveBeenCalledTimes(3)
})

/** Puts into one of the stores are refused from now on, as when the origin has no more room. */
function refusePuts(store: string): void {
  // oxlint-disable-next-line typescript/unbound-method -- it is called on the store it belongs to
  const { put } = IDBObjectStore.prototype
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...args) {
    if (this.name === store) throw new DOMException('no room', 'QuotaExceededError')
    return put.apply(this, args)
  })
}

test.each(['pages', 'pageFacts', 'pageAsOf', 'pageTotal'])(
  '[PAGE4] a quota error in %s is told as such, changes nothing, and keeps nobody from sending',
  async (store) => {
    const { pages } = await open({ pageBudgetBytes: 60_000 })
    const sending = await openBrowserStorage(server, ann)
    await pages.put(two, run(0, 128), terms)
    await pages.put(one, run(0, 100), terms)
    const before = [await pages.facts(one), await pages.facts(two), await pages.totals()]
    refusePuts(store)
    await expect(pages.put(one, run(50, 300), terms)).rejects.toMatchObject({ name: 'QuotaExceededError' })
    const changed = stamped(5, { revision: 2000, content: 'changed' })
    await expect(pages.update(one, [changed], { after: 1000, asOf: 2000 })).rejects.toMatchObject({
      name: 'QuotaExceededError',
    })
    await sending.putOutbox(one, row(5, 0))
    vi.restoreAllMocks()
    expect([await pages.facts(one), await pages.facts(two), await pages.totals()]).toEqual(before)
    expect(await pages.read(one, everything)).toEqual([run(0, 100)])
    expect(await sending.outbox(one)).toEqual([row(5, 0)])
    expect(await pages.put(one, run(50, 300), terms)).toBe('kept')
    await sending.close()
  },
)

test('[PAGE4] a device that takes a transaction back, at the end of it, is heard', async () => {
  const { pages } = await open({})
  await pages.put(one, run(0, 10), terms)
  const commit = vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementation(function (this: IDBTransaction) {
    this.abort()
  })
  await expect(pages.put(one, run(10, 20), terms)).rejects.toMatchObject({ name: 'AbortError' })
  commit.mockRestore()
  expect(await pages.read(one, everything)).toEqual([run(0, 10)])
})

test.each([1000, undefined])('[PAGE4] a row that is %s instead of facts is counted and written anew', async (old) => {
  const { pages } = await open({})
  await pages.put(one, run(0, 256), terms)
  const before = await pages.facts(one)
  const db = await openDB(storeName(server, ann))
  if (old === undefined) await db.delete('pageAsOf', one)
  else await db.put('pageAsOf', old, one)
  expect(await pages.facts(one)).toEqual({ ...before, asOf: 0 })
  // A change behind the one that nobody waits for.
  await pages.update(two, [], { after: 0, asOf: 1 })
  expect(await db.get('pageAsOf', one)).toEqual({ id: one, ...before, asOf: 0 })
  db.close()
})

test('[PAGE4] pages of a store that gave way to a later version of the page reject', async () => {
  const { pages } = await open({})
  const later = await openDB(storeName(server, ann), 99)
  await expect(pages.put(one, run(0, 1), terms)).rejects.toMatchObject({ name: 'InvalidStateError' })
  await expect(pages.facts(one)).rejects.toMatchObject({ name: 'InvalidStateError' })
  later.close()
})

test.each([1, 2])(
  '[OUTBOX2][PAGE4] what a page of version %d kept is there beside the first pages',
  async (version) => {
    const before = await openDB(storeName(server, ann), version, {
      upgrade: (db) => {
        db.createObjectStore('conversations', { keyPath: 'id' })
        db.createObjectStore('pool')
        db.createObjectStore('outbox')
        if (version === 2) db.createObjectStore('generations')
      },
    })
    await before.put('conversations', conversationRow(one, { title: 'Harbour' }))
    await before.put('outbox', row(5, 0), [one, 5, 0])
    await before.put('pool', { client: 5, next: 1 }, [one, 5])
    if (version === 2) await before.put('generations', 3, one)
    before.close()
    const storage = await openBrowserStorage(server, ann)
    expect(storage.status).toEqual({ phase: 'persistent' })
    expect([storage.isNew, storage.wasLost]).toEqual([false, false])
    expect(await storage.conversations()).toEqual([conversationRow(one, { title: 'Harbour' })])
    expect(await storage.outbox(one)).toEqual([row(5, 0)])
    expect(await storage.pool(one)).toEqual([{ client: 5, next: 1 }])
    expect(await storage.generation(one)).toBe(version === 2 ? 3 : 0)
    await storage.pages.put(one, run(0, 5), terms)
    expect(await storage.pages.read(one, everything)).toEqual([run(0, 5)])
    await storage.close()
  },
)
