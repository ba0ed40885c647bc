// What a device finds of a conversation when it opens it, whatever happened before.
import { expect, test, vi } from 'vitest'
import * as Y from 'yjs'

import { type LocalConversation, openLocal } from '../../client/local-conversation.ts'
import type { ClientStorage } from '../../client/storage/client-storage.ts'
import type { ClientId } from '../../shared/sync/ids.ts'
import { append, chainSource, createDoc } from '../helpers/chain-doc.ts'
import { ann, clientId, conversationId, message, row } from '../helpers/client-rows.ts'
import { keepingMemory } from '../helpers/open-rig.ts'

const one = conversationId(1)

let drawn = 1000
const draw = (): ClientId => clientId(drawn++)

function open(storage: ClientStorage): Promise<LocalConversation> {
  return openLocal(storage, ann, one, draw)
}

async function close({ cache, chain }: LocalConversation): Promise<void> {
  await cache.close()
  chain.release()
}

/** Keeps a document that has these entries. */
async function keep(storage: ClientStorage, client: number, ...clocks: readonly number[]): Promise<void> {
  const doc = createDoc(client)
  append(
    doc,
    'ann',
    clocks.map((clock) => row(client, clock).payload),
  )
  const loaded = new Y.Doc()
  const cache = await storage.openDocument(one, loaded)
  Y.applyUpdate(loaded, Y.encodeStateAsUpdate(doc))
  await cache.close()
}

/** Every payload of the document, chain by chain. */
function payloads(doc: Y.Doc): ReadonlyMap<ClientId, readonly unknown[]> {
  const source = chainSource(doc)
  const list = [...source.chains()].map(
    ({ client, next }) =>
      [client, Array.from({ length: next }, (_, clock) => source.payloadAt(client, clock))] as const,
  )
  return new Map(list)
}

test('[CHAIN1] a conversation opened fifty times has one chain, and the document has its clientID', async () => {
  const storage = keepingMemory()
  const clients = new Set<number>()
  for (let opening = 0; opening < 50; opening++) {
    const local = await open(storage)
    expect(local.doc.clientID).toBe(local.chain.client)
    clients.add(local.chain.client)
    await close(local)
  }
  expect(clients.size).toBe(1)
})

test('[CHAIN3] two tabs have a chain each, and find them free when both are closed', async () => {
  const storage = keepingMemory()
  const first = await open(storage)
  const second = await open(storage)
  expect(first.chain.client).not.toBe(second.chain.client)
  await close(first)
  const third = await open(storage)
  expect(third.chain.client).toBe(first.chain.client)
  await close(second)
  await close(third)
  expect(await storage.pool(one)).toHaveLength(2)
})

test('[OUTBOX2] after a crash the document has everything again, at the same clocks and with the same bytes', async () => {
  const storage = keepingMemory()
  await keep(storage, 7, 0)
  for (const clock of [0, 1, 2]) await storage.putOutbox(one, row(7, clock))
  const local = await open(storage)
  expect(local.chain.client).toBe(7)
  expect(payloads(local.doc)).toEqual(new Map([[7, [row(7, 0).payload, row(7, 1).payload, row(7, 2).payload]]]))
  expect(local.outbox).toEqual([row(7, 0), row(7, 1), row(7, 2)])
})

test('[OUTBOX2] what is appended again is kept with the document', async () => {
  const storage = keepingMemory()
  await storage.putOutbox(one, row(7, 0))
  await close(await open(storage))
  const doc = new Y.Doc()
  await storage.openDocument(one, doc)
  expect(Y.getState(doc.store, 7)).toBe(1)
})

test('[CHAIN2][OUTBOX2] a chain whose tail was lost is left, and what it had unsent goes on in a new one', async () => {
  const storage = keepingMemory()
  await keep(storage, 7, 0)
  for (const clock of [3, 4]) await storage.putOutbox(one, row(7, clock))
  const local = await open(storage)
  const { client } = local.chain
  expect(client).not.toBe(7)
  expect(local.doc.clientID).toBe(client)
  expect(payloads(local.doc)).toEqual(
    new Map([
      [clientId(7), [row(7, 0).payload]],
      [client, [row(7, 3).payload, row(7, 4).payload]],
    ]),
  )
  expect(local.outbox).toEqual([
    { ...row(7, 3), client, clock: 0 },
    { ...row(7, 4), client, clock: 1 },
  ])
  expect(await storage.pool(one)).toEqual([{ client, next: 2 }])
  expect(await storage.lockChain(one, clientId(7))).toBeTypeOf('function')
  await close(local)
  const again = await open(storage)
  expect(again.chain.client).toBe(client)
  expect(payloads(again.doc)).toEqual(payloads(local.doc))
})

