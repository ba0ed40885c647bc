// Messages that change: two people in two browsers edit, answer, pin and remove, and see the same.
import { expect, onTestFinished, test } from 'vitest'

import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { startServerProcess } from '../helpers/server-process.ts'
import { until } from '../helpers/until.ts'
import { WebDevice, type WebTab } from './web-user.ts'

/** A browser takes seconds to start, and a machine with two cores runs other tests meanwhile. */
const testMs = 120_000

/** A conversation of ann, who owns it, and bob, both with a browser; ann's is behind a proxy that can cut it off. */
async function setStage() {
  const server = await startServerProcess()
  onTestFinished(() => server.dispose())
  const proxy = await CuttingProxy.start(() => server.url)
  onTestFinished(() => proxy.close())
  const id = await server.createConversation('ann', 'bob')
  const enter = async (user: string, url: string): Promise<WebTab> => {
    const device = await WebDevice.start()
    onTestFinished(() => device.dispose())
    const tab = await device.open(`${url}/#/c/${id}`)
    await tab.startCoverage()
    await tab.signIn(user)
    await tab.connection('live')
    return tab
  }
  const [ann, bob] = await Promise.all([enter('ann', proxy.url), enter('bob', server.url)])
  return { server, proxy, id, ann, bob }
}

/** Waits until each of them shows the same of a message. */
async function both(tabs: readonly WebTab[], text: string, wanted: Partial<Record<string, string>>): Promise<void> {
  await Promise.all(tabs.map((tab) => tab.showsMessage(text, wanted)))
}

test(
  '[TOUCH1] edits, reactions, pins and removals in one browser are seen in the other, and wait when it is cut off',
  { timeout: testMs },
  async () => {
    const { proxy, ann, bob } = await setStage()
    const tabs = [ann, bob]
    await ann.send('Tea at four?')
    await bob.shows(['sent Tea at four?'])
    await bob.send('With cake')
    await ann.allSent(2)

    await ann.act('Tea at four?', 'message-edit')
    const editor = ann.at('message-editor')
    await editor.fill('nothing of this')
    await editor.press('Escape')
    await ann.shows(['sent Tea at four?', 'sent With cake'])
    expect(await ann.focused()).toBe('message-more')
    await ann.act('Tea at four?', 'message-edit')
    await editor.fill('Coffee at four?')
    await editor.press('Enter')
    await both(tabs, 'Coffee at four?', { state: 'sent' })
    await Promise.all(tabs.map((tab) => tab.message('Coffee at four?').getByTestId('message-edited').waitFor()))

    await bob.act('Coffee at four?', 'message-react')
    await both(tabs, 'Coffee at four?', { reactions: '👍 1' })
    expect(await bob.message('Coffee at four?').getByTestId('reaction').getAttribute('aria-pressed')).toBe('true')
    const chip = ann.message('Coffee at four?').getByTestId('reaction')
    expect([await chip.getAttribute('aria-pressed'), await chip.getAttribute('title')]).toEqual(['false', 'bob'])
    await chip.click()
    await both(tabs, 'Coffee at four?', { reactions: '👍 2' })
    expect(await chip.getAttribute('title')).toBe('bob and you')
    await chip.click()
    await both(tabs, 'Coffee at four?', { reactions: '👍 1' })

    await ann.act('With cake', 'message-pin')
    await both(tabs, 'With cake', { pinned: 'true' })
    await Promise.all([ann.picture('7-ann-touches'), bob.picture('7-bob-touches')])
    // Bob writes, so he changes his own messages only, and pins none.
    await bob.openMenu('Coffee at four?')
    expect(await bob.offered()).toEqual([
      'message-details',
      'message-emoji',
      'message-react',
      'message-reply',
      'message-thread',
    ])
    await bob.page.keyboard.press('Escape')
    await bob.openMenu('With cake')
    expect(await bob.offered()).toEqual([
      'message-delete',
      'message-details',
      'message-edit',
      'message-emoji',
      'message-react',
      'message-reply',
      'message-thread',
    ])
    await bob.at('message-emoji').press('Enter')
    await bob.at('emoji-input').fill('🦊')
    await both(tabs, 'With cake', { reactions: '🦊 1' })
    expect(await bob.focused()).toBe('message-more')
    await ann.act('With cake', 'message-details')
    const people = (title: string) => ann.page.locator(`[data-testid="details-people"][data-title="${title}"]`)
    await people('🦊').getByText('bob').waitFor()
    await ann.page.keyboard.press('Escape')
    await ann.at('details').waitFor({ state: 'detached' })
    expect(await ann.focused()).toBe('message-more')
    await bob.act('With cake', 'message-details')
    const told = bob.page.locator('[data-testid="details-people"][data-title="Read by"]')
    await told.getByText('ann', { exact: true }).waitFor()
    await bob.page.keyboard.press('Escape')
    await bob.openMenu('With cake')
    await bob.page.keyboard.press('Escape')

    proxy.cut()
    await ann.connection('offline', 'connecting')
    await ann.act('With cake', 'message-delete')
    await ann.at('message-delete-sure').click()
    const removed = 'This message was removed by you.'
    await ann.showsMessage(removed, { changes: 'pending', redacted: 'true' })
    await bob.shows(['sent Coffee at four?', 'sent With cake'])
    await ann.picture('8-ann-removes-cut')
    proxy.heal()
    await ann.showsMessage(removed, { changes: '', redacted: 'true' })
    await bob.showsMessage('This message was removed by ann.', { redacted: 'true', reactions: '🦊 1' })
    await Promise.all(
      tabs.map((tab) =>
        tab.shows(['sent Coffee at four?', `sent ${tab === ann ? removed : 'This message was removed by ann.'}`]),
      ),
    )
    await Promise.all(tabs.map((tab) => tab.stopCoverage()))
  },
)

test(
  '[TOUCH2] a change that came too late is told with its reason, and can be dismissed; nothing changes by it',
  { timeout: testMs },
  async () => {
    const { server, proxy, id, ann, bob } = await setStage()
    await ann.send('To be argued about')
    await ann.allSent(1)
    await bob.allSent(1)
    proxy.cut()
    await ann.connection('offline', 'connecting')
    await ann.act('To be argued about', 'message-edit')
    await ann.at('message-editor').fill('No argument')
    await ann.at('message-save').click()
    await ann.showsMessage('No argument', { changes: 'pending' })
    // On another of ann's devices.
    const [message] = (await server.rest('ann', 'GET', `/api/conversations/${id}/messages`)).body as { id: string }[]
    const { status } = await server.rest('ann', 'DELETE', `/api/conversations/${id}/messages/${message?.id ?? ''}`)
    expect(status).toBe(204)
    proxy.heal()
    await Promise.all([ann, bob].map((tab) => tab.showsMessage('This message was removed.', { changes: '' })))
    const notice = ann.at('failed-change')
    await notice.waitFor()
    expect(await notice.textContent()).toContain('No argument')
    await ann.picture('9-ann-failed-change')
    await ann.at('failed-change-dismiss').click()
    await until('it is gone', async () => (await notice.count()) === 0)
    await ann.page.reload()
    await ann.showsMessage('This message was removed.', { changes: '' })
    expect(await notice.count()).toBe(0)
  },
)
