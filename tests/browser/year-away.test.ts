// A browser that comes back to a conversation that was archived three times meanwhile, with changes of messages that it
// made while it was away: what may be is everywhere, what may not is told with its reason, and nothing is there twice.
import { expect, onTestFinished, test } from 'vitest'

import { encodeEntry } from '../../shared/chat/entry.ts'
import { limits } from '../../shared/limits.ts'
import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { messageEntry, StockClient } from '../helpers/stock-client.ts'
import { until } from '../helpers/until.ts'
import { WebDevice, type WebTab } from './web-user.ts'

/** A browser takes seconds to start, and a machine with two cores runs other tests meanwhile. */
const testMs = 120_000

/** More than a window beside what the last archiving has left: each batch is one archiving or more. */
const batch = limits.windowEntries + 76
const archivings = 3

const plan = 'The plan of bob'
const [edited, deleted, removed] = ['to be edited', 'to be deleted', 'to be removed by bob']
const [edit, lateEdit, written] = ['edited while away', 'edited too late', 'written while away']
const goneByAuthor = 'This message was removed.'
const goneByBob = 'This message was removed by bob.'

interface RestSeen {
  readonly id: string
  readonly seq: number
  readonly content: string
  readonly redacted_by?: string
  readonly reactions?: readonly { readonly emoji: string; readonly users: readonly string[] }[]
}

/** A conversation that bob owns and ann writes in: ann's browser is behind a proxy that can cut it off. */
async function setStage() {
  const server = await startServerProcess()
  onTestFinished(() => server.dispose())
  const proxy = await CuttingProxy.start(() => server.url)
  onTestFinished(() => proxy.close())
  const id = await server.createConversation('bob', 'ann')
  const bob = await stockBob(server, id)
  const device = await WebDevice.start()
  onTestFinished(() => device.dispose())
  const tab = await device.open(`${proxy.url}/#/c/${id}`)
  await tab.startCoverage()
  await tab.signIn('ann')
  await tab.connection('live')
  return { server, proxy, id, bob, device, tab }
}

async function stockBob(server: ServerProcess, id: string): Promise<StockClient> {
  const bob = new StockClient({ url: server.url, conversation: id, user: 'bob', token: await server.token('bob') })
  onTestFinished(() => bob.destroy())
  await bob.synced()
  return bob
}

/** What ann does while she is away. */
async function touchAll(tab: WebTab): Promise<void> {
  for (const [text, next] of [
    [edited, edit],
    [removed, lateEdit],
  ] as const) {
    await tab.act(text, 'message-edit')
    await tab.at('message-editor').fill(next)
    await tab.at('message-save').click()
    await tab.showsMessage(next, { changes: 'pending' })
  }
  await tab.act(plan, 'message-react')
  await tab.act(deleted, 'message-delete')
  await tab.at('message-delete-sure').click()
  await tab.send(written)
}

/** Bob writes until the conversation was archived once more; through which seq it is then. */
async function writeOn(bob: StockClient, round: number): Promise<number> {
  const entries = Array.from({ length: batch }, (_, index) => messageEntry(`round ${round}, message ${index}`))
  bob.append(...entries.map(encodeEntry))
  await bob.sent()
  return bob.view().through
}

/** All messages as the REST API has them, page by page. */
async function restMessages(server: ServerProcess, id: string): Promise<readonly RestSeen[]> {
  const all: RestSeen[] = []
  for (;;) {
    const before = all[0] === undefined ? '' : `&before=${all[0].seq}`
    const { body } = await server.rest('ann', 'GET', `/api/conversations/${id}/messages?limit=200${before}`)
    const page = body as readonly RestSeen[]
    if (page.length === 0) return all
    all.unshift(...page)
  }
}

/** Scrolls back until a message is rendered. */
async function findBack(tab: WebTab, text: string): Promise<void> {
  const look = async (): Promise<boolean> => {
    if ((await tab.message(text).count()) > 0) return true
    await tab.at('timeline').evaluate((scroller) => {
      scroller.scrollTop = 0
    })
    return false
  }
  await until(`the message ${text}`, look, 30_000)
}

/** What ann sees on a device of hers: all that she did, once. */
async function showsAll(tab: WebTab): Promise<void> {
  await findBack(tab, edit)
  await tab.showsMessage(edit, { state: 'sent', changes: '' })
  await tab.message(edit).getByTestId('message-edited').waitFor()
  await tab.showsMessage(plan, { reactions: '👍 1', changes: '' })
  await tab.showsMessage(goneByAuthor, { redacted: 'true', changes: '' })
  await tab.showsMessage(goneByBob, { redacted: 'true', changes: '' })
  const shown = await tab.messages()
  expect(shown.slice(0, 4).map(({ text }) => text)).toEqual([plan, edit, goneByAuthor, goneByBob])
  const seqs = shown.flatMap(({ seq }) => seq ?? [])
  expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b))
  // Every entry behind the first messages is a message: no seam, nothing left out.
  const behind = seqs.slice(4)
  expect(behind).toEqual(behind.map((_seq, index) => (behind[0] ?? 0) + index))
}

