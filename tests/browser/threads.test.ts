// A thread beside its conversation: opened at a message, answered by two people, read, and closed by the keyboard.
import { expect, onTestFinished, test } from 'vitest'

import { startServerProcess } from '../helpers/server-process.ts'
import { until } from '../helpers/until.ts'
import { enter } from './enter.ts'
import type { WebTab } from './web-user.ts'

/** A browser takes seconds to start, and a machine with two cores runs other tests meanwhile. */
const testMs = 120_000

test(
  '[THREAD1][THREAD3] two people answer a message in its thread, and each sees how many answers there are',
  { timeout: testMs },
  async () => {
    const server = await startServerProcess()
    onTestFinished(() => server.dispose())
    const id = await server.createConversation('ann', 'bob')
    const [ann, bob] = await Promise.all([enter(server, id, 'ann'), enter(server, id, 'bob')])
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
