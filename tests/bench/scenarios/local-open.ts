// Local open: a page that was opened while cut off is asked for a conversation that its device has, a long one and a short
// one in turn; how long until the newest messages are on the screen: with the window alone, and with pages of the long
// one's archive on the device. In a real Chromium, with the built web chat.
import { WebDevice, type WebTab } from '../../browser/web-user.ts'
import { limits } from '../../../shared/limits.ts'
import { CuttingProxy } from '../../helpers/cutting-proxy.ts'
import { ServerProcess } from '../../helpers/server-process.ts'
import { until } from '../../helpers/until.ts'
import { againstShort, type Pair } from '../against-short.ts'
import { atMost, type Figure, median, type Outcome } from '../figure.ts'
import { textOf } from '../load/messages.ts'
import { type LongRoom, type LongStore, reader, shortMessages } from '../long-store.ts'
import { buildPage, noteReads } from '../web-page.ts'

/** What the page renders at first, `firstMessages` of client/web/shown-part.ts; the run fails when it shows another number. */
const renderedAtFirst = 80
/** So many that a machine which others use says something, and even: each of the two comes first as often. */
const rounds = 16
const mostMs = 100
/** Archived messages that the device has in the end, where there are so many: a hundred pages. */
const wantedPages = 20_000
const pagesMs = 120_000
/** Beyond this the page shows nothing any more. */
const lostAfterMs = 20_000

/** From the click, in ms. */
interface Opening {
  /** The last read of the device's databases before the rows were there: the document is loaded, nothing is folded. */
  readonly readMs: number
  /** The rows are in the document. */
  readonly rowsMs: number
  /** They are laid out and handed to the screen. */
  readonly shownMs: number
}

/** On the folder in demo mode: the page signs in there. */
export async function localOpen({ folder, long, short }: LongStore): Promise<Outcome> {
  await buildPage()
  const server = new ServerProcess(folder, {})
  await server.start()
  const proxy = await CuttingProxy.start(() => server.url)
  const device = await WebDevice.start()
  try {
    for (const { id } of [long, short]) await markRead(server, id)
    const before = await fetchAll(device, proxy, [long, short])
    const alone = await openings(device, proxy, { long, short })
    const kept = await keepArchive(device, proxy, long)
    if (before > kept / 10) throw new Error(`${before} archived messages were there from the beginning`)
    const withPages = await openings(device, proxy, { long, short })
    return { figures: [...figuresOf(long, alone), ...pageFigures(kept, withPages)], voids: [], failures: [] }
  } finally {
    await device.dispose()
    await proxy.close()
    await server.stop()
  }
}

/** The page opens a conversation at what is unread, and at its end only when that is nothing. */
async function markRead(server: ServerProcess, id: string): Promise<void> {
  const path = `/api/conversations/${id}`
  const { last_seq: through } = (await server.rest(reader, 'GET', path)).body as { readonly last_seq: number | null }
  const { status } = await server.rest(reader, 'PUT', `${path}/read`, { through })
  if (status !== 200) throw new Error(`reading all was answered with ${status}`)
}

/**
 * Signs in and opens the conversations once, so that the device has their windows; how many archived messages of the first
 * came before it was told to keep none.
 */
async function fetchAll(device: WebDevice, proxy: CuttingProxy, rooms: readonly LongRoom[]): Promise<number> {
  const tab = await device.open(proxy.url)
  await tab.signIn(reader)
  for (const { id, messages } of rooms) {
    await tab.choose(id)
    await tab.at('members-toggle').click()
    await tab.at('keep-window').click()
    await tab.connection('live')
    await until('the newest messages are there', () => showsNewest(tab, messages), lostAfterMs)
  }
  const where = { name: `parley:${proxy.url}:${reader}`, id: rooms[0]?.id ?? '' }
  const kept = await tab.page.evaluate(countKept, where)
  await tab.page.close()
  return kept
}

/** Lets the background bring pages of the archive; how many messages of it the device has then. */
async function keepArchive(device: WebDevice, proxy: CuttingProxy, { id, messages }: LongRoom): Promise<number> {
  proxy.heal()
  const wanted = Math.min(wantedPages, messages - limits.windowEntries)
  const tab = await device.open(`${proxy.url}/#/c/${id}`)
  await tab.at('members-toggle').click()
  await tab.at('keep-all').click()
  const where = { name: `parley:${proxy.url}:${reader}`, id }
  const kept = await until(
    'pages are kept',
    async () => {
      const count = await tab.page.evaluate(countKept, where)
      return count >= wanted && count
    },
    pagesMs,
  )
  await tab.page.close()
  return kept
}

/** In the page: archived messages of a conversation that the device has. */
function countKept({ name, id }: { readonly name: string; readonly id: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name)
    opening.addEventListener('error', () => reject(new Error('it cannot be opened')))
    opening.addEventListener('success', () => {
      const facts = opening.result.transaction('pageFacts').objectStore('pageFacts')
      const all = facts.getAll(IDBKeyRange.bound([id], [id, []]))
      all.addEventListener('success', () => {
        opening.result.close()
        const blocks: readonly { readonly messages: number }[] = all.result
        resolve(blocks.reduce((sum, block) => sum + block.messages, 0))
      })
    })
  })
}

