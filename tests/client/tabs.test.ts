// Tabs of one browser in one process, on IndexedDB and Web Locks of the test, against a real server: all of them forked,
// and what becomes of the databases.
import 'fake-indexeddb/auto'

import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WebSocket as NodeWebSocket } from 'ws'
import * as Y from 'yjs'

import type { ChatClient, Conversation } from '../../client/api.ts'
import { createClient } from '../../client/chat-client.ts'
import { OpenConversation } from '../../client/open-conversation.ts'
import { openBrowserStorage } from '../../client/storage/browser/browser-storage.ts'
import { encodeEntry } from '../../shared/chat/entry.ts'
import { parseRoot } from '../../shared/sync/roots.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { createFakeLocks, type FakeLocks } from '../helpers/fake-locks.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { messageEntry, StockClient } from '../helpers/stock-client.ts'
import { when } from '../helpers/when.ts'

let server: ServerProcess
let proxy: CuttingProxy
let locks: FakeLocks
const clients: ChatClient[] = []

beforeEach(async () => {
  server = await startServerProcess()
  proxy = await CuttingProxy.start(() => server.url)
  locks = createFakeLocks()
  vi.stubGlobal('indexedDB', new IDBFactory())
  vi.stubGlobal('navigator', { locks: locks.locks })
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
  vi.unstubAllGlobals()
  await proxy.close()
  await server.dispose()
})

interface Tab {
  readonly client: ChatClient
  readonly conversation: OpenConversation
  /** As a browser does when the network is back. */
  readonly wake: () => void
}

async function openTab(id: string): Promise<Tab> {
  let wake: () => void = () => undefined
  const client = createClient(
    { url: proxy.url, user: 'ann', token: () => server.token('ann') },
    {
      openStorage: openBrowserStorage,
      // Its class has the browser's shape, and more.
      WebSocket: NodeWebSocket as unknown as typeof WebSocket,
      broadcast: true,
      fetch: globalThis.fetch,
      now: Date.now,
      // Ten tabs in one process are ten listeners, and Node warns.
      dropExitListener: (listener) => process.off('exit', listener),
      onWake: (listener) => {
        wake = listener
        return () => undefined
      },
    },
  )
  clients.push(client)
  const conversation = await client.open(id)
  if (!(conversation instanceof OpenConversation)) throw new Error('not a conversation of this client')
  return { client, conversation, wake: () => wake() }
}

async function close({ client }: Tab): Promise<void> {
  clients.splice(clients.indexOf(client), 1)
  await client.close()
}

function allSent(conversation: Conversation, count: number): Promise<unknown> {
  return when(conversation.messages, (list) => list.length === count && list.every(({ delivery }) => 'seq' in delivery))
}

function texts({ conversation }: Tab): readonly string[] {
  return conversation.messages.getSnapshot().map(({ content }) => content)
}

function live({ conversation }: Tab): Promise<unknown> {
  return when(conversation.status, ({ connection }) => connection.phase === 'live')
}

function cutOff({ conversation }: Tab): Promise<unknown> {
  return when(conversation.status, ({ connection }) => connection.phase === 'offline')
}

/** Another copy of this browser writes where each of these tabs would write next. */
async function writeAsTwins(id: string, tabs: readonly Tab[]): Promise<void> {
  for (const [index, { conversation }] of tabs.entries()) {
    const own = conversation.document.local.doc
    const doc = createDoc(own.clientID)
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(own))
    // Applying what has its own name in it renames a document.
    doc.clientID = own.clientID
    append(doc, 'ann', [encodeEntry(messageEntry(`twin ${index}`))])
    const twin = new StockClient({
      url: server.url,
      conversation: id,
      user: 'ann',
      token: await server.token('ann'),
      doc,
    })
    await twin.sent()
    twin.destroy()
  }
}

async function chainsOf(id: string): Promise<readonly number[]> {
  const client = new StockClient({ url: server.url, conversation: id, user: 'bob', token: await server.token('bob') })
  await client.synced()
  const roots = [...client.doc.share.keys()].map(parseRoot)
  client.destroy()
  return roots.flatMap((root) => (root?.kind === 'chain' && root.user === 'ann' ? [root.client] : []))
}

test.each([1, 2, 5, 10])(
  '[FORK1][CHAIN3] %i tabs that have all forked: one new document, each message once',
  async (count) => {
    const print = vi.spyOn(console, 'log').mockImplementation(() => undefined)
    const id = await server.createConversation('bob', 'ann')
    const tabs: Tab[] = []
    while (tabs.length < count) tabs.push(await openTab(id))
    await Promise.all(tabs.map(live))
    for (const [index, { conversation }] of tabs.entries()) conversation.send(`before ${index}`)
    await Promise.all(tabs.map(({ conversation }) => allSent(conversation, count)))
    const before = await chainsOf(id)
    expect(before).toHaveLength(count)

    proxy.cut()
    await Promise.all(tabs.map(cutOff))
    await writeAsTwins(id, tabs)
    for (const [index, { conversation }] of tabs.entries()) {
      conversation.send(`own ${index}`)
      conversation.send(`own again ${index}`)
    }
    await Promise.all(tabs.map(({ conversation }) => conversation.flush()))
    proxy.heal()
    // What stands behind the twins' entries the server may take where it is; the rest comes from a fresh chain.
    for (const { wake } of tabs) wake()
    await Promise.all(tabs.map(({ conversation }) => allSent(conversation, 4 * count)))
    await Promise.all(tabs.map(live))
    print.mockRestore()
    for (const tab of tabs) {
      expect(texts(tab)).toEqual(tabs[0] && texts(tabs[0]))
      expect(new Set(texts(tab)).size).toBe(4 * count)
      expect(tab.conversation.status.getSnapshot().pending).toBe(0)
    }
    const own = tabs.map(({ conversation }) => conversation.document.local.doc.clientID)
    const chains = [...own, ...before]
    expect(new Set(chains).size).toBe(2 * count)
    expect(new Set(await chainsOf(id))).toEqual(new Set(chains))

    const shown = tabs[0] && texts(tabs[0])
    for (const tab of tabs) await close(tab)
    expect(locks.held()).toEqual([])
    const [name] = (await indexedDB.databases()).flatMap(({ name: each = '' }) => (each.includes(id) ? [each] : []))
    expect(name).toMatch(/:[1-9]\d*$/)
    const again = await openTab(id)
    expect(texts(again)).toEqual(shown)
    expect(own).toContain(again.conversation.document.local.doc.clientID)
    expect(again.conversation.unsent).toBe(0)
  },
)
