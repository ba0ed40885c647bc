import { expect, onTestFinished, test } from 'vitest'

import { parseRoot } from '../../shared/sync/roots.ts'
import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { StockClient } from '../helpers/stock-client.ts'
import { until } from '../helpers/until.ts'
import { WebDevice, type WebTab } from './web-user.ts'

/** A browser takes seconds to start, and a machine with two cores runs other tests meanwhile. */
const testMs = 120_000

async function startServer(): Promise<ServerProcess> {
  const server = await startServerProcess()
  onTestFinished(() => server.dispose())
  return server
}

async function startProxy(server: ServerProcess): Promise<CuttingProxy> {
  const proxy = await CuttingProxy.start(() => server.url)
  onTestFinished(() => proxy.close())
  return proxy
}

async function startDevice(): Promise<WebDevice> {
  const device = await WebDevice.start()
  onTestFinished(() => device.dispose())
  return device
}

/** Opens the conversation with `user` signed in; the address names it. */
async function enter(device: WebDevice, user: string, url: string, id: string): Promise<WebTab> {
  const tab = await device.open(`${url}/#/c/${id}`)
  await tab.signIn(user)
  await tab.connection('live')
  return tab
}

/** What a newcomer sees of a conversation: its messages, and the chains of a user's devices. */
async function look(server: ServerProcess, id: string, as: string, user: string) {
  const client = new StockClient({ url: server.url, conversation: id, user: as, token: await server.token(as) })
  try {
    await client.synced()
    const roots = [...client.doc.share.keys()].map(parseRoot)
    const chains = roots.filter((root) => root?.kind === 'chain' && root.user === user)
    return { texts: client.sentTexts(), chains: chains.length }
  } finally {
    client.destroy()
  }
}

/** Where the page at this address keeps what its user has not sent. */
function outboxOf(url: string, user: string): string {
  return `parley:${url}:${user}`
}

test(
  '[CLIENT1][CLIENT2][CLIENT4][OUTBOX2] two people, one of them cut off: one conversation in one order, nothing lost',
  { timeout: testMs },
  async () => {
    const server = await startServer()
    const proxy = await startProxy(server)
    const [annsDevice, bobsDevice] = await Promise.all([startDevice(), startDevice()])

    const ann = await annsDevice.open(proxy.url)
    await ann.startCoverage()
    await ann.signIn('ann')
    await ann.picture('1-ann-signed-in')
    const id = await ann.create('Harbour', 'bob')
    await ann.connection('live')
    await ann.send('Hello Bob')
    await ann.allSent(1)

    const bob = await bobsDevice.open(server.url)
    await bob.startCoverage()
    await bob.signIn('bob')
    await bob.choose(id)
    await bob.shows(['sent Hello Bob'])
    await bob.send('Hello Ann')
    await ann.shows(['sent Hello Bob', 'sent Hello Ann'])
    await bob.shows(['sent Hello Bob', 'sent Hello Ann'])
    await Promise.all([ann.picture('2-ann-together'), bob.picture('2-bob-together')])

    proxy.cut()
    await ann.connection('offline', 'connecting')
    const socketsBefore = proxy.counts.sockets
    for (const text of ['ann one', 'ann two']) await ann.send(text)
    for (const text of ['bob one', 'bob two']) await bob.send(text)
    await ann.shows(['sent Hello Bob', 'sent Hello Ann', 'pending ann one', 'pending ann two'])
    await bob.shows(['sent Hello Bob', 'sent Hello Ann', 'sent bob one', 'sent bob two'])
    await Promise.all([ann.picture('3-ann-cut'), bob.picture('3-bob-alone')])

    await until('the outbox has both', async () => (await ann.outboxRows(outboxOf(proxy.url, 'ann'), id)) === 2)
    await ann.stopCoverage()
    // Closed first, so that nothing comes from one tab to the other.
    await ann.page.close()
    const later = await annsDevice.open(`${proxy.url}/#/c/${id}`)
    await later.startCoverage()
    await later.shows(['sent Hello Bob', 'sent Hello Ann', 'pending ann one', 'pending ann two'])
    await later.storage('persistent')
    await later.send('ann three')
    await later.picture('4-ann-new-page-cut')
    // Whatever the new page shows, it has from this device.
    expect(proxy.counts.sockets).toBe(socketsBefore)
    expect(proxy.counts.open).toBe(0)
    expect((await look(server, id, 'bob', 'ann')).texts).not.toContain('ann one')

    proxy.heal()
    const annSees = await later.allSent(7)
    const bobSees = await bob.allSent(7)
    expect(proxy.counts.sockets).toBeGreaterThan(socketsBefore)
    expect(annSees).toEqual(bobSees)
    const texts = annSees.map(({ text }) => text)
    expect(texts).toEqual(['Hello Bob', 'Hello Ann', 'bob one', 'bob two', 'ann one', 'ann two', 'ann three'])
    expect((await look(server, id, 'bob', 'bob')).texts).toEqual(texts)
    await Promise.all([later.picture('5-ann-healed'), bob.picture('5-bob-healed')])
    await Promise.all([later.stopCoverage(), bob.stopCoverage()])
  },
)

test(
  '[CHAIN1] 50 reloads of a tab leave one chain, whenever they happen, and every message once',
  { timeout: testMs },
  async () => {
    const server = await startServer()
    const id = await server.createConversation('bob', 'ann')
    const tab = await enter(await startDevice(), 'ann', server.url, id)
    const sent: string[] = []
    for (let reload = 0; reload < 50; reload++) {
      // Some while a message is on its way, some when all is quiet, some before there is a connection.
      if (reload % 3 === 0) {
        sent.push(`at ${reload}`)
        await tab.send(`at ${reload}`)
        await tab.at('timeline').getByText(`at ${reload}`, { exact: true }).waitFor()
      }
      if (reload % 5 === 0) await tab.connection('live')
      await tab.page.reload()
      await tab.at('composer').waitFor()
    }
    const shown = await tab.allSent(sent.length)
    expect(shown.map(({ text }) => text)).toEqual(sent)
    expect(await look(server, id, 'bob', 'ann')).toEqual({ texts: sent, chains: 1 })
  },
)

