// The store of Node programs passes the contract; its files are LevelDB's.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Level } from 'level'
import { afterEach, expect, test, vi } from 'vitest'
import * as Y from 'yjs'

import type { ClientStorage } from '../../../client/storage/client-storage.ts'
import { openNodeStorage } from '../../../client/storage/node/node-storage.ts'
import {
  clientStorageContract,
  keepingStorageContract,
  type OpenedKeepingStorage,
} from '../../contract/client-storage.ts'
import { ann, clientId, conversationId, row, userId } from '../../helpers/client-rows.ts'

const server = 'http://main.example'
const one = conversationId(1)

async function open(): Promise<OpenedKeepingStorage> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-client-'))
  const opened: ClientStorage[] = []
  const openFor: OpenedKeepingStorage['openFor'] = async (at, user) => {
    const storage = await openNodeStorage(folder, at, user)
    opened.push(storage)
    return storage
  }
  const storage = await openFor(server, ann)
  let current = storage
  return {
    storage,
    openFor,
    reopen: async () => {
      await current.close()
      current = await openFor(server, ann)
      return current
    },
    documentRows: async (id) => {
      const keys = vi.spyOn(Level.prototype, 'open')
      await current.close()
      current = await openFor(server, ann)
      const db = keys.mock.contexts.at(-1) as Level<string, Uint8Array>
      keys.mockRestore()
      return (await db.keys({ gt: `document/${id}/`, lt: `document/${id}/~` }).all()).length
    },
    dispose: async () => {
      await Promise.all(opened.map((each) => each.close()))
      await rm(folder, { recursive: true })
    },
  }
}

clientStorageContract('node', open)
keepingStorageContract('node', open)

afterEach(() => {
  vi.restoreAllMocks()
})

test('[LOCAL1] the name of a folder tells server and user to people, and differs where file systems do not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-client-'))
  const stores = [await openNodeStorage(folder, server, ann), await openNodeStorage(folder, server, userId('Ann'))]
  const names = await readdir(folder)
  expect(names).toHaveLength(2)
  expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(2)
  for (const name of names) expect(name).toMatch(/^parley-http-main-example-ann-[0-9a-f]{32}$/)
  await Promise.all(stores.map((store) => store.close()))
  await rm(folder, { recursive: true })
})

test('one process at a time: a second opening of the same store is an error', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-client-'))
  const storage = await openNodeStorage(folder, server, ann)
  await expect(openNodeStorage(folder, server, ann)).rejects.toThrow('failed to open')
  await storage.close()
  await (await openNodeStorage(folder, server, ann)).close()
  await rm(folder, { recursive: true })
})

test('[OUTBOX1][OUTBOX2] an entry is put in one synced batch with the length of its chain', async () => {
  const { storage, dispose } = await open()
  const batches = vi.spyOn(Level.prototype, 'batch')
  const put = storage.putOutbox(one, row(5, 0))
  const batch = batches.mock.results[0]?.value as unknown as { length: number; write: (options: unknown) => unknown }
  expect(batches).toHaveBeenCalledTimes(1)
  await put
  expect(batch.length).toBe(2)
  const db = batches.mock.contexts[0] as Level
  batches.mockRestore()

  const chained = db.batch()
  const writes = vi.spyOn(Object.getPrototypeOf(Object.getPrototypeOf(chained)) as typeof chained, 'write')
  await chained.close()
  await storage.putOutbox(one, row(5, 1))
  expect(writes.mock.calls).toEqual([[{ sync: true }]])
  await dispose()
})

test('[OUTBOX2] a document whose copy cannot be written says so at the barrier and at the close', async () => {
  const { storage, dispose } = await open()
  const doc = new Y.Doc()
  const cache = await storage.openDocument(one, doc)
  vi.spyOn(Level.prototype, 'put').mockRejectedValue(new Error('the disk is full'))
  doc.getArray('texts').push(['a'])
  await expect(cache.flushed()).rejects.toThrow('the disk is full')
  await expect(cache.close()).rejects.toThrow('the disk is full')
  vi.restoreAllMocks()
  await dispose()
})

test('[FORK1] a document is replaced in one synced batch', async () => {
  const { storage, dispose } = await open()
  const batches = vi.spyOn(Level.prototype, 'batch')
  const spare = storage.removeOutbox(one, row(5, 9))
  const db = batches.mock.contexts[0] as Level
  await spare
  batches.mockClear()
  const chained = db.batch()
  const writes = vi.spyOn(Object.getPrototypeOf(Object.getPrototypeOf(chained)) as typeof chained, 'write')
  await chained.close()
  batches.mockClear()
  await storage.replaceDocument(one, {
    generation: 1,
    put: [row(6, 0)],
    remove: [row(5, 0)],
    chain: { client: clientId(6), next: 1 },
    retired: [clientId(5)],
  })
  expect(batches).toHaveBeenCalledTimes(1)
  expect(writes.mock.calls).toEqual([[{ sync: true }]])
  await dispose()
})