test('[CHAIN2] what the outbox has right behind the kept part stays in its place, the rest moves', async () => {
  const storage = keepingMemory()
  await keep(storage, 7, 0)
  for (const clock of [1, 3]) await storage.putOutbox(one, row(7, clock))
  const local = await open(storage)
  expect(payloads(local.doc)).toEqual(
    new Map([
      [clientId(7), [row(7, 0).payload, row(7, 1).payload]],
      [local.chain.client, [row(7, 3).payload]],
    ]),
  )
  expect(local.outbox).toEqual([row(7, 1), { ...row(7, 3), client: local.chain.client, clock: 0 }])
})

test('[OUTBOX2] orphans of a chain that nobody uses are adopted exactly once', async () => {
  const storage = keepingMemory()
  // Two tabs crashed; the document's copy has nothing of either.
  for (const clock of [0, 1]) await storage.putOutbox(one, row(7, clock))
  for (const clock of [0, 1]) await storage.putOutbox(one, row(8, clock, message(50 + clock)))
  const local = await open(storage)
  const orphans = [message(50), message(51)].map((entry, clock) => row(7, 2 + clock, entry))
  expect(local.chain.client).toBe(7)
  expect(local.outbox).toEqual([row(7, 0), row(7, 1), ...orphans])
  await close(local)
  const again = await open(storage)
  expect(again.outbox).toEqual(local.outbox)
  expect(payloads(again.doc)).toEqual(new Map([[7, local.outbox.map(({ payload }) => payload)]]))
  await close(again)
})

test('[CHAIN2] a chain whose entries were adopted elsewhere is not continued', async () => {
  const storage = keepingMemory()
  await storage.putOutbox(one, row(7, 0))
  await storage.putOutbox(one, row(8, 0, message(50)))
  const first = await open(storage)
  const second = await open(storage)
  expect(first.chain.client).toBe(7)
  expect([7, 8]).not.toContain(second.chain.client)
  expect((await storage.pool(one)).map(({ client }) => client)).not.toContain(8)
})

test('[CHAIN3][OUTBOX2] what belongs to a tab that is open is left to it', async () => {
  const storage = keepingMemory()
  const release = await storage.lockChain(one, clientId(8))
  await storage.putOutbox(one, row(8, 0))
  const local = await open(storage)
  expect(payloads(local.doc).size).toBe(0)
  expect(local.outbox).toEqual([row(8, 0)])
  await close(local)
  release?.()
  expect((await open(storage)).chain.client).toBe(8)
})

test('[OUTBOX2] what the document already has of another chain needs no adoption', async () => {
  const storage = keepingMemory()
  await keep(storage, 8, 0)
  await storage.putOutbox(one, row(7, 0, message(50)))
  await storage.putOutbox(one, row(8, 0))
  const local = await open(storage)
  expect(local.chain.client).toBe(7)
  expect(payloads(local.doc).get(clientId(8))).toEqual([row(8, 0).payload])
  expect(local.outbox).toHaveLength(2)
  expect(local.outbox).toContainEqual(row(8, 0))
})

test('[CHAIN3][OUTBOX2] without locks the chain is new, and what waits is brought by it', async () => {
  const storage: ClientStorage = { ...keepingMemory(), canLock: false, lockChain: async () => undefined }
  await storage.putOutbox(one, row(7, 0))
  const local = await open(storage)
  const { client } = local.chain
  expect(client).not.toBe(7)
  expect(payloads(local.doc)).toEqual(new Map([[client, [row(7, 0).payload]]]))
  expect(local.outbox).toEqual([{ ...row(7, 0), client }])
})

test.each(['pool', 'outbox', 'openDocument'] as const)(
  '[OUTBOX3] when the device cannot read (%s), the conversation opens in memory and says why',
  async (method) => {
    const storage: ClientStorage = { ...keepingMemory(), [method]: () => Promise.reject(new Error('cannot be read')) }
    const local = await open(storage)
    expect(local.storage.status).toEqual({ phase: 'memory', reason: 'cannot be read' })
    append(local.doc, 'ann', [row(1, 0).payload])
    expect(local.doc.clientID).toBe(local.chain.client)
  },
)

test('[CHAIN1] a conversation that could not be read does not keep its chain from the next opening', async () => {
  const storage = keepingMemory()
  await close(await open(storage))
  const openDocument = vi.fn<ClientStorage['openDocument']>(storage.openDocument).mockRejectedValueOnce('not an error')
  const flaky: ClientStorage = { ...storage, openDocument }
  expect((await open(flaky)).storage.status).toEqual({ phase: 'memory', reason: 'not an error' })
  const local = await open(flaky)
  expect(local.storage.status).toEqual({ phase: 'persistent' })
  expect(await storage.pool(one)).toEqual([{ client: local.chain.client, next: 0 }])
})
