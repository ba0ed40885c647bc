// A whole client whose conversations are longer than their windows: what it keeps, what it tells, what it lists.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { encodeEntry } from '../../shared/chat/entry.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import type { ConversationRow } from '../../client/storage/client-storage.ts'
import { type ClientRig, startClientRig } from '../helpers/client-rig.ts'
import { bob, conversationId, conversationRow, message } from '../helpers/client-rows.ts'
import { keepingMemory, stampAll } from '../helpers/open-rig.ts'
import { createServerArchive } from '../helpers/server-archive.ts'
import type { StampingServer } from '../helpers/stamping-server.ts'

const one = conversationId(1)
const rigs: ClientRig[] = []

beforeEach(() => void vi.useFakeTimers())
afterEach(async () => {
  await Promise.all(rigs.splice(0).map(({ client }) => client.close()))
  vi.useRealTimers()
})

async function start(row: Partial<ConversationRow> = {}): Promise<ClientRig> {
  const storage = keepingMemory()
  await storage.putConversation(conversationRow(one, { access: 'writer', ...row }))
  const rig = startClientRig({ storage })
  rigs.push(rig)
  return rig
}

/** A conversation of 500 messages, of which 50 are live. */
function long(rig: ClientRig): StampingServer {
  const server = rig.server(one)
  rig.archives.set(one, createServerArchive(server))
  const doc = createDoc(7)
  append(
    doc,
    'ann',
    Array.from({ length: 500 }, (_, index) => encodeEntry(message(index + 1))),
  )
  server.receive(doc)
  stampAll(server)
  server.archive(449)
  return server
}

const settle = (ms = 10_000): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

test('[PAGE4][PAGE3] all of the archive comes to the device, in the background, and is read without the server', async () => {
  const rig = await start()
  long(rig)
  await settle()
  expect((await rig.storage.pages.facts(one)).spans).toEqual([{ from: 0, to: 450 }])
  expect(rig.client.storage.getSnapshot()).toMatchObject({ full: false, lost: false })
  expect(rig.client.storage.getSnapshot().bytes).toBeGreaterThan(10_000)
  rig.isOffline = true
  const conversation = await rig.client.open(one)
  await settle()
  while ((await conversation.loadOlder(100)) > 0);
  expect(conversation.messages.getSnapshot()).toHaveLength(500)
  expect(conversation.history.getSnapshot()).toMatchObject({ hasOlder: false, kept: { complete: true } })
})

test('[PAGE4] a conversation of which no more than the window is kept is left alone, until it says otherwise', async () => {
  const rig = await start({ keep: 'window' })
  long(rig)
  await settle()
  const conversation = await rig.client.open(one)
  expect((await rig.storage.pages.facts(one)).spans).toEqual([])
  expect(conversation.history.getSnapshot().keep).toBe('window')
  conversation.setKeep('all')
  await settle()
  expect(conversation.history.getSnapshot().keep).toBe('all')
  expect((await rig.storage.pages.facts(one)).spans).toEqual([{ from: 0, to: 450 }])
})

test('[PAGE4] while the background is paused nothing is fetched', async () => {
  const rig = await start()
  rig.client.background.pause()
  const conversation = await rig.client.open(one)
  long(rig)
  await settle()
  expect(conversation.messages.getSnapshot()).toHaveLength(50)
  expect((await rig.storage.pages.facts(one)).spans).toEqual([])
  rig.client.background.resume()
  await settle()
  expect((await rig.storage.pages.facts(one)).spans).toEqual([{ from: 0, to: 450 }])
})

test('[UNREAD1][RECEIPT1] the line tells what is unread and mentions, where the archive ends, and how far it was read', async () => {
  const rig = await start()
  const server = long(rig)
  const doc = createDoc(8)
  append(doc, 'ann', [encodeEntry({ kind: 'member', user: bob, access: 'writer' })])
  server.receive(doc)
  stampAll(server)
  const conversation = await rig.client.open(one)
  await settle()
  const entries = (): number => server.accepted.length
  for (const through of [480, 490, 499]) conversation.markRead(through)
  await settle(1)
  expect(entries()).toBe(502)
  // What was gathered is told when the page is hidden: it may never run again.
  rig.hide()
  await settle(1)
  expect(entries()).toBe(503)
  await settle()
  const [row] = await rig.storage.conversations()
  expect(row).toMatchObject({ unread: 0, mentions: 0, archivedThrough: 449, readThrough: 499, lastSeq: 502 })
})
