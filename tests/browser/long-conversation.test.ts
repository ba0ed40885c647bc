// A conversation of thousands of messages: read back to its beginning without a jump, offline as far as it is kept here,
// and opened at the first message that is unread.
import { expect, onTestFinished, test } from 'vitest'

import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { StockClient } from '../helpers/stock-client.ts'
import { until } from '../helpers/until.ts'
import { WebDevice, type WebTab } from './web-user.ts'

/** A browser takes seconds to start, and a machine with two cores runs other tests meanwhile. */
const testMs = 120_000

/** So many are rendered at most. */
const mostRows = 600

/** A conversation of ann and bob, and ann's browser behind a proxy that can cut it off, signed in. */
async function setStage() {
  const server = await startServerProcess()
  onTestFinished(() => server.dispose())
  const proxy = await CuttingProxy.start(() => server.url)
  onTestFinished(() => proxy.close())
  const id = await server.createConversation('bob', 'ann')
  const device = await WebDevice.start()
  onTestFinished(() => device.dispose())
  const tab = await device.open(proxy.url)
  await tab.startCoverage()
  await tab.signIn('ann')
  return { server, proxy, id, device, tab }
}

/** Bob writes messages `from` to `to`, the last one aside; some of them take more lines than others. */
async function write(server: ServerProcess, id: string, from: number, to: number): Promise<void> {
  const bob = new StockClient({ url: server.url, conversation: id, user: 'bob', token: await server.token('bob') })
  try {
    await bob.synced()
    for (let index = from; index < to; index++) bob.say(textOf(index))
    await bob.sent()
  } finally {
    bob.destroy()
  }
}

function textOf(index: number): string {
  return `message ${index}${' and so on'.repeat((index % 7) * 4)}`
}

function indexOf(text: string | undefined): number {
  return Number(/^message (\d+)/.exec(text ?? '')?.[1])
}

interface Step {
  /** How many CSS pixels the message that was topmost in view has moved at most, in any frame. */
  readonly moved: number
  readonly rows: number
  /** The text of the last message at that end. */
  readonly outermost: string
  /** No more came. */
  readonly isOver: boolean
}

/** In the page: scrolls to an end, watches one message until others stand beyond it, and tells whether it moved. */
function scrollOn({ isUp, waitMs }: { readonly isUp: boolean; readonly waitMs: number }): Promise<Step> {
  const scroller = document.querySelector('[data-testid="timeline"]')
  if (scroller === null) throw new Error('there is no timeline')
  const rows = (): Element[] => [...scroller.querySelectorAll('[data-testid="message"]')]
  const outermost = (): string =>
    rows()
      .at(isUp ? 0 : -1)
      ?.querySelector('[data-testid="message-text"]')?.textContent ?? ''
  const over = '[data-testid="history-begin"], [data-testid="history-unavailable"]'
  scroller.scrollTop = isUp ? 0 : scroller.scrollHeight
  const edge = scroller.getBoundingClientRect().top
  const anchor = rows().find((row) => row.getBoundingClientRect().top >= edge)
  if (anchor === undefined) throw new Error('there is no message in view')
  const [before, top, end] = [outermost(), anchor.getBoundingClientRect().top, performance.now() + waitMs]
  let moved = 0
  return new Promise((resolve) => {
    let framesLeft = 3
    const look = (): void => {
      moved = Math.max(moved, Math.abs(anchor.getBoundingClientRect().top - top))
      const isOver = isUp ? scroller.querySelector(over) !== null : scroller.getAttribute('data-at-end') === 'true'
      // A few frames more: a jump can come late.
      if (outermost() !== before || isOver) framesLeft--
      if (framesLeft > 0 && performance.now() < end) return void requestAnimationFrame(look)
      resolve({ moved, rows: rows().length, outermost: outermost(), isOver })
    }
    requestAnimationFrame(look)
  })
}

/** One step to the upper end, or to the lower one: nothing jumps. */
async function step({ page }: WebTab, isUp: boolean): Promise<Step> {
  const taken = await page.evaluate(scrollOn, { isUp, waitMs: 10_000 })
  expect(taken.moved).toBeLessThanOrEqual(1)
  expect(taken.rows).toBeLessThanOrEqual(mostRows)
  return taken
}

