// What is set in dialogs: of a conversation, by its admin, and of oneself.
import { expect, test } from 'vitest'

import { until } from '../helpers/until.ts'
import { meet } from './enter.ts'

/** A browser takes seconds to start, and a machine with two cores runs other tests meanwhile. */
const testMs = 120_000

test(
  '[HISTORY1][WIPE2] an admin renames a conversation and says what late joiners see and what removed ones keep',
  { timeout: testMs },
  async () => {
    const { ann, bob } = await meet()
    await ann.send('Hello')
    await bob.shows(['sent Hello'])
    await ann.at('conversation-more').press('Enter')
    await ann.at('conversation-settings').press('Enter')
    await until('one can type', async () => (await ann.focused()) === 'settings-title')
    await ann.at('settings-title').fill('Harbour')
    await ann.at('settings-history-from-join').check()
    await ann.at('settings-wipe').check()
    await ann.picture('18-settings')
    await ann.at('settings-save').click()
    await ann.at('settings').waitFor({ state: 'detached' })
    expect(await ann.focused()).toBe('conversation-more')
    await bob.page.getByRole('heading', { name: 'Harbour' }).waitFor()
    await bob.at('event').getByText('changed the title to “Harbour”').waitFor()
    await bob.at('event').getByText('keeps nothing of it on their devices').waitFor()

    // Nothing was changed: nothing is written.
    const events = await ann.at('event').count()
    await ann.at('conversation-more').press('Enter')
    await ann.at('conversation-settings').press('Enter')
    expect(await ann.at('settings-title').inputValue()).toBe('Harbour')
    expect(await ann.at('settings-history-from-join').isChecked()).toBe(true)
    expect(await ann.at('settings-wipe').isChecked()).toBe(true)
    await ann.at('settings-title').press('Enter')
    await ann.at('settings').waitFor({ state: 'detached' })
    expect(await ann.at('event').count()).toBe(events)

    await bob.at('conversation-more').press('Enter')
    await bob.at('conversation-mute').waitFor()
    expect(await bob.at('conversation-settings').count()).toBe(0)
    await Promise.all([ann, bob].map((tab) => tab.stopCoverage()))
  },
)

test(
  '[STATUS1] who does not tell what they have read is not seen to read, and can change that',
  { timeout: testMs },
  async () => {
    const { server, id, ann, bob } = await meet()
    const choose = async (tells: boolean): Promise<void> => {
      await bob.at('profile-open').press('Enter')
      await bob.at('profile-receipts').setChecked(tells)
      await bob.picture('19-account')
      await bob.at('profile-save').click()
      await bob.at('profile').waitFor({ state: 'detached' })
      await bob.connection('live')
    }
    await bob.at('composer').fill('begun')
    await choose(false)
    await until('the draft is there again', async () => (await bob.at('composer').inputValue()) === 'begun')
    await ann.send('Did you see it?')
    await bob.shows(['sent Did you see it?'])
    await until('it is read', async () => {
      const { body } = await server.rest('bob', 'GET', '/api/me/state')
      return JSON.stringify(body).includes(`read/${id}`)
    })
    await ann.showsMessage('Did you see it?', { state: 'sent' })
    expect(await ann.message('Did you see it?').getByText('Read by all').count()).toBe(0)
    await bob.page.reload()
    await bob.connection('live')
    await choose(true)
    await ann.send('And now?')
    await ann.message('And now?').getByText('Read by all').waitFor({ state: 'attached' })
    await Promise.all([ann, bob].map((tab) => tab.stopCoverage()))
  },
)
