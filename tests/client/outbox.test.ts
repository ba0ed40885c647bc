// What happens to an own entry from the moment it is typed until its fate is known.
import { expect, test, vi } from 'vitest'

import { createOutbox, type Outbox, type OutboxDeps } from '../../client/outbox.ts'
import type { ClientStorage, OutboxRow } from '../../client/storage/client-storage.ts'
import { encodeEntry } from '../../shared/chat/entry.ts'
import { ConversationFold } from '../../shared/chat/fold.ts'
import { append, chainSource, createDoc } from '../helpers/chain-doc.ts'
import { clientId, conversationId, message, messageId, row } from '../helpers/client-rows.ts'
import { createFoldedDoc } from '../helpers/folded-doc.ts'
import { keepingMemory } from '../helpers/open-rig.ts'
import { createStampingServer } from '../helpers/stamping-server.ts'
import { deferred, turn } from '../helpers/when.ts'

const one = conversationId(1)

interface Opened {
  readonly outbox: Outbox
  readonly storage: ClientStorage
  readonly failures: readonly unknown[]
}

function open(more: Partial<OutboxDeps> = {}): Opened {
  const failures: unknown[] = []
  const storage = more.storage ?? keepingMemory()
  const outbox = createOutbox({
    id: one,
    rows: [],
    documentFlushed: async () => undefined,
    onFailure: (error) => void failures.push(error),
    ...more,
    storage,
  })
  return { outbox, storage, failures }
}

/** The fold of a document in which these rows of one client are stamped, some of them void. */
function foldOf(rows: readonly OutboxRow[], voids: Readonly<Record<number, string>> = {}): ConversationFold {
  const doc = createDoc(rows[0]?.client ?? 1)
  append(
    doc,
    'ann',
    rows.map(({ payload }) => payload),
  )
  const server = createStampingServer()
  server.receive(doc)
  const entries = rows.map(({ client, clock }) => {
    const voidReason = voids[clock]
    return voidReason === undefined ? { client, clock } : { client, clock, voidReason }
  })
  server.commit(entries, 5000)
  expect(chainSource(server.doc).serverClient()).toBe(900)
  return createFoldedDoc(server.doc).fold()
}

test('[OUTBOX1] a row is put before anything else is said of it', async () => {
  const kept = deferred()
  const storage: ClientStorage = { ...keepingMemory(), putOutbox: () => kept.promise }
  const { outbox } = open({ storage })
  const told: string[] = []
  const put = outbox.put(row(7, 0)).then(() => told.push('put'))
  const flushed = outbox.flushed().then(() => told.push('flushed'))
  expect(outbox.size()).toBe(1)
  await turn()
  expect(told).toEqual([])
  kept.resolve()
  await Promise.all([put, flushed])
  expect(told).toEqual(['put', 'flushed'])
})

test('[OUTBOX2] what is sent is dropped, what has no stamp stays', async () => {
  const { outbox, storage } = open()
  const rows = [row(7, 0), row(7, 1), row(7, 2)]
  for (const each of rows) await outbox.put(each)
  outbox.settle(new ConversationFold())
  expect(outbox.size()).toBe(3)
  outbox.settle(foldOf(rows.slice(0, 2)))
  expect(outbox.size()).toBe(1)
  await outbox.flushed()
  expect(await storage.outbox(one)).toEqual([row(7, 2)])
  expect(outbox.failed()).toEqual([])
})

test('[OUTBOX2] a row goes only when the copy of the document has what the document has', async () => {
  const documentKept = deferred()
  const { outbox, storage } = open({ documentFlushed: () => documentKept.promise })
  await outbox.put(row(7, 0))
  outbox.settle(foldOf([row(7, 0)]))
  expect(outbox.size()).toBe(0)
  await turn()
  expect(await storage.outbox(one)).toEqual([row(7, 0)])
  documentKept.resolve()
  await outbox.flushed()
  expect(await storage.outbox(one)).toEqual([])
})

test('[OUTBOX2] a row stays when the copy of the document could not be written', async () => {
  const { outbox, storage, failures } = open({ documentFlushed: () => Promise.reject(new Error('the disk is full')) })
  await outbox.put(row(7, 0))
  outbox.settle(foldOf([row(7, 0)]))
  await outbox.flushed()
  expect(await storage.outbox(one)).toEqual([row(7, 0)])
  expect(failures).toEqual([new Error('the disk is full')])
})