/** To the beginning or the end, or to where nothing more can be had; the text of the last message there. */
async function scrollThrough(tab: WebTab, isUp: boolean): Promise<string> {
  let before: string | undefined
  for (;;) {
    const { isOver, outermost } = await step(tab, isUp)
    if (isOver) return outermost
    expect(outermost).not.toBe(before)
    before = outermost
  }
}

/** Texts of messages of which the end is in view. */
function inView({ page }: WebTab): Promise<readonly string[]> {
  return page.evaluate(() => {
    const box = document.querySelector('[data-testid="timeline"]')?.getBoundingClientRect()
    if (box === undefined) return []
    const rows = [...document.querySelectorAll('[data-testid="message"]')]
    const there = rows.map((row) => ({ row, at: row.getBoundingClientRect() }))
    const seen = there.filter(({ at }) => at.bottom > box.top && at.bottom <= box.bottom + 1)
    return seen.map(({ row }) => row.querySelector('[data-testid="message-text"]')?.textContent ?? '')
  })
}

/** Where in view the line above the new messages stands: 0 is the upper edge, 1 the lower. */
async function lineAt({ page }: WebTab): Promise<number> {
  const at = await page.evaluate(() => {
    const box = document.querySelector('[data-testid="timeline"]')?.getBoundingClientRect()
    const line = document.querySelector('[data-testid="new-messages"]')?.getBoundingClientRect()
    return box === undefined || line === undefined ? undefined : (line.top - box.top) / box.height
  })
  if (at === undefined) throw new Error('there is no line')
  return at
}

/** Whoever has many unread messages is not there. */
async function goToEnd(tab: WebTab): Promise<void> {
  await until('the end', async () => {
    if (await tab.at('to-end').isVisible()) await tab.at('to-end').click()
    return isAtEnd(tab)
  })
}

async function isAtEnd(tab: WebTab): Promise<boolean> {
  return (await tab.at('timeline').getAttribute('data-at-end')) === 'true'
}

test(
  '[PAGE3] 3,000 messages: read back to the first without a jump, offline too, and what is not here is said to be not here',
  { timeout: testMs },
  async () => {
    const { server, proxy, id, device, tab } = await setStage()
    const all = 3000
    await write(server, id, 0, 10)
    await tab.choose(id)
    await tab.connection('live')
    await tab.allSent(10)
    await tab.at('members-toggle').click()
    await tab.at('keep-window').click()
    await tab.at('members-toggle').click()
    await write(server, id, 10, all)
    await goToEnd(tab)
    await until('the newest is there', async () => indexOf((await tab.messages()).at(-1)?.text) === all - 1, 40_000)
    await until('all is seen', async () => (await unreadOf(server, id)) === 0)

    // Of what came while it was open all is there; a new page has the window only.
    await tab.page.reload()
    await until('the newest are there', async () => indexOf((await tab.messages()).at(-1)?.text) === all - 1)
    await tab.connection('live')
    // Only a few steps: the rest is not looked at, and so not kept.
    for (let steps = 0; steps < 6; steps++) await step(tab, true)
    const reached = indexOf((await tab.messages())[0]?.text)
    expect(reached).toBeLessThan(all - 1024)
    await tab.picture('10-long-older')

    proxy.cut()
    await tab.connection('offline', 'connecting')
    await tab.stopCoverage()
    await tab.page.close()
    const later = await device.open(`${proxy.url}/#/c/${id}`)
    await later.startCoverage()
    await until('the newest are there', async () => indexOf((await later.messages()).at(-1)?.text) === all - 1)
    const cached = indexOf(await scrollThrough(later, true))
    expect(cached).toBeLessThanOrEqual(reached)
    expect(cached).toBeGreaterThan(0)
    await later.at('history-unavailable').waitFor()
    await later.picture('11-long-unavailable')

    proxy.heal()
    await later.page.evaluate(() => window.dispatchEvent(new Event('online')))
    await later.connection('live')
    expect(indexOf(await scrollThrough(later, true))).toBe(0)
    await later.at('history-begin').waitFor()
    const texts = (await later.messages()).map(({ text }) => text)
    expect(texts).toEqual(texts.map((_text, index) => textOf(index)))
    await later.at('to-end').click()
    await until('the end', async () => indexOf((await inView(later)).at(-1)) === all - 1)
    await later.stopCoverage()
  },
)

