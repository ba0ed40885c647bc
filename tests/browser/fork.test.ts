// What happens to devices: profiles that are copied, databases that lose their end, tabs that crash, browsers without
// locks. In each case one conversation comes out, with each message once.
import { expect, onTestFinished, test } from 'vitest'

import { parseRoot } from '../../shared/sync/roots.ts'
import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { StockClient } from '../helpers/stock-client.ts'
import { until } from '../helpers/until.ts'
import { WebDevice, type WebTab } from './web-user.ts'

/** A browser takes seconds to start, and a machine with two cores runs other tests meanwhile. */
const testMs = 120_000

interface Stage {
  readonly server: ServerProcess
  readonly proxy: CuttingProxy
  readonly id: string
  readonly device: WebDevice
  /** Opens the conversation, with ann signed in already. */
  readonly open: (device?: WebDevice) => Promise<WebTab>
}

/** A conversation of bob and ann, and ann's browser behind a proxy that can cut it off, signed in. */
async function setStage(script?: () => void): Promise<Stage> {
  const server = await startServerProcess()
  onTestFinished(() => server.dispose())
  const proxy = await CuttingProxy.start(() => server.url)
  onTestFinished(() => proxy.close())
  const id = await server.createConversation('bob', 'ann')
  const device = await WebDevice.start()
  onTestFinished(() => device.dispose())
  if (script !== undefined) await device.addScript(script)
  const first = await device.open(`${proxy.url}/#/c/${id}`)
  await first.signIn('ann')
  await first.connection('live')
  await first.page.close()
  return { server, proxy, id, device, open: (on = device) => on.open(`${proxy.url}/#/c/${id}`) }
}

/** What a newcomer sees of a conversation: its messages, and how many chains ann's devices have. */
async function look({ server, id }: Stage) {
  const client = new StockClient({ url: server.url, conversation: id, user: 'bob', token: await server.token('bob') })
  try {
    await client.synced()
    const roots = [...client.doc.share.keys()].map(parseRoot)
    const chains = roots.filter((root) => root?.kind === 'chain' && root.user === 'ann')
    return { texts: client.sentTexts(), chains: chains.length }
  } finally {
    client.destroy()
  }
}

function textsOf(shown: readonly { readonly text: string }[]): readonly string[] {
  return shown.map(({ text }) => text)
}

/** Names of the databases of the page's origin that have to do with the conversation. */
function documents({ page }: WebTab, id: string): Promise<readonly string[]> {
  return page.evaluate(async (part) => {
    const names = (await indexedDB.databases()).map(({ name = '' }) => name)
    return names.filter((name) => name.includes(part)).map((name) => name.slice(name.indexOf(part) + part.length))
  }, id)
}

/** The network is there again, and the browser says so: nobody waits for the next attempt. */
async function heal(proxy: CuttingProxy, ...tabs: readonly WebTab[]): Promise<void> {
  proxy.heal()
  await Promise.all(tabs.map(({ page }) => page.evaluate(() => window.dispatchEvent(new Event('online')))))
}

async function offline(...tabs: readonly WebTab[]): Promise<void> {
  await Promise.all(tabs.map((tab) => tab.connection('offline', 'connecting')))
}

