// Searching in the web chat, cut off: by the keyboard, over all conversations, and to the message itself.
import { expect, onTestFinished, test } from 'vitest'

import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { startServerProcess } from '../helpers/server-process.ts'
import { StockClient } from '../helpers/stock-client.ts'
import { until } from '../helpers/until.ts'
import { WebDevice } from './web-user.ts'

const messages = 2000
const sought = 40

test(
  '[SEARCH1][SEARCH3] whoever is cut off finds an old message by the keyboard, in a worker, and it opens there',
  { timeout: 120_000 },
  async () => {
    const server = await startServerProcess()
    onTestFinished(() => server.dispose())
    const proxy = await CuttingProxy.start(() => server.url)
    onTestFinished(() => proxy.close())
    const id = await server.createConversation('bob', 'ann')
    const other = await server.createConversation('bob', 'ann')
    const bob = new StockClient({ url: server.url, conversation: id, user: 'bob', token: await server.token('bob') })
    onTestFinished(() => bob.destroy())
    await bob.synced()
    for (let index = 0; index < messages; index++)
      bob.say(index === sought ? '来週は東京でCafé Zirconium に集まりましょう' : `message ${index} about nothing much`)
    await bob.sent()
    const device = await WebDevice.start()
    onTestFinished(() => device.dispose())
    const tab = await device.open(proxy.url)
    const { page } = tab
    await tab.startCoverage()
    await tab.signIn('ann')
    await tab.choose(other)
    await tab.send('nothing yet')
    await tab.allSent(1)

    await page.keyboard.press('Control+k')
    expect(await tab.focused()).toBe('search')
    await page.keyboard.type('CAFE zirc')
    // The archive comes in the background, and is found as it comes.
    const hit = tab.at('search-hit')
    await hit.waitFor()
    expect(await hit.locator('mark').allTextContents()).toEqual(['Café', 'Zirconium'])
    expect(page.workers()).toHaveLength(1)
    proxy.cut()
    await tab.connection('offline', 'connecting')
    await tab.at('search').fill('東京')
    await until('the japanese word is marked', async () => (await hit.locator('mark').allTextContents())[0] === '東京')
    await tab.at('search').fill('nothing')
    await until('both conversations are found', async () => (await hit.count()) === 50)
    await tab.picture('9-search')
    await tab.at('search').fill('東京')
    await until('one is left', async () => (await hit.count()) === 1)
    await page.keyboard.press('ArrowDown')
    expect(await tab.focused()).toBe('search-hit')
    await page.keyboard.press('Enter')
    const found = page.getByTestId('message').filter({ hasText: 'Zirconium' })
    await found.waitFor()
    await until('it is marked, and in view', () =>
      found.evaluate((element) => {
        const { top, bottom } = element.getBoundingClientRect()
        return (
          element.hasAttribute('data-sought') && top > 0 && bottom < innerHeight && element === document.activeElement
        )
      }),
    )
    await tab.picture('10-search-found')
    expect(await page.evaluate(() => location.hash)).toBe(`#/c/${id}`)
    // The same again: it is gone to again.
    await tab.at('timeline').evaluate((element) => element.scrollTo({ top: 0 }))
    await page.keyboard.press('Control+k')
    await page.keyboard.press('Enter')
    await until('it is in view again', () => found.evaluate((element) => element === document.activeElement))
    await tab.at('search').press('Escape')
    await page.locator(`[data-testid="conversation-item"][data-id="${other}"]`).waitFor()
    await tab.stopCoverage()
  },
)
