// What one keeps for oneself in the web chat, on two devices: drafts, and how the list is arranged.
import { expect, onTestFinished, test } from 'vitest'

import { startServerProcess } from '../helpers/server-process.ts'
import { until } from '../helpers/until.ts'
import { WebDevice, type WebTab } from './web-user.ts'

/** A browser takes seconds to start, and a machine with two cores runs other tests meanwhile. */
const testMs = 120_000

const line = (tab: WebTab, id: string) => tab.page.locator(`[data-testid="conversation-item"][data-id="${id}"]`)
const typed = (tab: WebTab): Promise<string> => tab.at('composer').inputValue()

test(
  '[DRAFT1][PERSONAL1] a draft goes from device to device and is not overwritten while one types; lists are arranged by hand',
  { timeout: testMs },
  async () => {
    const server = await startServerProcess()
    onTestFinished(() => server.dispose())
    const ids = [await server.createConversation('ann', 'bob'), await server.createConversation('ann', 'cleo')] as const
    const [device, other] = [await WebDevice.start(), await WebDevice.start()]
    onTestFinished(async () => void (await Promise.all([device.dispose(), other.dispose()])))
    const desk = await device.open(`${server.url}/#/c/${ids[0]}`)
    await desk.startCoverage()
    await desk.signIn('ann')
    await desk.connection('live')
    await desk.at('composer').fill('Dear Bob')
    const phone = await other.open(server.url)
    await phone.signIn('ann')
    await line(phone, ids[0]).getByTestId('draft').waitFor()
    expect(await line(phone, ids[0]).getByTestId('draft').innerText()).toBe('Draft: Dear Bob')
    await phone.choose(ids[0])
    await until('the phone goes on with it', async () => (await typed(phone)) === 'Dear Bob')

    // In both hands at once: nobody's text changes.
    await desk.at('composer').fill('Dear Bob, desk')
    await phone.at('composer').fill('Dear Bob, phone')
    await phone.connection('live')
    await desk.send('Dear Bob, desk and done')
    await phone.shows(['sent Dear Bob, desk and done'])
    expect(await typed(phone)).toBe('Dear Bob, phone')
    // A reload in the middle of a word, and what was just typed is there.
    await phone.at('composer').fill('Dear Bob, phone, and more')
    await phone.page.reload()
    await until('it is there again', async () => (await typed(phone)) === 'Dear Bob, phone, and more')
    // It has the focus there: nothing is put under anybody's fingers until it has not.
    await line(desk, ids[0]).getByText('Dear Bob, desk and done').waitFor()
    expect(await typed(desk)).toBe('')
    await desk.at('members-toggle').focus()
    await until('and on the desk', async () => (await typed(desk)) === 'Dear Bob, phone, and more')

    await desk.at('conversation-more').press('Enter')
    await desk.at('conversation-favourite').press('Enter')
    await line(desk, ids[0]).and(desk.page.locator('[data-favourite="true"]')).waitFor()
    expect(await desk.focused()).toBe('conversation-more')
    await desk.choose(ids[1])
    await desk.at('conversation-more').click()
    await desk.at('conversation-mute').click()
    await desk.at('conversation-more').click()
    await desk.picture('15-personal')
    await desk.at('conversation-unread').click()
    await line(desk, ids[1]).getByTestId('marked-unread').waitFor()
    await line(phone, ids[1]).getByTestId('marked-unread').waitFor()
    await desk.choose(ids[1])
    await line(phone, ids[1]).getByTestId('marked-unread').waitFor({ state: 'detached' })
    await desk.at('conversation-more').click()
    await desk.at('conversation-hide').click()
    await line(phone, ids[1]).waitFor({ state: 'detached' })
    await phone.at('hidden-toggle').press('Enter')
    await phone.at('hidden').locator(`[data-id="${ids[1]}"]`).waitFor()
    await phone.picture('16-hidden')
    await desk.stopCoverage()
  },
)
