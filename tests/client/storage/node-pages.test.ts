// Pages in LevelDB pass the contract, on a disk that fails too.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Level } from 'level'
import { afterEach, expect, test, vi } from 'vitest'

import { defaultPageBudgetBytes, type StorageOptions } from '../../../client/storage/client-storage.ts'
import { openNodeStorage } from '../../../client/storage/node/node-storage.ts'
import {
  keepingPageStoreContract,
  type OpenedKeepingPageStore,
  pageStoreContract,
  run,
} from '../../contract/page-store.ts'
import { ann, conversationId, row } from '../../helpers/client-rows.ts'

const server = 'http://main.example'
const one = conversationId(1)
const terms = { asOf: 1000, mayEvict: true }
const everything = { from: 0, to: Infinity }

async function open(options: StorageOptions): Promise<OpenedKeepingPageStore> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-client-'))
  let current = await openNodeStorage(folder, server, ann, options)
  return {
    pages: current.pages,
    reopen: async (changed) => {
      await current.close()
      current = await openNodeStorage(folder, server, ann, { ...options, ...changed })
      return current.pages
    },
    dispose: async () => {
      await current.close()
      await rm(folder, { recursive: true })
    },
  }
}

pageStoreContract('node', open)
keepingPageStoreContract('node', open)

afterEach(() => {
  vi.restoreAllMocks()
})

test('[PAGE4] without a budget of its own a store has the default one', async () => {
  const { pages, dispose } = await open({})
  expect((await pages.totals()).budgetBytes).toBe(defaultPageBudgetBytes)
  await dispose()
})

/** The batches of the pages fail from now on, or those of all. */
function failBatches(): void {
  vi.spyOn(Level.prototype, 'batch').mockImplementation(() => {
    throw new Error('the disk is full')
  })
}

test('[PAGE4] what a disk refuses rejects, changes nothing, and holds up nobody', async () => {
  const { pages, dispose } = await open({})
  await pages.put(one, run(0, 200), terms)
  const before = [await pages.facts(one), await pages.totals()]
  failBatches()
  await expect(pages.put(one, run(200, 400), terms)).rejects.toThrow('the disk is full')
  await expect(pages.update(one, [], { after: 1000, asOf: 5000 })).rejects.toThrow('the disk is full')
  expect([await pages.facts(one), await pages.totals()]).toEqual(before)
  vi.restoreAllMocks()
  expect(await pages.put(one, run(200, 400), terms)).toBe('kept')
  expect(await pages.read(one, everything)).toEqual([run(0, 400)])
  await dispose()
})

test('[PAGE4] pages that cannot be marked as read are read all the same', async () => {
  let now = 0
  const { pages, dispose } = await open({ now: () => now })
  await pages.put(one, run(0, 5), terms)
  now = 10 * 3_600_000
  failBatches()
  expect(await pages.read(one, everything)).toEqual([run(0, 5)])
  expect(await pages.read(one, everything)).toEqual([run(0, 5)])
  await dispose()
})

test('[PAGE3] a damaged record is not kept any more, and can be put again', async () => {
  const batches = vi.spyOn(Level.prototype, 'batch')
  const { pages, dispose } = await open({})
  await pages.put(one, run(0, 256), terms)
  const db = batches.mock.contexts[0] as Level<string, Uint8Array>
  await db.put(`page/${one}/${'1'.padStart(16, '0')}`, new TextEncoder().encode('{"from":128}'))
  expect(await pages.read(one, everything)).toEqual([run(0, 128)])
  await pages.put(one, run(128, 256), terms)
  expect(await pages.read(one, everything)).toEqual([run(0, 256)])
  await dispose()
})

test('[PAGE4] a row that is not whole, or of before there were facts in it, is counted and written anew', async () => {
  const batches = vi.spyOn(Level.prototype, 'batch')
  const { pages, dispose } = await open({})
  await pages.put(one, run(0, 256), terms)
  const before = await pages.facts(one)
  const db = batches.mock.contexts[0] as Level<string, Uint8Array>
  for (const damaged of ['1000', '{"spans":[]}', 'null']) {
    await db.put(`page-as-of/${one}`, new TextEncoder().encode(damaged))
    expect(await pages.facts(one)).toEqual({ ...before, asOf: 0 })
    await pages.totals()
    expect(JSON.parse(new TextDecoder().decode(await db.get(`page-as-of/${one}`)))).toMatchObject({ messages: 256 })
  }
  await dispose()
})

test('[LOCAL1] a store tells whether it was there before; nobody takes one from a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-client-'))
  const first = await openNodeStorage(folder, server, ann)
  expect([first.isNew, first.wasLost]).toEqual([true, false])
  await first.putOutbox(one, row(5, 0))
  await first.close()
  const second = await openNodeStorage(folder, server, ann)
  expect([second.isNew, second.wasLost]).toEqual([false, false])
  await second.close()
  await rm(folder, { recursive: true })
})
