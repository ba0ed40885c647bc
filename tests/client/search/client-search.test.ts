// Search of a whole client: its windows, its pages, what is unsent; what leaves it; what happens to a worker.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { ClientClosed, type SearchHit, type SearchOptions } from '../../../client/search/search-api.ts'
import type { SearchWorker } from '../../../client/search/search-host.ts'
import { SearchIndex } from '../../../client/search/search-index.ts'
import { perform, type SearchRequest } from '../../../client/search/search-work.ts'
import type { ClientStorage, ConversationRow } from '../../../client/storage/client-storage.ts'
import { createMemoryStorage } from '../../../client/storage/memory/memory-storage.ts'
import { encodeEntry, type KnownEntry } from '../../../shared/chat/entry.ts'
import { limits } from '../../../shared/limits.ts'
import type { ConversationId } from '../../../shared/sync/ids.ts'
import { append, createDoc } from '../../helpers/chain-doc.ts'
import { type ClientRig, type ClientRigOptions, startClientRig } from '../../helpers/client-rig.ts'
import { conversationId, conversationRow, message, messageId } from '../../helpers/client-rows.ts'
import { bring, keepingMemory, stampAll } from '../../helpers/open-rig.ts'
import { createServerArchive } from '../../helpers/server-archive.ts'
import type { StampingServer } from '../../helpers/stamping-server.ts'
import { deferred } from '../../helpers/when.ts'

const one = conversationId(1)
const two = conversationId(2)
const rigs: ClientRig[] = []

beforeEach(() => void vi.useFakeTimers())
afterEach(async () => {
  await Promise.all(rigs.splice(0).map(({ client }) => client.close()))
  vi.useRealTimers()
})

const settle = (ms = 10_000): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

async function start(options: ClientRigOptions & { readonly row?: Partial<ConversationRow> } = {}): Promise<ClientRig> {
  const { storage = keepingMemory(), row, ...more } = options
  await storage.putConversation(conversationRow(one, { access: 'writer', ...row }))
  const rig = startClientRig({ storage, ...more })
  rigs.push(rig)
  return rig
}

/** A conversation of 500 messages by ann, or another number, of which 50 are live, or `live`, and her hand. */
function long(
  rig: ClientRig,
  id: ConversationId = one,
  { count = 500, live = 50 } = {},
): { readonly server: StampingServer; write: (...entries: readonly KnownEntry[]) => void } {
  const server = rig.server(id)
  rig.archives.set(id, createServerArchive(server))
  const doc = createDoc(7)
  function write(...entries: readonly KnownEntry[]): void {
    append(doc, 'ann', entries.map(encodeEntry))
    bring(doc, server.doc)
    stampAll(server)
  }
  write(
    ...Array.from({ length: count }, (_, index) =>
      message(index + 1, `apple number${String(index + 1).padStart(3, '0')}`),
    ),
  )
  server.archive(count - live - 1)
  return { server, write }
}

/** Asks, and lets no more time pass than what waits for its turn. */
async function ask({ client }: ClientRig, text: string, options?: SearchOptions): Promise<readonly SearchHit[]> {
  const asked = client.search.query(text, options)
  await settle(5)
  return await asked
}

async function find(rig: ClientRig, text: string, options?: SearchOptions): Promise<readonly string[]> {
  return (await ask(rig, text, options)).map(({ content }) => content)
}

/** The index has all that the device has. */
async function built(rig: ClientRig): Promise<void> {
  rig.client.search.prepare()
  await settle()
  expect(rig.client.search.status.getSnapshot().phase).toBe('ready')
}