test.each(['at once', 'one after the other'] as const)(
  '[FORK1][CHAIN1] a profile copied while offline, both copies written to, back %s: one conversation, each message once',
  { timeout: testMs },
  async (back) => {
    const stage = await setStage()
    const { proxy, device, id } = stage
    const before = await stage.open()
    await before.connection('live')
    await before.send('before')
    await before.allSent(1)
    proxy.cut()
    const copy = await device.copy()
    onTestFinished(() => copy.dispose())
    const left = await stage.open()
    let right = await stage.open(copy)
    await offline(left, right)
    for (const text of ['left one', 'left two']) await left.send(text)
    for (const text of ['right one', 'right two', 'right three']) await right.send(text)
    await left.shows(['sent before', 'pending left one', 'pending left two'])
    await right.shows(['sent before', 'pending right one', 'pending right two', 'pending right three'])
    if (back === 'at once') {
      await heal(proxy, left, right)
    } else {
      // The shorter chain first: the server asks the other for nothing but its end. That one is closed until then, for
      // an open one tries again by itself.
      await until('it is kept', async () => (await right.outboxRows(`parley:${proxy.url}:ann`, id)) === 3)
      await right.page.close()
      await heal(proxy, left)
      await left.allSent(3)
      right = await stage.open(copy)
    }
    const [leftSees, rightSees] = [await left.allSent(6), await right.allSent(6)]
    expect(leftSees).toEqual(rightSees)
    const texts = textsOf(leftSees)
    expect(texts.filter((text) => text.startsWith('left'))).toEqual(['left one', 'left two'])
    expect(texts.filter((text) => text.startsWith('right'))).toEqual(['right one', 'right two', 'right three'])
    expect(await look(stage)).toEqual({ texts, chains: 2 })
    // Whichever came second has a new document, and nothing of the one before.
    const kept = await Promise.all([left, right].map((tab) => documents(tab, id)))
    expect(kept.flat().toSorted()).toEqual(['', ':1'])
    await left.send('left three')
    await right.send('right four')
    expect(await left.allSent(8)).toEqual(await right.allSent(8))
    await Promise.all([left.page.reload(), right.page.reload()])
    expect(await left.allSent(8)).toEqual(await right.allSent(8))
    expect((await look(stage)).chains).toBe(2)
  },
)

test(
  '[FORK1][CHAIN2] a browser whose databases lost their end, and that was written to before it was told',
  { timeout: testMs },
  async () => {
    const stage = await setStage()
    const { proxy } = stage
    const before = await stage.open()
    await before.connection('live')
    await before.send('one')
    await before.allSent(1)
    await before.page.close()
    // A page of the same origin that is not the application.
    const aside = await stage.device.open(`${proxy.url}/icon.svg`)
    await aside.page.evaluate(takeAway)
    const later = await stage.open()
    await later.connection('live')
    await later.send('two')
    await later.allSent(2)
    await later.page.close()
    await aside.page.evaluate(putBack)

    proxy.cut()
    const tab = await stage.open()
    await offline(tab)
    await tab.send('three')
    await tab.shows(['sent one', 'pending three'])
    await heal(proxy, tab)
    await tab.shows(['sent one', 'sent two', 'sent three'])
    await tab.page.reload()
    await tab.shows(['sent one', 'sent two', 'sent three'])
    expect(await look(stage)).toEqual({ texts: ['one', 'two', 'three'], chains: 2 })
  },
)

test(
  '[CHAIN3][CHAIN1][OUTBOX2] two, five, ten tabs: as many chains, taken over from tabs that are closed or crash',
  { timeout: testMs },
  async () => {
    const stage = await setStage()
    const { proxy } = stage
    const tabs: WebTab[] = []
    const sent: string[] = []
    for (const count of [2, 5, 10]) {
      while (tabs.length < count) tabs.push(await stage.open())
      await Promise.all(tabs.map((tab) => tab.connection('live')))
      proxy.cut()
      await offline(...tabs)
      const texts = tabs.map((_tab, index) => `${count} tabs: ${index}`)
      sent.push(...texts)
      await Promise.all(tabs.map((tab, index) => tab.send(texts[index] ?? '')))
      await heal(proxy, ...tabs)
      const shown = await Promise.all(tabs.map((tab) => tab.allSent(sent.length)))
      for (const each of shown) expect(each).toEqual(shown[0])
      expect(textsOf(shown[0] ?? []).toSorted()).toEqual(sent.toSorted())
      expect((await look(stage)).chains).toBe(count)
    }

    proxy.cut()
    await offline(...tabs)
    const [crashing, closing, ...rest] = tabs
    if (crashing === undefined || closing === undefined) throw new Error('there are no tabs')
    await Promise.all([crashing.send('before the crash'), closing.send('before the close')])
    await Promise.all(
      rest.map((tab) =>
        tab
          .at('message')
          .nth(sent.length + 1)
          .waitFor(),
      ),
    )
    const crashed = new Promise((resolve) => crashing.page.once('crash', resolve))
    crashing.page.goto('chrome://crash').catch(() => undefined)
    await crashed
    // One closes while others take chains over.
    const [, ...fresh] = await Promise.all([closing.page.close(), stage.open(), stage.open()])
    sent.push('before the crash', 'before the close')
    await Promise.all(fresh.map((tab, index) => tab.send(`taken over ${index}`)))
    sent.push('taken over 0', 'taken over 1')
    const all = [...rest, ...fresh]
    await heal(proxy, ...all)
    const shown = await Promise.all(all.map((tab) => tab.allSent(sent.length)))
    for (const each of shown) expect(each).toEqual(shown[0])
    const { texts, chains } = await look(stage)
    expect(texts.toSorted()).toEqual(sent.toSorted())
    // The tab that opens while another one closes can be too early for its lock.
    expect(chains).toBeLessThanOrEqual(11)
  },
)

