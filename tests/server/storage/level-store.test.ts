// The store on LevelDB passes the contract.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import { conversationStoreContract } from '../../contract/conversation-store.ts'
import { watchWrites } from './watch-writes.ts'

conversationStoreContract('level', async () => {
  const location = await mkdtemp(join(tmpdir(), 'parley-store-'))
  const writes = watchWrites()
  let store = await openLevelStore({ location })
  return {
    store,
    reopen: async () => {
      await store.close()
      store = await openLevelStore({ location })
      return store
    },
    failNextWrite: () => writes.failNext(new Error('the disk is full')),
    dispose: async () => {
      await store.close()
      writes.restore()
      await rm(location, { recursive: true })
    },
  }
})
