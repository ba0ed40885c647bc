// Wiping one conversation in the stores that keep something: nothing of it is left, and nothing of another is touched.
import 'fake-indexeddb/auto'

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'
import * as Y from 'yjs'

import { wipeConversation } from '../../../client/removal/wipe-conversation.ts'
import { openBrowserStorage } from '../../../client/storage/browser/browser-storage.ts'
import type { ClientStorage } from '../../../client/storage/client-storage.ts'
import { openNodeStorage } from '../../../client/storage/node/node-storage.ts'
import { stampMessage } from '../../../shared/chat/message.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { ann, clientId, conversationId, message, row } from '../../helpers/client-rows.ts'

const [one, two] = [conversationId(1), conversationId(2)]

async function openNode(): Promise<ClientStorage> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-wipe-'))
  const storage = await openNodeStorage(folder, 'http://main.example', ann)
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return storage
}

async function fill(storage: ClientStorage, id: ConversationId): Promise<void> {
  const doc = new Y.Doc()
  const cache = await storage.openDocument(id, doc)
  doc.getArray('words').push(['secret'])
  await cache.flushed()
  await cache.close()
  // A rebuild that did not come to its end.
  const next = await storage.openDocument(id, doc, 1)
  await next.flushed()
  await next.close()
  await storage.putOutbox(id, row(7, 0))
  const { kind: _kind, at, ...said } = message(1, 'secret')
  const stamped = stampMessage({ ...said, user: ann, writtenAt: at }, 0, 1)
  await storage.pages.put(id, { from: 0, to: 1, messages: [stamped] }, { asOf: 0, mayEvict: true })
}

async function leftOf(storage: ClientStorage, id: ConversationId): Promise<readonly number[]> {
  const [doc, next] = [new Y.Doc(), new Y.Doc()]
  await storage.readDocument(id, doc)
  await storage.readDocument(id, next, 1)
  const { messages } = await storage.pages.facts(id)
  const [outbox, pool] = [await storage.outbox(id), await storage.pool(id)]
  return [doc.getArray('words').length, next.getArray('words').length, messages, outbox.length, pool.length]
}

test.each([
  ['IndexedDB', () => openBrowserStorage('http://main.example', ann)],
  ['LevelDB', openNode],
])('[WIPE2] in %s', async (_what, open) => {
  const storage = await open()
  onTestFinished(() => storage.close())
  for (const id of [one, two]) await fill(storage, id)
  expect(await leftOf(storage, one)).toEqual([1, 1, 1, 1, 1])
  await wipeConversation(storage, one)
  expect(await leftOf(storage, one)).toEqual([0, 0, 0, 0, 0])
  expect(await leftOf(storage, two)).toEqual([1, 1, 1, 1, 1])
  expect(await storage.unsent()).toEqual([two])
  // Once more, where nothing is left.
  await wipeConversation(storage, one)
  expect(clientId(7)).toBe((await storage.pool(two))[0]?.client)
})
