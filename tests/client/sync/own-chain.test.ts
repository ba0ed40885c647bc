// Which chain a device takes, and when it must not go on with one.
import { expect, test } from 'vitest'
import * as Y from 'yjs'

import type { ClientStorage } from '../../../client/storage/client-storage.ts'
import {
  appendOwn,
  continueOwnChain,
  drawClientId,
  lockOwnChain,
  newOwnChain,
  nextOwnPlace,
} from '../../../client/sync/own-chain.ts'
import { append, chainSource, createDoc } from '../../helpers/chain-doc.ts'
import { ann, clientId, conversationId, row } from '../../helpers/client-rows.ts'
import { keepingMemory } from '../../helpers/open-rig.ts'

const one = conversationId(1)

/** Draws 100, 101, … */
function drawing(): () => ReturnType<typeof clientId> {
  let next = 100
  return () => clientId(next++)
}

/** As in a browser without Web Locks. */
function withoutLocks(storage: ClientStorage): ClientStorage {
  return { ...storage, canLock: false, lockChain: async () => undefined }
}

test('a drawn clientID has 32 bits and is another one each time', () => {
  const drawn = Array.from({ length: 50 }, drawClientId)
  expect(new Set(drawn).size).toBe(50)
  expect(drawn.every((client) => Number.isInteger(client) && client >= 0 && client < 2 ** 32)).toBe(true)
})

test('[CHAIN1] a device without chains draws one, locks it and remembers it', async () => {
  const storage = keepingMemory()
  const chain = await lockOwnChain(storage, one, drawing())
  expect(chain.client).toBe(100)
  expect(await storage.pool(one)).toEqual([{ client: 100, next: 0 }])
  expect(await storage.lockChain(one, clientId(100))).toBeUndefined()
  chain.release()
  expect(await storage.lockChain(one, clientId(100))).toBeTypeOf('function')
})

test('[CHAIN1] fifty openings one after another take one chain', async () => {
  const storage = keepingMemory()
  const draw = drawing()
  for (let opening = 0; opening < 50; opening++) {
    const chain = await lockOwnChain(storage, one, draw)
    expect(chain.client).toBe(100)
    chain.release()
  }
  expect(await storage.pool(one)).toHaveLength(1)
})

test('[CHAIN3] tabs that are open at once take different chains, and as many as there are tabs', async () => {
  const storage = keepingMemory()
  const draw = drawing()
  for (let round = 0; round < 3; round++) {
    const chains = await Promise.all([1, 2, 3].map(() => lockOwnChain(storage, one, draw)))
    expect(new Set(chains.map(({ client }) => client)).size).toBe(3)
    for (const chain of chains) chain.release()
  }
  expect((await storage.pool(one)).length).toBeLessThanOrEqual(3)
})

test('[CHAIN1] a chain with entries to bring is taken before one without', async () => {
  const storage = keepingMemory()
  await storage.putPool(one, { client: clientId(1), next: 4 })
  await storage.putOutbox(one, row(2, 0))
  await storage.putPool(one, { client: clientId(3), next: 0 })
  const chains = [await lockOwnChain(storage, one, drawing()), await lockOwnChain(storage, one, drawing())]
  expect(chains.map(({ client }) => client)).toEqual([2, 1])
})

test('[CHAIN3] without locks every opening draws a chain of its own', async () => {
  const storage = withoutLocks(keepingMemory())
  const draw = drawing()
  const clients = [await lockOwnChain(storage, one, draw), await lockOwnChain(storage, one, draw)].map(
    ({ client, release }) => {
      release()
      return client
    },
  )
  expect(clients).toEqual([100, 101])
})

test('[OUTBOX3] a device that does not remember its chain can still use it', async () => {
  const storage = { ...keepingMemory(), putPool: () => Promise.reject(new Error('the disk is full')) }
  expect((await newOwnChain(storage, one, drawing())).client).toBe(100)
})

test('own entries go to the end of the chain of the clientID', () => {
  const doc = createDoc(7)
  expect(nextOwnPlace(doc)).toEqual({ client: 7, clock: 0 })
  expect(appendOwn(doc, ann, Uint8Array.of(1))).toEqual({ client: 7, clock: 0 })
  expect(appendOwn(doc, ann, Uint8Array.of(2))).toEqual({ client: 7, clock: 1 })
  doc.clientID = 8
  expect(appendOwn(doc, ann, Uint8Array.of(3))).toEqual({ client: 8, clock: 0 })
  expect([...chainSource(doc).chains()]).toEqual([
    { client: 7, user: 'ann', next: 2 },
    { client: 8, user: 'ann', next: 1 },
  ])
  doc.clientID = 2 ** 32
  expect(() => nextOwnPlace(doc)).toThrow('32 bits')
})

/** A document with `kept` of the entries that the outbox of client 7 has from `first` on. */
async function continued(
  kept: number,
  first: number,
  length: number,
  remembered?: number,
): Promise<{ doc: Y.Doc; continues: boolean }> {
  const storage = keepingMemory()
  const doc = createDoc(7)
  append(
    doc,
    'ann',
    Array.from({ length: kept }, (_, clock) => row(7, clock).payload),
  )
  const loaded = new Y.Doc()
  Y.applyUpdate(loaded, Y.encodeStateAsUpdate(doc))
  for (let clock = first; clock < length; clock++) await storage.putOutbox(one, row(7, clock))
  if (remembered !== undefined) await storage.putPool(one, { client: clientId(7), next: remembered })
  const continues = await continueOwnChain(loaded, ann, { client: clientId(7), release: () => undefined }, storage, one)
  return { doc: loaded, continues }
}

test.each([
  { name: 'nothing was ever written', kept: 0, first: 0, length: 0, continues: true, next: 0 },
  { name: 'the document has everything', kept: 3, first: 1, length: 3, continues: true, next: 3 },
  {
    name: 'the document lost its last entries, the outbox has them',
    kept: 1,
    first: 1,
    length: 4,
    continues: true,
    next: 4,
  },
  { name: 'the document is lost, the outbox has all', kept: 0, first: 0, length: 2, continues: true, next: 2 },
  { name: 'the document has more than this device remembers', kept: 5, first: 0, length: 2, continues: true, next: 5 },
])('[CHAIN1][OUTBOX2] a chain is continued when $name', async ({ kept, first, length, continues, next }) => {
  const result = await continued(kept, first, length)
  expect(result.continues).toBe(continues)
  expect(nextOwnPlace(result.doc)).toEqual({ client: 7, clock: next })
  const source = chainSource(result.doc)
  const payloads = Array.from({ length: next }, (_, clock) => source.payloadAt(clientId(7), clock))
  // At the same clocks, the same bytes.
  expect(payloads).toEqual(Array.from({ length: next }, (_, clock) => row(7, clock).payload))
})

test.each([
  { name: 'the document is lost and what it had is stamped', kept: 0, first: 0, length: 0, remembered: 3, next: 0 },
  { name: 'there is a hole before what the outbox has', kept: 1, first: 2, length: 4, remembered: 4, next: 1 },
  { name: 'its tail is in neither', kept: 1, first: 1, length: 2, remembered: 3, next: 2 },
])('[CHAIN2] a chain is not continued when $name', async ({ kept, first, length, remembered, next }) => {
  const result = await continued(kept, first, length, remembered)
  expect(result.continues).toBe(false)
  expect(nextOwnPlace(result.doc).clock).toBe(next)
})
