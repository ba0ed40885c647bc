// Cold start: a browser that knows a thousand conversations is closed, cut off from the server and opened again; how long
// until all of them are listed, and whether a document was opened for it. In a real Chromium, with the built web chat.
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { WebDevice, type WebTab } from '../../browser/web-user.ts'
import { CuttingProxy } from '../../helpers/cutting-proxy.ts'
import { ServerProcess } from '../../helpers/server-process.ts'
import { until } from '../../helpers/until.ts'
import { atMost, type Figure, median, type Outcome } from '../figure.ts'
import { buildPage, noteOpenings, noteReads } from '../web-page.ts'

const conversations = 1000
const starts = 9
const mostMs = 300
const user = 'ann'
/** Each conversation has one or two of them. */
const others: readonly string[] = Array.from({ length: 40 }, (_, index) => `colleague-${index}`)
/** Requests at a time while they are created. */
const atOnce = 8
/** The device opens each of them once, in the background. */
const learnMs = 600_000

/** In ms, from when the navigation began. */
interface Start {
  /** The page's script is here, and not yet compiled: what comes before is the network's. */
  readonly scriptMs: number
  /** It opens its database. */
  readonly beganMs: number
  /** The last read of it before the list was there. */
  readonly readMs: number
  /** All lines are in the document. */
  readonly rowsMs: number
  /** They are laid out and handed to the screen. */
  readonly shownMs: number
  /** Names of the databases that were opened until then. */
  readonly opened: readonly string[]
}

export async function coldStart(): Promise<Outcome> {
  await buildPage()
  const server = new ServerProcess(await mkdtemp(join(tmpdir(), 'parley-bench-cold-')), {})
  await server.start()
  const proxy = await CuttingProxy.start(() => server.url)
  const device = await WebDevice.start()
  try {
    await createAll(server)
    await learnAll(device, proxy)
    // Everything is on the disk then, and the browser remembers no page.
    await device.restart()
    await device.addScript(noteReads)
    await device.addScript(noteOpenings)
    await device.addScript(noteList)
    proxy.cut()
    const measured: Start[] = []
    for (let round = -1; round < starts; round++) {
      const start = await startOnce(device, proxy)
      // The first warms the browser's own caches.
      if (round >= 0) measured.push(start)
      else await noticesDocuments(device, proxy)
    }
    return { figures: figuresOf(measured), voids: [], failures: measured.flatMap(documentsOpened) }
  } finally {
    await device.dispose()
    await proxy.close()
    await server.dispose()
  }
}

