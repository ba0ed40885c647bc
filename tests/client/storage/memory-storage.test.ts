// The store that forgets passes the contract, and says why it is used.
import { expect, test } from 'vitest'

import { createMemoryStorage } from '../../../client/storage/memory/memory-storage.ts'
import { clientStorageContract } from '../../contract/client-storage.ts'

const status = { phase: 'memory', reason: 'a test' } as const

clientStorageContract('memory', async () => {
  const storage = createMemoryStorage(status)
  return { storage, dispose: () => storage.close() }
})

test('[OUTBOX3] a store in memory says why nothing is kept', () => {
  expect(createMemoryStorage(status).status).toBe(status)
})
