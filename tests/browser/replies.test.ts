// Replies and mentions: written with the keyboard, quoted as what they refer to stands now.
import { expect, test } from 'vitest'

import { until } from '../helpers/until.ts'
import { meet } from './enter.ts'
import type { WebTab } from './web-user.ts'

/** A browser takes seconds to start, and a machine with two cores runs other tests meanwhile. */
const testMs = 120_000

test(
  '[QUOTE1] a reply is written with the keyboard, mentions a member, and its quote follows an edit and a removal',
  { timeout: testMs },
  async () => {
    const { ann, bob } = await meet()
    await ann.send('Tea at four?')
    await bob.shows(['sent Tea at four?'])

    await bob.act('Tea at four?', 'message-reply')
    const composer = bob.at('composer')
    await until('the text box has the focus', async () => (await bob.focused()) === 'composer')
    await bob.at('reply-preview').getByText('Tea at four?').waitFor()
    await composer.press('Escape')
    expect(await bob.at('reply-preview').count()).toBe(0)

    await bob.act('Tea at four?', 'message-reply')
    await composer.pressSequentially('Yes @a')
    await bob.at('mention-option').getByText('ann', { exact: true }).waitFor()
    await bob.picture('10-bob-mentions')
    // Escape is for the list first.
    await composer.press('Escape')
    expect([await bob.at('mention-option').count(), await bob.at('reply-preview').count()]).toEqual([0, 1])
    await composer.pressSequentially('n')
    expect(await bob.at('mention-option').count()).toBe(0)
    await composer.fill('Yes ')
    await composer.pressSequentially('@an')
    await bob.at('mention-option').waitFor()
    expect([await composer.getAttribute('role'), await composer.getAttribute('aria-expanded')]).toEqual([
      'combobox',
      'true',
    ])
    await composer.press('Enter')
    await until('the name stands there', async () => (await composer.inputValue()) === 'Yes @ann ')
    await composer.pressSequentially('with @cake')
    await composer.press('Enter')
    await Promise.all([ann, bob].map((tab) => tab.shows(['sent Tea at four?', 'sent Yes @ann with @cake'])))
    expect(await bob.at('reply-preview').count()).toBe(0)
    const mention = ann.at('mention')
    expect([await mention.textContent(), await mention.getAttribute('data-me')]).toEqual(['@ann', 'true'])

    const quoted = (tab: WebTab, text: string): Promise<unknown> =>
      tab.at('message-quote').getByText(text, { exact: true }).waitFor()
    await Promise.all([ann, bob].map((tab) => quoted(tab, 'Tea at four?')))
    await ann.act('Tea at four?', 'message-edit')
    await ann.at('message-editor').fill('Coffee at four?')
    await ann.at('message-editor').press('Enter')
    await Promise.all([ann, bob].map((tab) => quoted(tab, 'Coffee at four?')))
    await bob.at('message-quote').click()
    await until('the keyboard is at the original', async () =>
      bob.message('Coffee at four?').evaluate((element) => element.contains(document.activeElement)),
    )
    await Promise.all([ann.picture('10-ann-replies'), bob.picture('10-bob-replies')])

    await ann.act('Coffee at four?', 'message-delete')
    await ann.at('message-delete-sure').click()
    await Promise.all([ann, bob].map((tab) => quoted(tab, 'This message was removed.')))
    await Promise.all([ann, bob].map((tab) => tab.stopCoverage()))
  },
)
