// Pages in memory pass the contract; what they may take is less than on a disk, unless somebody says otherwise.
import { expect, test } from 'vitest'

import { defaultPageBudgetBytes } from '../../../client/storage/client-storage.ts'
import { createMemoryStorage } from '../../../client/storage/memory/memory-storage.ts'
import { pageStoreContract } from '../../contract/page-store.ts'

const status = { phase: 'memory', reason: 'a test' } as const

pageStoreContract('memory', async (options) => {
  const storage = createMemoryStorage(status, options)
  return { pages: storage.pages, dispose: () => storage.close() }
})

test('[PAGE4] pages in memory have a budget that a tab survives', async () => {
  const { budgetBytes } = await createMemoryStorage(status).pages.totals()
  expect(budgetBytes).toBeLessThanOrEqual(defaultPageBudgetBytes / 10)
})