test('[SEARCH1] windows and pages of what is not open, and what was just typed, are found without a server', async () => {
  const rig = await start()
  long(rig)
  await settle()
  expect((await rig.storage.pages.facts(one)).spans).toEqual([{ from: 0, to: 450 }])
  rig.isOffline = true
  expect(rig.client.search.status.getSnapshot()).toEqual({ phase: 'idle', indexed: 0, left: 0, partial: false })
  await built(rig)
  expect(rig.client.search.status.getSnapshot()).toEqual({ phase: 'ready', indexed: 500, left: 0, partial: false })
  expect(await find(rig, 'number499')).toEqual(['apple number499'])
  expect(await find(rig, 'number017')).toContain('apple number017')
  expect(await find(rig, 'apple', { limit: 200 })).toHaveLength(200)

  const conversation = await rig.client.open(one)
  const id = conversation.send('明日は東京で会いましょう')
  // At once: no timer is waited for.
  const [hit] = await ask(rig, '東京')
  expect(hit).toMatchObject({ conversation: one, id, seq: undefined, user: 'ann', highlights: [{ from: 3, to: 5 }] })
  await conversation.close()
  await settle()
  expect(await find(rig, '東京')).toHaveLength(1)

  const [old] = await ask(rig, 'number017', { conversation: one, user: 'ann', limit: 1 })
  expect(old?.seq).toBe(16)
  const again = await rig.client.open(one)
  await again.loadAround(old?.seq ?? -1, 10)
  expect(again.messages.getSnapshot().map(({ id: shown }) => shown)).toContain(old?.id)
  for (const wrong of [{ limit: 0 }, { limit: limits.searchHits + 1 }, { conversation: 'x' }, { user: 'a b' }])
    await expect(rig.client.search.query('x', wrong)).rejects.toThrow(TypeError)
})

test('[SEARCH1] what comes while the index is there is found, sent or received, open or not', async () => {
  const rig = await start()
  const { write, server } = long(rig)
  await settle()
  await built(rig)
  write(message(501, 'pear arrives'))
  await settle()
  expect(await find(rig, 'pear')).toEqual(['pear arrives'])
  const conversation = await rig.client.open(one)
  const id = conversation.send('plum leaves')
  expect((await ask(rig, 'plum'))[0]?.seq).toBeUndefined()
  await settle()
  expect((await ask(rig, 'plum'))[0]).toMatchObject({ id, seq: 501 })
  // They leave the window, and are pages.
  server.archive(501)
  await settle()
  expect(await find(rig, 'plum')).toEqual(['plum leaves'])
  expect(rig.client.search.status.getSnapshot()).toMatchObject({ phase: 'ready', indexed: 502 })
})

test('[SEARCH2] redacted and edited text is gone: of the window, of pages, pending, of what is not open', async () => {
  const rig = await start()
  const { write } = long(rig)
  await settle()
  await built(rig)
  const conversation = await rig.client.open(one)
  await settle()
  const words = ['number490', 'number020', 'number030']
  const findAll = async (): Promise<readonly string[]> =>
    (await Promise.all(words.map((word) => find(rig, word)))).flat()
  expect(await findAll()).toEqual(words.map((word) => `apple ${word}`))
  expect(await find(rig, 'number480')).toHaveLength(1)
  write({ kind: 'redact', of: messageId(490) }, { kind: 'redact', of: messageId(20) })
  write({ kind: 'edit', of: messageId(30), content: 'cherry', at: 9 })
  await vi.advanceTimersByTimeAsync(1)
  expect(await findAll()).toEqual([])
  expect(await find(rig, 'cherry')).toEqual(['cherry'])

  rig.isOffline = true
  conversation.redact(messageId(480))
  expect(await ask(rig, 'number480')).toEqual([])
  conversation.edit(messageId(470), 'date')
  expect([await find(rig, 'number470'), await find(rig, 'date')]).toEqual([[], ['date']])
  await conversation.close()
  rig.isOffline = false
  await settle()

  // The server tells no changes, so it is the document alone that tells of them.
  const archive = rig.archives.get(one)
  const online = await rig.client.open(one)
  await settle()
  if (archive !== undefined) archive.isOffline = true
  expect(await find(rig, 'number040')).toHaveLength(1)
  write({ kind: 'redact', of: messageId(40) })
  await vi.advanceTimersByTimeAsync(1)
  expect(await find(rig, 'number040')).toEqual([])
  if (archive !== undefined) archive.isOffline = false
  await online.close()
  await settle()

  write({ kind: 'redact', of: messageId(10) }, { kind: 'redact', of: messageId(471) })
  await settle()
  await settle()
  expect([await find(rig, 'number010'), await find(rig, 'number471')]).toEqual([[], []])
  expect(await find(rig, 'number472')).toHaveLength(1)
})

