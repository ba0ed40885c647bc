// The store in memory passes the contract, and does what tests want of it beside.
import { describe, expect, test } from 'vitest'

import type { InDoubt, StoreError } from '../../../server/storage/conversation-store.ts'
import { createMemoryDisk } from '../../../server/storage/memory/memory-disk.ts'
import { createMemoryStore } from '../../../server/storage/memory/memory-store.ts'
import { conversationStoreContract } from '../../contract/conversation-store.ts'
import { conversationId, headAt, write } from '../../contract/store-rows.ts'

conversationStoreContract('memory', async () => {
  let refused: InDoubt | undefined
  const refuseIf = (state: InDoubt) => async () => {
    if (refused !== state) return
    refused = undefined
    throw new Error('the disk is full')
  }
  let refusesReopening = false
  const damages: StoreError[] = []
  const options = {
    disk: createMemoryDisk(),
    beforeCommit: refuseIf('before'),
    afterCommit: refuseIf('after'),
    beforeRecovery: async () => {
      if (refusesReopening) throw new Error('the disk is gone')
    },
    onDamage: (error: StoreError) => void damages.push(error),
  }
  let store = createMemoryStore(options)
  return {
    store,
    damages,
    reopen: async () => {
      await store.close()
      store = createMemoryStore(options)
      return store
    },
    failNextWrite: (state = 'before') => {
      refused = state
    },
    failReopening: () => {
      refusesReopening = true
    },
    dispose: async () => await store.close(),
  }
})

describe('memory: what tests want beside', () => {
  const one = conversationId(1)

  test('a commit can be held, and is not to be seen before it is released', async () => {
    let release = (): void => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    const store = createMemoryStore({ beforeCommit: async () => await released })
    const commit = store.commit([write(one, 1)])
    expect(await store.head(one)).toBeUndefined()
    release()
    expect(await commit).toEqual(['committed'])
    expect(await store.head(one)).toEqual({ kind: 'head', head: headAt(1) })
  })

  test('[STORE1] close waits for a commit that is held', async () => {
    let release = (): void => {}
    const released = new Promise<void>((resolve) => (release = resolve))
    const disk = createMemoryDisk()
    const store = createMemoryStore({ disk, beforeCommit: async () => await released })
    const order: string[] = []
    const commit = store.commit([write(one, 1)]).then((outcomes) => order.push(...outcomes))
    const closing = store.close().then(() => order.push('closed'))
    await new Promise((resolve) => setImmediate(resolve))
    expect(order).toEqual([])
    release()
    await Promise.all([commit, closing])
    expect(order).toEqual(['committed', 'closed'])
    expect(await createMemoryStore({ disk }).head(one)).toMatchObject({ kind: 'head' })
  })

  test('[STORE5] two stores on one disk: who comes second has moved', async () => {
    const disk = createMemoryDisk()
    const stores = [createMemoryStore({ disk }), createMemoryStore({ disk })]
    const outcomes = await Promise.all(stores.map(async (store) => await store.commit([write(one, 1)])))
    expect(outcomes).toEqual([['committed'], ['moved']])
  })
})
