// Leaving a browser for good, and what a message said before: one person, two tabs.
import { expect, onTestFinished, test } from 'vitest'

import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { startServerProcess } from '../helpers/server-process.ts'
import { until } from '../helpers/until.ts'
import { WebDevice } from './web-user.ts'

test(
  '[WIPE1][VERSION1] a history of changes is shown, and signing out for good warns, removes all, and ends the other tab too',
  { timeout: 120_000 },
  async () => {
    const server = await startServerProcess()
    onTestFinished(() => server.dispose())
    const proxy = await CuttingProxy.start(() => server.url)
    onTestFinished(() => proxy.close())
    const id = await server.createConversation('ann', 'bob')
    const device = await WebDevice.start()
    onTestFinished(() => device.dispose())
    const ann = await device.open(`${proxy.url}/#/c/${id}`)
    await ann.startCoverage()
    await ann.signIn('ann')
    await ann.connection('live')
    await ann.send('Tea at four?')
    await ann.allSent(1)
    await ann.act('Tea at four?', 'message-edit')
    await ann.at('message-editor').fill('Coffee at four?')
    await ann.at('message-editor').press('Enter')
    await ann.showsMessage('Coffee at four?', { state: 'sent' })
    await ann.act('Coffee at four?', 'message-versions')
    await until('both versions', async () => (await ann.at('version').count()) === 2)
    expect(await ann.at('version').locator('p').allTextContents()).toEqual(['Coffee at four?', 'Tea at four?'])
    await ann.page.keyboard.press('Escape')
    await ann.at('versions').waitFor({ state: 'detached' })

    const other = await device.open(`${proxy.url}/#/c/${id}`)
    await other.connection('live')
    await ann.at('composer').fill('a draft')
    await until('the draft is with the server, and the device knows', async () => {
      const { body } = await server.rest('ann', 'GET', '/api/me/state')
      return JSON.stringify(body).includes('a draft') && (await ann.outboxRows(`parley:${proxy.url}:ann`)) === 0
    })
    proxy.cut()
    await ann.connection('offline', 'connecting')
    await other.send('for later')
    await ann.shows(['sent Coffee at four?', 'pending for later'])
    await ann.at('sign-out').click()
    await ann.at('sign-out-unsent').waitFor()
    expect(await ann.at('sign-out-unsent').getAttribute('data-count')).toBe('1')
    await ann.at('sign-out-remove').click()
    await Promise.all([ann, other].map((tab) => tab.at('sign-in-user').waitFor()))
    const left = async (): Promise<readonly string[]> =>
      ann.page.evaluate(async () => [
        ...(await indexedDB.databases()).map(({ name }) => name ?? ''),
        ...Object.keys(localStorage).filter((name) => name.includes('parley')),
      ])
    await until('nothing is left', async () => (await left()).length === 0)
  },
)