test('[SEARCH2] what was redacted while the device was away, and is archived itself, is gone when it hears of that', async () => {
  const rig = await start()
  const { write, server } = long(rig)
  await settle()
  await built(rig)
  rig.isOffline = true
  write({ kind: 'redact', of: messageId(60) })
  write(...Array.from({ length: 100 }, (_, index) => message(1001 + index, `later ${index}`)))
  server.archive(550)
  expect(await find(rig, 'number060')).toHaveLength(1)
  rig.isOffline = false
  await settle(60_000)
  const conversation = await rig.client.open(one)
  await settle()
  expect(conversation.messages.getSnapshot()).toHaveLength(50)
  expect(await find(rig, 'number060')).toEqual([])
  expect(await find(rig, 'number061')).toHaveLength(1)
  expect(await find(rig, 'later', { limit: 200 })).toHaveLength(100)
  expect(rig.client.search.status.getSnapshot().indexed).toBe(599)
})

test('[SEARCH2][MEMBER2] what the device dropped is found no more: a conversation that was forgotten, a message that was discarded', async () => {
  const storage = keepingMemory()
  await storage.putConversation(conversationRow(two, { access: 'writer' }))
  const rig = await start({ storage })
  long(rig)
  long(rig, two)
  await settle()
  await built(rig)
  expect(rig.client.search.status.getSnapshot().indexed).toBe(1000)
  expect(await find(rig, 'number017', { conversation: two })).toContain('apple number017')
  rig.sync.remove(two)
  await settle()
  expect(await find(rig, 'number017', { conversation: two })).toContain('apple number017')
  await rig.client.forget(two)
  await settle()
  expect(await find(rig, 'number017', { conversation: two })).toEqual([])
  expect(await find(rig, 'number499')).toHaveLength(1)
  expect(rig.client.search.status.getSnapshot().indexed).toBe(500)

  rig.isOffline = true
  const conversation = await rig.client.open(one)
  const id = conversation.send('elderberry')
  rig.isOffline = false
  rig.sync.remove(one)
  await settle(60_000)
  expect(conversation.messages.getSnapshot().at(-1)?.delivery.state).toBe('failed')
  expect(await find(rig, 'elder')).toEqual(['elderberry'])
  conversation.discard(id)
  expect(await find(rig, 'elder')).toEqual([])
})

test('[SEARCH2] pages that made way for others leave the index', async () => {
  const storage = createMemoryStorage({ phase: 'persistent' }, { pageBudgetBytes: 100_000 })
  await storage.putConversation(conversationRow(two, { access: 'writer', keep: 'window' }))
  const rig = await start({ storage })
  long(rig)
  const other = long(rig, two)
  await settle()
  await built(rig)
  const before = (await storage.pages.facts(one)).messages
  expect(rig.client.search.status.getSnapshot().indexed).toBe(before + 100)
  expect(other.server.through()).toBe(449)
  const conversation = await rig.client.open(two)
  await settle()
  while ((await conversation.loadOlder(200)) > 0) await settle(100)
  await settle()
  const [kept, came] = [await storage.pages.facts(one), await storage.pages.facts(two)]
  expect(kept.messages).toBeLessThan(before)
  expect(rig.client.search.status.getSnapshot().indexed).toBe(kept.messages + came.messages + 100)
})

/** A worker in this thread that does what the real one does, a moment later, until it dies. */
class FakeWorker extends EventTarget implements SearchWorker {
  static readonly all: FakeWorker[] = []
  readonly #index = new SearchIndex()
  isDead = false
  isTerminated = false
  longestPut = 0

  constructor() {
    super()
    FakeWorker.all.push(this)
  }