/** Each with a message of somebody else. */
async function createAll(server: ServerProcess): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < conversations) {
      const number = next++
      const pick = (step: number): string => others[(number + step) % others.length] ?? ''
      const writers = number % 2 === 0 ? [pick(0)] : [pick(0), pick(7)]
      const id = await server.createConversation(user, ...writers)
      const content = `What do you think of proposal ${number}?`
      const { status } = await server.rest(pick(0), 'POST', `/api/conversations/${id}/messages`, {
        role: 'user',
        content,
      })
      if (status !== 201) throw new Error(`a message was answered with ${status}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

/** The device signs in, and stays until it has the line of each, and its document too. */
async function learnAll(device: WebDevice, proxy: CuttingProxy): Promise<void> {
  const tab = await device.open(proxy.url)
  await tab.signIn(user)
  const name = `parley:${proxy.url}:${user}`
  const areKnown = async (): Promise<boolean> => {
    const { rows, withDocument } = await tab.page.evaluate(countRows, name)
    return rows === conversations && withDocument === conversations
  }
  await until('the device knows all conversations', areKnown, learnMs)
  await tab.page.close()
}

/** In the page: lines of the kept list, and those of which a document is kept. */
function countRows(name: string): Promise<{ readonly rows: number; readonly withDocument: number }> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name)
    opening.addEventListener('error', () => reject(new Error('it cannot be opened')))
    opening.addEventListener('success', () => {
      const all = opening.result.transaction('conversations').objectStore('conversations').getAll()
      all.addEventListener('success', () => {
        opening.result.close()
        const rows: readonly { readonly version?: unknown }[] = all.result
        resolve({ rows: rows.length, withDocument: rows.filter(({ version }) => version !== undefined).length })
      })
    })
  })
}

/** A fresh page, cut off. */
async function startOnce(device: WebDevice, proxy: CuttingProxy): Promise<Start> {
  const before = proxy.counts
  const tab = await device.open(proxy.url)
  const start = await readStart(tab)
  const { sockets, api, open } = proxy.counts
  if (sockets !== before.sockets || api !== before.api || open > 0) throw new Error('the page was not cut off')
  await tab.page.close()
  return start
}

async function readStart(tab: WebTab): Promise<Start> {
  await tab.page.waitForFunction(() => performance.getEntriesByName('shown').length > 0)
  const shown = await tab.at('conversation-item').evaluateAll((items) =>
    items.map((item) => ({
      id: item.getAttribute('data-id'),
      last: item.querySelector('.item-last')?.textContent ?? '',
    })),
  )
  if (new Set(shown.map(({ id }) => id)).size !== conversations)
    throw new Error(`${shown.length} conversations are listed`)
  const wrong = shown.find(({ last }) => !last.startsWith('What do you think of proposal '))
  if (wrong !== undefined) throw new Error(`a line says "${wrong.last}"`)
  return tab.page.evaluate(() => {
    const marks = (name: string): PerformanceEntryList => performance.getEntriesByName(name)
    const at = (entry: PerformanceEntry | undefined): number => entry?.startTime ?? Number.NaN
    const [script] = performance
      .getEntriesByType('resource')
      .filter((entry) => entry instanceof PerformanceResourceTiming && entry.name.endsWith('.js'))
    if (!(script instanceof PerformanceResourceTiming)) throw new Error('the page has no script')
    const [rowsMs, shownMs] = [at(marks('rows')[0]), at(marks('shown')[0])]
    const openings = marks('open').filter(({ startTime }) => startTime <= shownMs)
    return {
      scriptMs: script.responseEnd,
      beganMs: at(openings[0]),
      readMs: at(marks('read').findLast(({ startTime }) => startTime <= rowsMs)),
      rowsMs,
      shownMs,
      opened: openings.map((opening) => (opening instanceof PerformanceMark ? String(opening.detail) : '')),
    }
  })
}

/** In the page, before its own scripts: notes when all lines are in the document, and when they are on the screen. */
function noteList(): void {
  // Scripts that run before the page's own are given nothing.
  const wanted = 1000
  const observer = new MutationObserver(() => {
    if (document.querySelectorAll('[data-testid="conversation-item"]').length < wanted) return
    observer.disconnect()
    performance.mark('rows')
    // A task behind the frame: it has been laid out and painted then.
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel()
      port1.addEventListener('message', () => performance.mark('shown'))
      port1.start()
      port2.postMessage(undefined)
    })
  })
  observer.observe(document, { childList: true, subtree: true })
}

/** That no document was opened says something only if one that is would have been noticed. */
async function noticesDocuments(device: WebDevice, proxy: CuttingProxy): Promise<void> {
  const tab = await device.open(proxy.url)
  await readStart(tab)
  await tab.at('conversation-item').first().click()
  await tab.at('message').waitFor()
  const opened = await tab.page.evaluate(() =>
    performance.getEntriesByName('open').map((mark) => (mark instanceof PerformanceMark ? String(mark.detail) : '')),
  )
  if (!opened.some(isDocument)) throw new Error(`the opening of a document was not noticed: ${opened.join(', ')}`)
  await tab.page.close()
}

function isDocument(name: string): boolean {
  return name.includes(':document:')
}

function documentsOpened({ opened }: Start): readonly string[] {
  const documents = opened.filter(isDocument)
  if (opened.length === 0) return ['cold start: no database was opened, so the list came from elsewhere']
  return documents.map((name) => `cold start: opened ${name} before the list was there`)
}

function figuresOf(measured: readonly Start[]): readonly Figure[] {
  const since = (part: 'beganMs' | 'readMs' | 'rowsMs' | 'shownMs', of: readonly Start[]): readonly number[] =>
    of.map((start) => start[part] - start.scriptMs)
  const figure = (name: string, value: number): Figure => ({ name, unit: 'ms', values: { Parley: value } })
  const shown = { Parley: median(since('shownMs', measured)) }
  return [
    {
      name: `cold start while cut off, Chromium: from its script's arrival until ${conversations.toLocaleString('en')} conversations are listed`,
      unit: 'ms',
      values: shown,
      judged: atMost(shown, 'ms', mostMs),
    },
    figure('  until the script is evaluated and opens its database', median(since('beganMs', measured))),
    figure('  until the list is read', median(since('readMs', measured))),
    figure('  until it is rendered into the page', median(since('rowsMs', measured))),
    figure('  slowest', Math.max(...since('shownMs', measured))),
    figure('  from the beginning of the navigation', median(measured.map(({ shownMs }) => shownMs))),
  ]
}