test(
  '[CHAIN3] two tabs of one profile write on two chains, and hear each other without the server',
  { timeout: testMs },
  async () => {
    const server = await startServer()
    const proxy = await startProxy(server)
    const id = await server.createConversation('bob', 'ann')
    const device = await startDevice()
    const left = await enter(device, 'ann', proxy.url, id)
    const right = await device.open(`${proxy.url}/#/c/${id}`)
    await right.connection('live')
    await left.send('from the left')
    await right.shows(['sent from the left'])
    await right.send('from the right')
    await left.shows(['sent from the left', 'sent from the right'])

    proxy.cut()
    await Promise.all([left.connection('offline', 'connecting'), right.connection('offline', 'connecting')])
    await left.send('cut left')
    await right.shows(['sent from the left', 'sent from the right', 'pending cut left'])
    await right.send('cut right')
    await left.shows(['sent from the left', 'sent from the right', 'pending cut left', 'pending cut right'])
    await Promise.all([left.picture('6-left-tab-cut'), right.picture('6-right-tab-cut')])

    proxy.heal()
    const [leftSees, rightSees] = [await left.allSent(4), await right.allSent(4)]
    expect(leftSees).toEqual(rightSees)
    const { texts, chains } = await look(server, id, 'bob', 'ann')
    expect(chains).toBe(2)
    expect(texts).toEqual(leftSees.map(({ text }) => text))
  },
)

test(
  '[TAB1][LOCAL1] two accounts in one browser do not hear each other, two tabs of one account do',
  { timeout: testMs },
  async () => {
    const server = await startServer()
    const proxy = await startProxy(server)
    const id = await server.createConversation('ann', 'bob')
    const device = await startDevice()
    // The page keeps all tabs on one account; without this event a tab stays with the one it has.
    await device.addScript(() => {
      window.addEventListener('storage', (event) => event.stopImmediatePropagation(), { capture: true })
    })
    const ann = await enter(device, 'ann', proxy.url, id)
    const annAgain = await device.open(`${proxy.url}/#/c/${id}`)
    await annAgain.connection('live')
    const bob = await device.open(`${proxy.url}/#/c/${id}`)
    await bob.at('sign-out').click()
    await bob.at('sign-out-keep').click()
    await bob.signIn('bob')
    await bob.connection('live')
    await ann.send('while connected')
    await Promise.all([ann, annAgain, bob].map((tab) => tab.shows(['sent while connected'])))

    proxy.cut()
    await Promise.all([ann, annAgain, bob].map((tab) => tab.connection('offline', 'connecting')))
    await ann.send('for later')
    await annAgain.shows(['sent while connected', 'pending for later'])
    await bob.send('of my own')
    await bob.shows(['sent while connected', 'pending of my own'])
    await annAgain.shows(['sent while connected', 'pending for later'])
    const names = await bob.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name ?? ''))
    expect(names.filter((name) => name.includes(id)).toSorted()).toEqual([
      `${outboxOf(proxy.url, 'ann')}:document:${id}`,
      `${outboxOf(proxy.url, 'bob')}:document:${id}`,
    ])

    proxy.heal()
    const shown = await Promise.all([ann, annAgain, bob].map((tab) => tab.allSent(3)))
    expect(shown[1]).toEqual(shown[0])
    expect(shown[2]).toEqual(shown[0])
  },
)

test(
  '[OUTBOX2][CHAIN1] a browser that is killed right after a message was kept has it when it comes back',
  { timeout: testMs },
  async () => {
    const server = await startServer()
    const proxy = await startProxy(server)
    const id = await server.createConversation('bob', 'ann')
    const device = await startDevice()
    const first = await enter(device, 'ann', proxy.url, id)
    await first.send('stamped')
    await first.allSent(1)
    // Chromium writes localStorage seconds late: without this a kill would sign ann out, and nobody signs in while cut off.
    await device.restart()
    const before = await device.open(`${proxy.url}/#/c/${id}`)
    await before.connection('live')
    proxy.cut()
    await before.connection('offline', 'connecting')
    await before.send('kept')
    await until('the outbox has it', async () => (await before.outboxRows(outboxOf(proxy.url, 'ann'), id)) === 1)
    await device.killAndRestart()

    const after = await device.open(`${proxy.url}/#/c/${id}`)
    await after.shows(['sent stamped', 'pending kept'])
    await after.picture('7-ann-after-kill')
    proxy.heal()
    await after.shows(['sent stamped', 'sent kept'])
    await after.page.close()

    // Now with a connection: as soon as the server has it, however little this device had time to keep.
    for (const text of ['one', 'two', 'three']) {
      const tab = await device.open(`${proxy.url}/#/c/${id}`)
      await tab.connection('live')
      await tab.send(text)
      await until('the server has it', async () => (await look(server, id, 'bob', 'ann')).texts.includes(text))
      await device.killAndRestart()
    }
    const last = await device.open(`${proxy.url}/#/c/${id}`)
    await last.connection('live')
    await last.send('four')
    await last.shows(['stamped', 'kept', 'one', 'two', 'three', 'four'].map((text) => `sent ${text}`))
    const texts = ['stamped', 'kept', 'one', 'two', 'three', 'four']
    expect(await look(server, id, 'bob', 'ann')).toEqual({ texts, chains: 1 })
  },
)