/** Waits until so many entries are left in the outbox: what was refused stays until somebody has seen it. */
async function leaves(tab: WebTab, proxy: CuttingProxy, rows: number): Promise<void> {
  await until('the outbox', async () => (await tab.outboxRows(`parley:${proxy.url}:ann`)) === rows)
}

async function showsEnd(tab: WebTab): Promise<void> {
  await until('the end', async () => {
    if (await tab.at('to-end').isVisible()) await tab.at('to-end').click()
    return (await tab.messages()).at(-1)?.text === written
  })
  const shown = await tab.messages()
  expect(shown.filter(({ text }) => text === written)).toMatchObject([{ state: 'sent', user: 'ann' }])
}

test(
  '[ARCH2][TOUCH1][TOUCH2][PAGE3] a year away: changes of archived messages settle everywhere, one that cannot be is told',
  { timeout: testMs },
  async () => {
    const { server, proxy, id, bob, device, tab } = await setStage()
    bob.say(plan)
    await tab.allSent(1)
    for (const [index, text] of [edited, deleted, removed].entries()) {
      await tab.send(text)
      await tab.allSent(index + 2)
    }
    proxy.cut()
    await tab.connection('offline', 'connecting')
    await touchAll(tab)
    await tab.stopCoverage()
    await tab.page.close()
    await device.restart()

    const through: number[] = []
    for (let round = 0; round < archivings; round++) {
      through.push(await writeOn(bob, round))
      if (round > 0) continue
      const gone = (await restMessages(server, id)).find(({ content }) => content === removed)
      const { status } = await server.rest('bob', 'DELETE', `/api/conversations/${id}/messages/${gone?.id ?? ''}`)
      expect(status).toBe(204)
    }
    // All that ann has touched went with the first.
    expect(through.map((seq, index) => seq > (through[index - 1] ?? 5))).toEqual([true, true, true])

    const later = await device.open(`${proxy.url}/#/c/${id}`)
    await later.startCoverage()
    // As she has left it, and waiting.
    await later.showsMessage(edit, { changes: 'pending' })
    await later.showsMessage(lateEdit, { changes: 'pending' })
    await later.showsMessage(plan, { reactions: '👍 1' })
    await later.shows([
      `sent ${plan}`,
      `sent ${edit}`,
      'sent This message was removed.',
      `sent ${lateEdit}`,
      `pending ${written}`,
    ])
    proxy.heal()
    await later.page.evaluate(() => window.dispatchEvent(new Event('online')))
    await later.connection('live')

    const notice = later.at('failed-change')
    await notice.waitFor()
    expect(await notice.allTextContents()).toEqual([
      expect.stringMatching(/Your edit was not taken: “edited too late” The message was removed meanwhile\./),
    ])
    await leaves(later, proxy, 1)
    await showsAll(later)
    await later.picture('14-year-away')
    await later.at('failed-change-dismiss').click()
    await until('it is gone', async () => (await notice.count()) === 0)
    await leaves(later, proxy, 0)
    await showsEnd(later)

    const other = await WebDevice.start()
    onTestFinished(() => other.dispose())
    const second = await other.open(`${server.url}/#/c/${id}`)
    await second.startCoverage()
    await second.signIn('ann')
    await second.connection('live')
    await showsAll(second)
    await showsEnd(second)
    expect(await second.at('failed-change').count()).toBe(0)
    await second.stopCoverage()

    await later.page.reload()
    await later.connection('live')
    await showsAll(later)
    expect(await notice.count()).toBe(0)
    await later.stopCoverage()

    const all = await restMessages(server, id)
    expect(all.length).toBe(4 + archivings * batch + 1)
    expect(new Set(all.map(({ id: each }) => each)).size).toBe(all.length)
    expect(all.slice(0, 4)).toMatchObject([
      { content: plan, reactions: [{ emoji: '👍', users: ['ann'] }] },
      { content: edit },
      { content: '', redacted_by: 'ann' },
      { content: '', redacted_by: 'bob' },
    ])
    expect(all.filter(({ content }) => content === written).map(({ seq }) => seq)).toEqual([all.at(-1)?.seq])
    // One that was there all the time has what a newcomer gets.
    const newcomer = await stockBob(server, id)
    expect(newcomer.sentTexts()).toEqual(bob.sentTexts())
  },
)
