// Somebody who is removed: what their browser has of the conversation is there to be read, until they delete it there.
import { expect, onTestFinished, test } from 'vitest'

import { startServerProcess } from '../helpers/server-process.ts'
import { until } from '../helpers/until.ts'
import { WebDevice } from './web-user.ts'

/** A browser takes seconds to start, and a machine with two cores runs other tests meanwhile. */
const testMs = 120_000

test(
  '[MEMBER2] a removed member reads and does not write, after a reload too, and deletes it from the device',
  { timeout: testMs },
  async () => {
    const server = await startServerProcess()
    onTestFinished(() => server.dispose())
    const id = await server.createConversation('ann', 'bob')
    await server.rest('ann', 'POST', `/api/conversations/${id}/messages`, { role: 'user', content: 'Keep this' })
    const device = await WebDevice.start()
    onTestFinished(() => device.dispose())
    const bob = await device.open(`${server.url}/#/c/${id}`)
    await bob.startCoverage()
    await bob.signIn('bob')
    await bob.shows(['sent Keep this'])
    await bob.connection('live')
    await server.rest('ann', 'DELETE', `/api/conversations/${id}/members/bob`)
    const isMarked = async (): Promise<void> => {
      await bob.at('refused').waitFor()
      expect(await bob.at('composer').isEditable()).toBe(false)
      const item = bob.at('conversation-item')
      await item.getByText('You are no longer a member.').waitFor()
      expect(await item.getAttribute('data-gone')).toBe('no-access')
      await bob.shows(['sent Keep this'])
    }
    await isMarked()
    await bob.picture('15-removed')
    await bob.page.reload()
    await isMarked()
    await bob.at('conversation-more').press('Enter')
    await bob.at('conversation-forget').click()
    await bob.at('conversation-forget-sure').click()
    await until('it is not listed', async () => (await bob.at('conversation-item').count()) === 0)
    await bob.page.reload()
    await bob.page.getByText('No conversations yet').waitFor()
    await bob.stopCoverage()
  },
)
