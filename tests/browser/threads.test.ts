// A thread beside its conversation: opened at a message, answered by two people, read, and closed by the keyboard.
import { expect, onTestFinished, test } from 'vitest'

import { startServerProcess } from '../helpers/server-process.ts'
import { until } from '../helpers/until.ts'
import { enter, meet } from './enter.ts'
import type { WebTab } from './web-user.ts'

/** A browser takes seconds to start, and a machine with two cores runs other tests meanwhile. */
const testMs = 120_000

test(
  '[THREAD1][THREAD3] two people answer a message in its thread, and each sees how many answers there are',
  { timeout: testMs },
  async () => {
    const { ann, bob } = await meet()
    await ann.send('Where do we eat?')
    await bob.shows(['sent Where do we eat?'])

    await bob.act('Where do we eat?', 'message-thread')
    const answer = async (tab: WebTab, text: string): Promise<void> => {
      await tab.at('thread-composer').fill(text)
      await tab.at('thread-composer').press('Enter')
    }
    await answer(bob, 'At home')
    await answer(bob, 'Or at yours')
    await ann.at('thread-open').getByText('2 answers by bob').waitFor()
    await ann.at('thread-open').first().click()
    await ann.at('thread').getByText('Or at yours').waitFor()
    await answer(ann, 'Home it is')
    await bob.at('thread').getByText('Home it is').waitFor()
    await until('all are counted', async () => (await bob.at('thread-count').textContent()) === '3 answers')
    await Promise.all([ann.picture('11-ann-thread'), bob.picture('11-bob-thread')])

    await bob.at('thread-composer').press('Escape')
    await until('it is closed', async () => (await bob.at('thread').count()) === 0)
    expect(await bob.at('thread-open').first().textContent()).toContain('3 answers by bob and ann')
    await Promise.all([ann, bob].map((tab) => tab.stopCoverage()))
  },
)

test(
  '[DRAFT1][MENTION1] what is begun in a thread survives its panel and a reload, names members by name and tells of typing',
  { timeout: testMs },
  async () => {
    const server = await startServerProcess()
    onTestFinished(() => server.dispose())
    const id = await server.createConversation('ann', 'bob', 'cleo')
    await server.rest('ann', 'PUT', '/api/me', { name: 'Ann Müller' })
    await server.rest('cleo', 'PUT', '/api/me', { name: 'Anna Sol' })
    const [ann, bob] = await Promise.all([enter(server, id, 'ann'), enter(server, id, 'bob')])
    await ann.send('Where do we eat?')
    await bob.shows(['sent Where do we eat?'])
    await bob.act('Where do we eat?', 'message-thread')
    const composer = bob.at('thread-composer')
    await until('one can write at once', async () => (await bob.focused()) === 'thread-composer')

    await composer.pressSequentially('Ask @mü')
    await bob.at('mention-option').getByText('Ann Müller').waitFor()
    await ann.at('typing').getByText('bob is typing …').waitFor()
    expect(await bob.at('mention-option').count()).toBe(1)
    await composer.fill('Ask ')
    await composer.pressSequentially('@ann')
    await until('both are offered', async () => (await bob.at('mention-option').count()) === 2)
    await bob.picture('17-thread-mention')
    const meant = async (): Promise<string> => {
      const option = (await composer.getAttribute('aria-activedescendant')) ?? ''
      // Without the letter of the avatar.
      return (await bob.page.locator(`[id="${option}"]`).innerText()).split('\n').at(-1) ?? ''
    }
    expect(await meant()).toBe('Ann Müller ann')
    await composer.press('ArrowDown')
    expect(await meant()).toBe('Anna Sol cleo')
    await composer.press('ArrowUp')
    await composer.press('Enter')
    await until('the name stands there', async () => (await composer.inputValue()) === 'Ask @Ann Müller ')

    // The panel is closed in the middle of a word, and so is the page.
    await composer.press('Escape')
    await until('it is closed', async () => (await bob.at('thread').count()) === 0)
    expect(await bob.at('composer').inputValue()).toBe('')
    expect(await bob.focused()).toBe('message-more')
    await bob.act('Where do we eat?', 'message-thread')
    await until('it is there again', async () => (await composer.inputValue()) === 'Ask @Ann Müller ')
    await composer.press('End')
    await composer.pressSequentially('please')
    await bob.page.reload()
    await bob.connection('live')
    await bob.act('Where do we eat?', 'message-thread')
    await until('all of it', async () => (await composer.inputValue()) === 'Ask @Ann Müller please')
    await composer.press('Enter')
    await until('it is sent', async () => (await composer.inputValue()) === '')

    await ann
      .message('Ask @Ann Müller please')
      .getByTestId('mention')
      .and(ann.page.locator('[data-me="true"]'))
      .waitFor()
    const { body } = await server.rest('ann', 'GET', `/api/conversations/${id}/messages`)
    expect(body).toMatchObject([{}, { content: 'Ask @ann please', mentions: ['ann'] }])
    await bob.page.reload()
    await bob.connection('live')
    await bob.act('Where do we eat?', 'message-thread')
    await bob.at('thread').getByText('please').waitFor()
    expect(await composer.inputValue()).toBe('')
  },
)