test(
  '[CHAIN3][OUTBOX2] without Web Locks: a fresh chain each time, nothing lost, and nothing that grows with every visit',
  { timeout: testMs },
  async () => {
    const stage = await setStage(() => Object.defineProperty(navigator, 'locks', { value: undefined }))
    const { proxy } = stage
    const sent: string[] = []
    for (let visit = 0; visit < 6; visit++) {
      if (visit % 2 === 0) proxy.cut()
      const tab = await stage.open()
      sent.push(`visit ${visit}`)
      await tab.at('composer').waitFor()
      await tab.send(`visit ${visit}`)
      await tab.at('timeline').getByText(`visit ${visit}`, { exact: true }).waitFor()
      await until(
        'it is kept',
        async () => (await tab.outboxRows(`parley:${proxy.url}:ann`, stage.id)) > 0 || visit % 2 === 1,
      )
      await heal(proxy, tab)
      if (visit % 2 === 1) await tab.allSent(sent.length)
      await tab.page.close()
    }
    const [left, right] = [await stage.open(), await stage.open()]
    await left.allSent(sent.length)
    await Promise.all([left.send('left'), right.send('right')])
    expect(await left.allSent(sent.length + 2)).toEqual(await right.allSent(sent.length + 2))
    const pool = await left.page.evaluate(
      ([name, conversation]) =>
        new Promise<number>((resolve) => {
          const opening = indexedDB.open(name)
          opening.addEventListener('success', () => {
            const range = IDBKeyRange.bound([conversation], [conversation, []])
            const count = opening.result.transaction('pool').objectStore('pool').count(range)
            count.addEventListener('success', () => resolve(count.result))
          })
        }),
      [`parley:${proxy.url}:ann`, stage.id] as const,
    )
    expect(pool).toBeLessThanOrEqual(3)
    expect((await look(stage)).texts.toSorted()).toEqual([...sent, 'left', 'right'].toSorted())
  },
)

interface Row {
  readonly key: IDBValidKey
  readonly value: unknown
}

/** Rows by database and store. */
type Databases = readonly (readonly [string, readonly (readonly [string, readonly Row[]])[]])[]

/** In the page: remembers all that the databases have. */
async function takeAway(): Promise<void> {
  const done = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.addEventListener('success', () => resolve(request.result))
      request.addEventListener('error', () => reject(new Error('it cannot be read')))
    })
  const databases: [string, [string, Row[]][]][] = []
  for (const { name = '' } of await indexedDB.databases()) {
    const db = await done(indexedDB.open(name))
    const stores: [string, Row[]][] = []
    for (const store of db.objectStoreNames) {
      const rows = db.transaction(store).objectStore(store)
      const [keys, values] = await Promise.all([done(rows.getAllKeys()), done(rows.getAll())])
      stores.push([store, keys.map((key, index) => ({ key, value: values[index] }))])
    }
    db.close()
    databases.push([name, stores])
  }
  Object.assign(globalThis, { parleyTaken: databases })
}

/** In the page: makes the databases what they were. */
async function putBack(): Promise<void> {
  const databases = (globalThis as unknown as { readonly parleyTaken: Databases }).parleyTaken
  for (const [name, stores] of databases) {
    const db = await new Promise<IDBDatabase>((resolve) => {
      const opening = indexedDB.open(name)
      opening.addEventListener('success', () => resolve(opening.result))
    })
    for (const [store, rows] of stores) {
      const transaction = db.transaction(store, 'readwrite')
      const objects = transaction.objectStore(store)
      objects.clear()
      for (const { key, value } of rows) {
        if (objects.keyPath === null) objects.put(value, key)
        else objects.put(value)
      }
      await new Promise((resolve) => transaction.addEventListener('complete', resolve))
    }
    db.close()
  }
}
