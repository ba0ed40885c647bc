// Private state in tabs of one browser, on IndexedDB and Web Locks of the test, while the server cannot be reached.
import 'fake-indexeddb/auto'

import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { openBrowserStorage } from '../../../client/storage/browser/browser-storage.ts'
import { conversationId } from '../../helpers/client-rows.ts'
import { CuttingProxy } from '../../helpers/cutting-proxy.ts'
import { createFakeLocks } from '../../helpers/fake-locks.ts'
import { type OwnDevice, startDevice } from '../../helpers/own-devices.ts'
import { startTestServer, type TestServer } from '../../helpers/running-server.ts'
import { when } from '../../helpers/when.ts'

let server: TestServer
let proxy: CuttingProxy
const tabs: OwnDevice[] = []

beforeEach(async () => {
  server = await startTestServer()
  proxy = await CuttingProxy.start(() => server.url)
  proxy.cut()
  vi.stubGlobal('indexedDB', new IDBFactory())
  vi.stubGlobal('navigator', { locks: createFakeLocks().locks })
})
afterEach(async () => {
  await Promise.all(tabs.splice(0).map((tab) => tab.close()))
  vi.unstubAllGlobals()
  await proxy.close()
  await server.close()
})

async function openTab(): Promise<OwnDevice> {
  const tab = await startDevice(server, 'ann', { tab: { openStorage: openBrowserStorage, proxy } })
  tabs.push(tab)
  return tab
}

test('[PERSONAL1][DRAFT1][TAB1] tabs show each other’s state and drafts without a server, and together they reach it', async () => {
  const id = conversationId(1)
  const [one, two] = [await openTab(), await openTab()]
  for (const { client } of [one, two]) await when(client.personal.status, ({ phase }) => phase === 'open')
  one.client.personal.mute(id)
  void one.client.personal.setDraft(id, { content: 'in one tab' })
  await when(two.client.personal.of(id), ({ muted, draft }) => muted && draft?.content === 'in one tab')
  await two.client.personal.setDraft(id, { content: 'in the other' })
  await one.close()
  await two.close()
  const later = await openTab()
  const draft = later.client.personal.draft(id)
  await when(draft, (value) => value !== null)
  const shown = draft.getSnapshot()
  const device = await startDevice(server, 'ann')
  tabs.push(device)
  later.heal()
  const { client } = device
  await when(client.personal.of(id), (state) => state.muted && state.draft !== null)
  await when(later.client.personal.status, (status) => status.phase === 'open' && status.connection.phase === 'live')
  expect(client.personal.draft(id).getSnapshot()).toEqual(draft.getSnapshot())
  expect(['in one tab', 'in the other']).toContain(shown?.content)
})
