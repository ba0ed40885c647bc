// Local open: a page that was opened while cut off is asked for a conversation that its device has; how long until the
// newest messages are on the screen. In a real Chromium, with the built web chat.
import { join } from 'node:path'

import { WebDevice, type WebTab } from '../../browser/web-user.ts'
import { CuttingProxy } from '../../helpers/cutting-proxy.ts'
import { runProgram } from '../../helpers/program.ts'
import { root } from '../../helpers/root.ts'
import { type ServerProcess, startServerProcess } from '../../helpers/server-process.ts'
import { until } from '../../helpers/until.ts'
import { atMost, type Figure, median, type Outcome } from '../figure.ts'
import { textOf } from '../load/messages.ts'
import { parleySeat, type Target } from '../processes.ts'
import { roomWithHistory, users } from '../history.ts'

/** A full window, and a conversation that is rendered whole. */
const sizes = { window: 1024, small: 100 } as const
/** What the page renders at first, `stepMessages` of client/web/timeline-rows.ts; the run fails when it shows another number. */
const renderedAtFirst = 200
const openings = 9
const mostMs = 100
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

export async function localOpen(): Promise<Outcome> {
  await buildPage()
  const server = await startServerProcess()
  const proxy = await CuttingProxy.start(() => server.url)
  const device = await WebDevice.start()
  try {
    const target = { room: (members: readonly string[]) => roomOn(server, members) }
    const ids: string[] = []
    for (const messages of Object.values(sizes)) {
      ids.push((await roomWithHistory(target, { messages, perUpdate: 1 })).id)
    }
    const [windowId = '', smallId = ''] = ids
    await fetchAll(device, proxy, { [windowId]: sizes.window, [smallId]: sizes.small })
    // Everything is on the disk then.
    await device.restart()
    await device.addScript(noteReads)
    proxy.cut()
    const window: Opening[] = []
    const small: Opening[] = []
    for (let round = -1; round < openings; round++) {
      // The first opening of each warms the browser's own caches.
      const [first, second] = [
        await openOnce(device, proxy, windowId, sizes.window),
        await openOnce(device, proxy, smallId, sizes.small),
      ]
      if (round < 0) continue
      window.push(first)
      small.push(second)
    }
    return { figures: figuresOf(window, small), voids: [], failures: [] }
  } finally {
    await device.dispose()
    await proxy.close()
    await server.dispose()
  }
}

/** The page as its sources are now. */
async function buildPage(): Promise<void> {
  const build = runProgram([join(root, 'node_modules/vite/bin/vite.js'), 'build', 'client/web', '--logLevel', 'warn'])
  const { code } = await build.ended
  if (code !== 0) throw new Error(`the web chat could not be built: ${build.stderr()}`)
}

async function roomOn(server: ServerProcess, members: readonly string[]): ReturnType<Target['room']> {
  const [owner = '', ...writers] = members
  const room = await server.createConversation(owner, ...writers)
  const port = Number(new URL(server.url).port)
  const tokens = new Map<string, string>()
  for (const user of members) tokens.set(user, await server.token(user))
  return { id: room, seat: (user) => parleySeat('stock', { port, room, user, token: tokens.get(user) ?? '' }) }
}

/** Signs in and opens the conversations once, so that the device has them. */
async function fetchAll(
  device: WebDevice,
  proxy: CuttingProxy,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  const tab = await device.open(proxy.url)
  await tab.signIn(users[0] ?? '')
  for (const [id, count] of Object.entries(counts)) {
    await tab.choose(id)
    await tab.connection('live')
    await until('the newest messages are there', () => showsNewest(tab, count), lostAfterMs)
  }
  await tab.page.close()
}

/** A fresh page, cut off; asserts that what it shows is all it should, and that none of it came over the network. */
async function openOnce(device: WebDevice, proxy: CuttingProxy, id: string, count: number): Promise<Opening> {
  const before = proxy.counts
  const tab = await device.open(proxy.url)
  const item = tab.page.locator(`[data-testid="conversation-item"][data-id="${id}"]`)
  await item.waitFor()
  // What the start of a page costs is no part of it.
  await tab.page.evaluate(() => new Promise<void>((resolve) => requestIdleCallback(() => resolve())))
  const rows = Math.min(count, renderedAtFirst)
  const opening = await tab.page.evaluate(timeOpening, { id, rows, lostAfterMs })
  if (!(await showsNewest(tab, count))) throw new Error(`the page shows other messages than the newest of ${count}`)
  const { sockets, api, open } = proxy.counts
  if (sockets !== before.sockets || api !== before.api || open > 0) throw new Error('the page was not cut off')
  await tab.page.close()
  return opening
}

async function showsNewest(tab: WebTab, count: number): Promise<boolean> {
  const shown = await tab.messages()
  const first = count - Math.min(count, renderedAtFirst)
  const wanted = Array.from({ length: count - first }, (_, index) => textOf(first + index))
  return shown.length === wanted.length && shown.every(({ text }, index) => text === wanted[index])
}

/** In the page, before its own scripts: notes when the databases were last read. */
function noteReads(): void {
  const mark = (): void => void performance.mark('read')
  for (const name of ['get', 'getAll', 'getAllKeys', 'openCursor', 'count'] as const) {
    const read = IDBObjectStore.prototype[name] as (...args: unknown[]) => IDBRequest
    Object.defineProperty(IDBObjectStore.prototype, name, {
      value: function (this: IDBObjectStore, ...args: unknown[]) {
        const request = read.apply(this, args)
        request.addEventListener('success', mark)
        return request
      },
    })
  }
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

function figuresOf(window: readonly Opening[], small: readonly Opening[]): readonly Figure[] {
  const middle = (of: readonly Opening[], part: keyof Opening) => median(of.map((opening) => opening[part]))
  const [windowMs, smallMs] = [middle(window, 'shownMs'), middle(small, 'shownMs')]
  const newest = `newest ${Math.min(sizes.window, renderedAtFirst)}`
  return [
    {
      name: `local open of ${sizes.window.toLocaleString('en')} messages while cut off, Chromium: until the ${newest} are painted`,
      unit: 'ms',
      values: { Parley: windowMs },
      judged: atMost({ Parley: windowMs }, 'ms', mostMs),
    },
    {
      name: '  until IndexedDB is read and the document loaded',
      unit: 'ms',
      values: { Parley: middle(window, 'readMs') },
    },
    {
      name: '  until they are folded and rendered into the page',
      unit: 'ms',
      values: { Parley: middle(window, 'rowsMs') },
    },
    { name: '  slowest', unit: 'ms', values: { Parley: Math.max(...window.map(({ shownMs }) => shownMs)) } },
    { name: `local open of ${sizes.small} messages: until they are painted`, unit: 'ms', values: { Parley: smallMs } },
    {
      name: `local open, ${sizes.window.toLocaleString('en')} messages against ${sizes.small}`,
      unit: '×',
      values: { Parley: windowMs / smallMs },
    },
  ]
}
