// A browser is asked that what is kept here stays, and what it answers is what the page goes by.
import { expect, onTestFinished, test } from 'vitest'

import { encodeEntry } from '../../shared/chat/entry.ts'
import { limits } from '../../shared/limits.ts'
import { startServerProcess } from '../helpers/server-process.ts'
import { messageEntry, StockClient } from '../helpers/stock-client.ts'
import { until } from '../helpers/until.ts'
import { WebDevice } from './web-user.ts'

/** A browser takes seconds to start, and a machine with two cores runs other tests meanwhile. */
const testMs = 120_000

interface Asked {
  /** What the browser said, each time. */
  readonly answers: readonly boolean[]
}

/** In the page, before its own scripts: notes what the browser answers. */
function noteAnswers(): void {
  const answers: boolean[] = []
  Object.assign(globalThis, { parleyAsked: { answers } })
  const persist: () => Promise<boolean> = Reflect.get(StorageManager.prototype, 'persist')
  Object.defineProperty(StorageManager.prototype, 'persist', {
    value: async function (this: StorageManager) {
      const answer = await persist.call(this)
      answers.push(answer)
      return answer
    },
  })
}

/** In the page: pages that are kept. */
function countPages(name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name)
    opening.addEventListener('error', () => reject(new Error('it cannot be opened')))
    opening.addEventListener('success', () => {
      const count = opening.result.transaction('pages').objectStore('pages').count()
      count.addEventListener('success', () => {
        opening.result.close()
        resolve(count.result)
      })
    })
  })
}

test(
  '[PAGE4] once pages of the archive are kept, the browser has been asked to let them stay, and its answer is known',
  { timeout: testMs },
  async () => {
    const server = await startServerProcess()
    onTestFinished(() => server.dispose())
    const id = await server.createConversation('bob', 'ann')
    const bob = new StockClient({ url: server.url, conversation: id, user: 'bob', token: await server.token('bob') })
    onTestFinished(() => bob.destroy())
    await bob.synced()
    const texts = Array.from({ length: limits.windowEntries + 76 }, (_, index) => `message ${index}`)
    bob.append(...texts.map((text) => encodeEntry(messageEntry(text))))
    await bob.sent()

    const device = await WebDevice.start()
    onTestFinished(() => device.dispose())
    await device.addScript(noteAnswers)
    const tab = await device.open(`${server.url}/#/c/${id}`)
    await tab.startCoverage()
    await tab.signIn('ann')
    await tab.at('members-toggle').click()
    const kept = tab.at('kept')
    const told = async (): Promise<string | undefined> => (await kept.getAttribute('data-persisted')) ?? undefined
    const database = `parley:${server.url}:ann`
    await until('pages are kept', async () => (await tab.page.evaluate(countPages, database)) > 0, 30_000)
    const persisted = await until('the answer is known', told)
    const { answers } = await tab.page.evaluate(
      () => (globalThis as unknown as { readonly parleyAsked: Asked }).parleyAsked,
    )
    expect(answers).not.toEqual([])
    expect(persisted).toBe(String(answers.at(-1)))
    expect(await tab.page.evaluate(() => navigator.storage.persisted())).toBe(answers.at(-1))
    await tab.stopCoverage()
  },
)
