// What a browser does with an origin's storage: it may evict it, promise not to, and say how much there is.
import 'fake-indexeddb/auto'

import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { openBrowserStorage } from '../../../client/storage/browser/browser-storage.ts'
import { askToPersist, estimate } from '../../../client/storage/browser/persistence.ts'
import { ann, bob } from '../../helpers/client-rows.ts'

const server = 'http://main.example'

/** What localStorage has of the origin. */
let noted: Map<string, string>

beforeEach(() => {
  vi.stubGlobal('indexedDB', new IDBFactory())
  vi.stubGlobal('navigator', {})
  noted = new Map()
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => noted.get(key) ?? null,
    setItem: (key: string, value: string) => void noted.set(key, value),
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
})

async function openAndClose(user = ann): Promise<{ readonly isNew: boolean; readonly wasLost: boolean }> {
  const { isNew, wasLost, close } = await openBrowserStorage(server, user)
  await close()
  return { isNew, wasLost }
}

test('[PAGE4] a store that was lost is told from one that never was, and from one that is there', async () => {
  expect(await openAndClose()).toEqual({ isNew: true, wasLost: false })
  expect(await openAndClose()).toEqual({ isNew: false, wasLost: false })
  vi.stubGlobal('indexedDB', new IDBFactory())
  expect(await openAndClose(bob)).toEqual({ isNew: true, wasLost: false })
  expect(await openAndClose()).toEqual({ isNew: true, wasLost: true })
  expect(await openAndClose()).toEqual({ isNew: false, wasLost: false })
})

test('[PAGE4] a store that a page without markers made is marked when it is opened', async () => {
  await openAndClose()
  noted.clear()
  await openAndClose()
  vi.stubGlobal('indexedDB', new IDBFactory())
  expect(await openAndClose()).toEqual({ isNew: true, wasLost: true })
})

test('[PAGE4] where both were cleared, or the marker cannot be kept, nothing is said to be lost', async () => {
  await openAndClose()
  noted.clear()
  vi.stubGlobal('indexedDB', new IDBFactory())
  expect(await openAndClose()).toEqual({ isNew: true, wasLost: false })
  for (const broken of [
    undefined,
    {
      getItem: () => {
        throw new DOMException('denied', 'SecurityError')
      },
    },
    {
      getItem: () => null,
      setItem: () => {
        throw new DOMException('full', 'QuotaExceededError')
      },
    },
  ]) {
    vi.stubGlobal('localStorage', broken)
    vi.stubGlobal('indexedDB', new IDBFactory())
    expect(await openAndClose()).toEqual({ isNew: true, wasLost: false })
  }
})

test('[PAGE4] memory, in the place of a store that cannot be opened, is new and not a loss', async () => {
  await openAndClose()
  vi.stubGlobal('indexedDB', {
    open: () => {
      throw new Error('no storage in private mode')
    },
  })
  expect(await openAndClose()).toEqual({ isNew: true, wasLost: false })
})

test('[PAGE4] it is asked for once that storage stays, and the answer told', async () => {
  const persist = vi.fn<() => Promise<boolean>>(async () => true)
  vi.stubGlobal('navigator', { storage: { persisted: async () => false, persist } })
  expect(await askToPersist()).toBe(true)
  vi.stubGlobal('navigator', { storage: { persisted: async () => true, persist } })
  expect(await askToPersist()).toBe(true)
  expect(persist).toHaveBeenCalledTimes(1)
  vi.stubGlobal('navigator', { storage: { persisted: async () => false, persist: async () => false } })
  expect(await askToPersist()).toBe(false)
})

test('[PAGE4] a browser that has no such promise, or refuses to answer, throws nothing', async () => {
  const refuse = (): Promise<never> => Promise.reject(new TypeError('an opaque origin'))
  for (const navigator of [undefined, {}, { storage: {} }]) {
    vi.stubGlobal('navigator', navigator)
    expect(await askToPersist()).toBe(navigator === undefined ? false : undefined)
    expect(await estimate()).toBeUndefined()
  }
  vi.stubGlobal('navigator', { storage: { persisted: refuse, persist: refuse, estimate: refuse } })
  expect(await askToPersist()).toBe(false)
  expect(await estimate()).toBeUndefined()
})

test('[PAGE4] the room that the browser tells of comes in bytes', async () => {
  vi.stubGlobal('navigator', { storage: { estimate: async () => ({ usage: 5, quota: 100 }) } })
  expect(await estimate()).toEqual({ usedBytes: 5, quotaBytes: 100 })
  vi.stubGlobal('navigator', { storage: { estimate: async () => ({}) } })
  expect(await estimate()).toBeUndefined()
})
