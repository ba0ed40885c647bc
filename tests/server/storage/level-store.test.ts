// The store on LevelDB passes the contract, on a disk that takes no write without a sync.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { StoreError } from '../../../server/storage/conversation-store.ts'
import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import { conversationStoreContract } from '../../contract/conversation-store.ts'
import { createFaultyDisk } from '../../helpers/faulty-level.ts'

conversationStoreContract('level', async () => {
  const location = await mkdtemp(join(tmpdir(), 'parley-store-'))
  const { open, failWrite, failOpening } = createFaultyDisk()
  const damages: StoreError[] = []
  const options = { location, open, onDamage: (error: StoreError) => void damages.push(error) }
  let store = await openLevelStore(options)
  return {
    store,
    damages,
    reopen: async () => {
      await store.close()
      store = await openLevelStore(options)
      return store
    },
    failNextWrite: (state = 'before') => failWrite(state === 'before' ? 'refused' : 'unanswered'),
    failReopening: () => failOpening(new Error('the disk is full')),
    dispose: async () => {
      await store.close()
      await rm(location, { recursive: true })
    },
  }
})