  postMessage(request: SearchRequest): void {
    const { number, work } = structuredClone(request)
    setTimeout(() => {
      if (this.isDead || this.isTerminated) return
      if (work.kind === 'apply' && work.change.kind === 'put')
        this.longestPut = Math.max(this.longestPut, work.change.documents.length)
      this.dispatchEvent(new MessageEvent('message', { data: { number, outcome: perform(this.#index, work) } }))
    })
  }

  terminate(): void {
    this.isTerminated = true
  }
}

test('[SEARCH3] a worker is fed in slices; one that dies, or falls silent, is replaced, and a query is answered', async () => {
  const workers = FakeWorker.all.splice(0)
  const rig = await start({ startSearchWorker: () => new FakeWorker() })
  long(rig)
  await settle()
  await built(rig)
  const [first] = FakeWorker.all
  expect(first?.longestPut).toBeLessThanOrEqual(limits.searchSliceMessages)
  expect(await find(rig, 'number017')).toContain('apple number017')
  // It is killed in the middle of a query.
  const asked = rig.client.search.query('number017')
  if (first !== undefined) first.isDead = true
  await vi.advanceTimersByTimeAsync(0)
  first?.dispatchEvent(new Event('error'))
  expect(rig.client.search.status.getSnapshot().phase).toBe('building')
  await settle()
  await asked
  expect(first?.isTerminated).toBe(true)
  expect(await find(rig, 'number017')).toContain('apple number017')
  // The next one says nothing any more.
  const [, second] = FakeWorker.all
  if (second !== undefined) second.isDead = true
  const unanswered = rig.client.search.query('number017')
  await settle(limits.searchWorkerMs + 1000)
  await unanswered
  await settle()
  expect(await find(rig, 'number017')).toContain('apple number017')
  expect([workers.length, FakeWorker.all.length]).toEqual([0, 2])
})

test('[SEARCH3] where no worker can be started it goes on in process; a query that closing cuts off is rejected', async () => {
  const rig = await start({
    startSearchWorker: () => {
      throw new Error('no workers here')
    },
  })
  long(rig)
  await settle()
  const early = rig.client.search.query('number017')
  await vi.advanceTimersByTimeAsync(0)
  // It is answered from what is there, long before all is.
  expect(await early).toEqual([])
  expect(rig.client.search.status.getSnapshot().phase).toBe('building')
  await built(rig)
  expect(await find(rig, 'number017')).toContain('apple number017')
  const worker = await start({ startSearchWorker: () => new FakeWorker() })
  await built(worker)
  for (const fake of FakeWorker.all) fake.isDead = true
  const cut = worker.client.search.query('number017').catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(0)
  await worker.client.close()
  expect(await cut).toBeInstanceOf(ClientClosed)
  await expect(worker.client.search.query('x')).rejects.toThrow(ClientClosed)
})

test('[SEARCH3] a device whose store cannot be read searches what is open, and says why', async () => {
  const storage = keepingMemory()
  const broken: ClientStorage = { ...storage, readDocument: () => Promise.reject(new Error('unreadable')) }
  await storage.putConversation(conversationRow(two, { access: 'writer' }))
  const rig = await start({ storage: broken })
  long(rig)
  const conversation = await rig.client.open(one)
  conversation.send('figs')
  await settle()
  await built(rig)
  expect(rig.client.search.status.getSnapshot().failure).toBe('unreadable')
  expect(await find(rig, 'figs')).toEqual(['figs'])
})

test('[SEARCH1] pages that are just being written when somebody first searches are found once they are', async () => {
  const { pages, ...storage } = keepingMemory()
  const written = deferred()
  const rig = await start({
    storage: {
      ...storage,
      pages: {
        ...pages,
        put: async (...put) => {
          await written.promise
          return pages.put(...put)
        },
      },
    },
  })
  long(rig, one, { count: 40, live: 10 })
  await settle()
  await built(rig)
  expect(await find(rig, 'number003')).not.toContain('apple number003')
  written.resolve()
  await settle()
  expect(await find(rig, 'number003')).toContain('apple number003')
})