test('[CLIENT4][OUTBOX2] a void message stays, as failed with its reason, until it is discarded', async () => {
  const { outbox, storage } = open()
  const rows = [row(7, 0), row(7, 1)]
  for (const each of rows) await outbox.put(each)
  const fold = foldOf(rows, { 1: 'access' })
  outbox.settle(fold)
  expect(outbox.size()).toBe(0)
  expect(outbox.failed()).toEqual([{ entry: message(2), row: row(7, 1), reason: 'access' }])
  const before = outbox.failed()
  outbox.settle(fold)
  expect(outbox.failed()).toBe(before)
  await outbox.flushed()
  expect(await storage.outbox(one)).toEqual([row(7, 1)])

  expect(outbox.discard(messageId(1))).toBeUndefined()
  expect(outbox.discard(messageId(2))).toEqual(before[0])
  expect(outbox.discard(messageId(2))).toBeUndefined()
  expect(outbox.failed()).toEqual([])
  await outbox.flushed()
  expect(await storage.outbox(one)).toEqual([])
})

test('[CLIENT4] what was void before this start is failed again, in its order', () => {
  const rows = [row(7, 0), row(7, 1), row(7, 2)]
  const { outbox } = open({ rows })
  outbox.settle(foldOf(rows, { 0: 'too-large', 2: 'of-a-later-version' }))
  expect(outbox.failed().map(({ entry, reason }) => [entry.content, reason])).toEqual([
    ['message 1', 'too-large'],
    ['message 3', 'unknown'],
  ])
})

test('[CLIENT4] a duplicate is dropped: the other one counts', async () => {
  const { outbox, storage } = open({ rows: [row(7, 0)] })
  await storage.putOutbox(one, row(7, 0))
  outbox.settle(foldOf([row(7, 0)], { 0: 'duplicate' }))
  expect(outbox.failed()).toEqual([])
  await outbox.flushed()
  expect(await storage.outbox(one)).toEqual([])
})

test('[OUTBOX4] a void entry in which there is nothing to do again is dropped', async () => {
  const entries = [
    { ...row(7, 0), payload: encodeEntry({ kind: 'read', through: 4 }) },
    { ...row(7, 1), payload: Uint8Array.of(1, 2, 3) },
  ]
  const { outbox, storage } = open({ rows: entries })
  for (const entry of entries) await storage.putOutbox(one, entry)
  outbox.settle(foldOf(entries, { 0: 'access', 1: 'bad-json' }))
  expect(outbox.failed()).toEqual([])
  await outbox.flushed()
  expect(await storage.outbox(one)).toEqual([])
})

test('[OUTBOX3] a device that refuses a row says so; the row lives on in memory', async () => {
  const refused = new Error('the disk is full')
  const storage: ClientStorage = { ...keepingMemory(), putOutbox: () => Promise.reject(refused) }
  const { outbox, failures } = open({ storage })
  await expect(outbox.put(row(7, 0))).resolves.toBeUndefined()
  expect(failures).toEqual([refused])
  expect(outbox.size()).toBe(1)
  outbox.settle(foldOf([row(7, 0)], { 0: 'access' }))
  expect(outbox.failed().map(({ entry }) => entry)).toEqual([message(1)])
})

test('flushed waits for writes that begin while it waits', async () => {
  const first = deferred()
  const second = deferred()
  const putOutbox = vi
    .fn<ClientStorage['putOutbox']>()
    .mockReturnValueOnce(first.promise)
    .mockReturnValueOnce(second.promise)
  const { outbox } = open({ storage: { ...keepingMemory(), putOutbox } })
  let isFlushed = false
  void outbox.put(row(7, 0)).then(() => void outbox.put(row(7, 1)))
  const flushed = outbox.flushed().then(() => {
    isFlushed = true
  })
  first.resolve()
  await turn()
  expect(isFlushed).toBe(false)
  second.resolve()
  await flushed
})

test('chains are told apart: the same clock on another chain is another entry', () => {
  const { outbox } = open({ rows: [row(7, 0), row(8, 0, message(9))] })
  outbox.settle(foldOf([row(8, 0, message(9))]))
  expect(outbox.size()).toBe(1)
  const fold = foldOf([row(8, 0, message(9))])
  expect(fold.stampedThrough(clientId(7))).toBe(0)
})