interface Rooms<T> {
  readonly long: T
  readonly short: T
}

/** Of the long and the short one in turn, by a browser that was closed: everything is on the disk. */
async function openings(
  device: WebDevice,
  proxy: CuttingProxy,
  { long, short }: Rooms<LongRoom>,
): Promise<Rooms<readonly Opening[]>> {
  await device.restart()
  await device.addScript(noteReads)
  proxy.cut()
  const measured: Rooms<Opening[]> = { long: [], short: [] }
  for (let round = -1; round < rounds; round++) {
    for (const which of round % 2 === 0 ? (['long', 'short'] as const) : (['short', 'long'] as const)) {
      const opening = await openOnce(device, proxy, which === 'long' ? long : short)
      // The first opening of each warms the browser's own caches.
      if (round >= 0) measured[which].push(opening)
    }
  }
  return measured
}

/** A fresh page, cut off; asserts that what it shows is all it should, and that none of it came over the network. */
async function openOnce(device: WebDevice, proxy: CuttingProxy, { id, messages }: LongRoom): Promise<Opening> {
  const before = proxy.counts
  const tab = await device.open(proxy.url)
  const item = tab.page.locator(`[data-testid="conversation-item"][data-id="${id}"]`)
  await item.waitFor()
  // What the start of a page costs is no part of it.
  await tab.page.evaluate(() => new Promise<void>((resolve) => requestIdleCallback(() => resolve())))
  const opening = await tab.page.evaluate(timeOpening, { id, rows: renderedAtFirst, lostAfterMs })
  if (!(await showsNewest(tab, messages)))
    throw new Error(`the page shows other messages than the newest of ${messages}`)
  const { sockets, api, open } = proxy.counts
  if (sockets !== before.sockets || api !== before.api || open > 0) throw new Error('the page was not cut off')
  await tab.page.close()
  return opening
}

async function showsNewest(tab: WebTab, messages: number): Promise<boolean> {
  const shown = await tab.messages()
  const first = messages - renderedAtFirst
  const wanted = Array.from({ length: renderedAtFirst }, (_, index) => textOf(first + index))
  return shown.length === wanted.length && shown.every(({ text }, index) => text === wanted[index])
}

/** In the page: clicks, and waits until so many messages are in the document, and then on the screen. */
function timeOpening(wanted: {
  readonly id: string
  readonly rows: number
  readonly lostAfterMs: number
}): Promise<Opening> {
  const item = document.querySelector(`[data-testid="conversation-item"][data-id="${wanted.id}"]`)
  if (!(item instanceof HTMLElement)) throw new Error('the conversation is not in the list')
  if (document.querySelector('[data-testid="message"]') !== null) throw new Error('messages are shown already')
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('the messages did not come')), wanted.lostAfterMs)
    const start = performance.now()
    const observer = new MutationObserver(() => {
      if (document.querySelectorAll('[data-testid="message"]').length < wanted.rows) return
      observer.disconnect()
      const rowsMs = performance.now() - start
      const reads = performance.getEntriesByName('read').map(({ startTime }) => startTime - start)
      // A task behind the frame: it has been laid out and painted then.
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel()
        port1.addEventListener('message', () => {
          resolve({ readMs: Math.max(0, ...reads), rowsMs, shownMs: performance.now() - start })
        })
        port1.start()
        port2.postMessage(undefined)
      })
    })
    observer.observe(document.body, { childList: true, subtree: true })
    item.click()
  })
}

/** Medians of both. */
function middle({ long, short }: Rooms<readonly Opening[]>, part: keyof Opening): Pair {
  const of = (all: readonly Opening[]): number => median(all.map((opening) => opening[part]))
  return { short: of(short), long: of(long) }
}

function figuresOf({ messages }: LongRoom, measured: Rooms<readonly Opening[]>): readonly Figure[] {
  const shown = { Parley: middle(measured, 'shownMs').long }
  const size = messages.toLocaleString('en')
  return [
    {
      name: `local open of ${size} messages while cut off, Chromium: until the newest ${renderedAtFirst} are painted`,
      unit: 'ms',
      values: shown,
      judged: atMost(shown, 'ms', mostMs),
    },
    againstShort(`  against ${shortMessages.toLocaleString('en')}`, 'ms', middle(measured, 'shownMs')),
    {
      name: '  until IndexedDB is read and the document loaded',
      unit: 'ms',
      values: { Parley: middle(measured, 'readMs').long },
    },
    {
      name: '  until they are folded and rendered into the page',
      unit: 'ms',
      values: { Parley: middle(measured, 'rowsMs').long },
    },
    { name: '  slowest', unit: 'ms', values: { Parley: Math.max(...measured.long.map(({ shownMs }) => shownMs)) } },
  ]
}

/** `kept`: of the archive, on the device. */
function pageFigures(kept: number, measured: Rooms<readonly Opening[]>): readonly Figure[] {
  const name = `  with ${kept.toLocaleString('en')} archived messages on the device, against ${shortMessages.toLocaleString('en')}`
  return [againstShort(name, 'ms', middle(measured, 'shownMs'))]
}
