// What is pinned, and one's account as a whole: taken along and deleted.
import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'

import { until } from '../helpers/until.ts'
import { meet } from './enter.ts'

/** A browser takes seconds to start, and a machine with two cores runs other tests meanwhile. */
const testMs = 120_000

test(
  '[TOUCH1] what is pinned is listed with the way to where it stands, and an admin takes a pin back there',
  { timeout: testMs },
  async () => {
    const { ann, bob } = await meet()
    await ann.send('The code is 1234')
    for (let line = 0; line < 40; line++) await ann.send(`line ${line}`)
    await bob.send('The ferry leaves at eight')
    await Promise.all([ann, bob].map((tab) => tab.allSent(42)))
    expect(await bob.at('pins-toggle').count()).toBe(0)
    await ann.act('The code is 1234', 'message-pin')
    await ann.act('The ferry leaves at eight', 'message-pin')
    await until('both are counted', async () => (await bob.at('pins-toggle').innerText()).trim() === '2')
    await bob.at('pins-toggle').press('Enter')
    const texts = () => bob.at('pin').getByTestId('message-quote').allInnerTexts()
    expect(await texts()).toEqual(['You\nThe ferry leaves at eight', 'ann\nThe code is 1234'])
    await bob.at('pin').getByText('Pinned by ann').first().waitFor()
    expect(await bob.at('pin-remove').count()).toBe(0)
    await bob.picture('20-pins')
    await bob.at('pin').getByText('The code is 1234').click()
    await until('it is gone to', () =>
      bob.message('The code is 1234').evaluate((element) => {
        const { top, bottom } = element.getBoundingClientRect()
        return element.hasAttribute('data-sought') && top > 0 && bottom < innerHeight
      }),
    )

    await ann.at('pins-toggle').click()
    await ann.at('pin-remove').first().click()
    await until('one is left', async () => (await bob.at('pins-toggle').innerText()).trim() === '1')
    await ann.at('pin').press('Escape')
    await ann.at('pins').waitFor({ state: 'detached' })
    expect(await ann.focused()).toBe('pins-toggle')
    await Promise.all([ann, bob].map((tab) => tab.stopCoverage()))
  },
)

test(
  '[ACCOUNT1][ACCOUNT2] one takes everything along, and leaves for good with what was written',
  { timeout: testMs },
  async () => {
    const { ann, bob } = await meet()
    await bob.send('I was here')
    await ann.shows(['sent I was here'])
    await bob.at('composer').fill('a draft')

    await bob.at('profile-open').click()
    const [file] = await Promise.all([bob.page.waitForEvent('download'), bob.at('account-export').click()])
    expect(file.suggestedFilename()).toBe('parley-bob.json')
    const parts = JSON.parse(readFileSync(await file.path(), 'utf8')) as readonly unknown[]
    expect(parts[0]).toMatchObject({ kind: 'account', user: 'bob' })
    expect(parts.at(-1)).toMatchObject({ kind: 'message', message: { content: 'I was here' } })
    await bob.at('account-told').getByText(`Saved, ${parts.length} parts.`).waitFor()

    await bob.at('account-delete').click()
    expect(await bob.at('delete-sure').isDisabled()).toBe(true)
    await bob.at('delete-typed').fill('bo')
    expect(await bob.at('delete-sure').isDisabled()).toBe(true)
    await bob.at('delete-erase').check()
    await bob.at('delete-typed').fill('bob')
    await bob.picture('21-delete-account')
    await bob.at('delete-sure').click()
    await bob.page.getByText('Your account was deleted.').waitFor()
    await ann.shows(['sent This message was removed.'])
    await ann.at('event').getByText('bob left').waitFor()
    const left = async (): Promise<readonly string[]> =>
      bob.page.evaluate(async () => [
        ...(await indexedDB.databases()).map(({ name }) => name ?? ''),
        ...Object.keys(localStorage).filter((name) => name.includes('parley')),
      ])
    await until('nothing is left', async () => (await left()).length === 0)
    await Promise.all([ann, bob].map((tab) => tab.stopCoverage()))
  },
)