test(
  '[UNREAD1] opens at the first unread message, in the window or far before it, and marks as read what was in view',
  { timeout: testMs },
  async () => {
    const { server, proxy, id, tab, device } = await setStage()
    await write(server, id, 0, 40)
    await tab.choose(id)
    await tab.connection('live')
    await goToEnd(tab)
    await until('all is seen', async () => (await unreadOf(server, id)) === 0)
    await tab.stopCoverage()
    await tab.page.close()

    await write(server, id, 40, 100)
    const near = await device.open(`${proxy.url}/#/c/${id}`)
    await near.startCoverage()
    await near.at('new-messages').waitFor()
    await until('it is gone to', async () => Math.abs((await lineAt(near)) - 1 / 3) < 0.1)
    expect(await isAtEnd(near)).toBe(false)
    await near.picture('12-unread-near')
    const seen = await inView(near)
    expect(seen.map(indexOf)).toContain(40)
    const unread = await until('it is marked', async () => {
      const left = await unreadOf(server, id)
      return left < 60 && left
    })
    await near.at('to-end').getByText(`${unread} unread messages`).waitFor()
    expect(unread).toBe(99 - indexOf(seen.at(-1)))
    await near.stopCoverage()
    await near.page.close()

    await write(server, id, 100, 2000)
    const far = await device.open(`${proxy.url}/#/c/${id}`)
    await far.startCoverage()
    await far.connection('live')
    // What was here is shown first; what came since does not move it.
    await far.at('new-messages').waitFor()
    await until('it is gone to', async () => Math.abs((await lineAt(far)) - 1 / 3) < 0.1)
    expect((await inView(far)).map(indexOf)).toContain(100 - unread)
    await far.picture('13-unread-far')
    await far.at('to-end').getByText('999+ unread messages').waitFor()
    expect(indexOf(await scrollThrough(far, false))).toBe(1999)
    await until('the end', async () => indexOf((await inView(far)).at(-1)) === 1999)
    await until('all is read', async () => (await unreadOf(server, id)) === 0)
    await far.page.reload()
    await until('the newest', async () => indexOf((await inView(far)).at(-1)) === 1999)
    expect(await far.at('new-messages').count()).toBe(0)
    await far.stopCoverage()
  },
)

test(
  '[PAGE3] whoever has looked at older messages and is at the end again stays there when very many come at once',
  { timeout: testMs },
  async () => {
    const { server, proxy, id, tab } = await setStage()
    await write(server, id, 0, 10)
    await tab.choose(id)
    await tab.connection('live')
    await tab.allSent(10)
    await write(server, id, 10, 1500)
    await goToEnd(tab)
    await until('all is seen', async () => (await unreadOf(server, id)) === 0, 40_000)
    await tab.page.reload()
    await until('the newest are there', async () => indexOf((await tab.messages()).at(-1)?.text) === 1499)
    await tab.connection('live')
    while (indexOf((await tab.messages())[0]?.text) > 400) await step(tab, true)
    await scrollThrough(tab, false)
    expect(await isAtEnd(tab)).toBe(true)
    proxy.cut()
    await tab.connection('offline', 'connecting')
    await write(server, id, 1500, 4000)
    proxy.heal()
    await tab.page.evaluate(() => window.dispatchEvent(new Event('online')))
    await tab.connection('live')
    await until('the newest', async () => indexOf((await inView(tab)).at(-1)) === 3999)
    expect(await isAtEnd(tab)).toBe(true)
    const first = indexOf((await tab.messages())[0]?.text)
    expect(first).toBeGreaterThan(3800)
    await tab.stopCoverage()
  },
)

/** What ann has to read, as the server counts it. */
async function unreadOf(server: ServerProcess, id: string): Promise<number> {
  const { body } = await server.rest('ann', 'GET', `/api/conversations/${id}`)
  return (body as { unread: number }).unread
}
