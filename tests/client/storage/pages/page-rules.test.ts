// The rules of the page store over a medium that is watched: what they load and write, and whatever is done in whatever order.
import { expect, type Mock, test, vi } from 'vitest'

import { createMemoryPages } from '../../../../client/storage/memory/memory-pages.ts'
import type { PageRun, PageStore, Span } from '../../../../client/storage/page-store.ts'
import { createPageStore } from '../../../../client/storage/pages/create-page-store.ts'
import type { PageChanges, PageMedium, PageRows } from '../../../../client/storage/pages/page-medium.ts'
import type { StampedMessage } from '../../../../shared/chat/message.ts'
import type { ConversationId } from '../../../../shared/sync/ids.ts'
import { run, stamped } from '../../../contract/page-store.ts'
import { conversationId } from '../../../helpers/client-rows.ts'
import { createRandom } from '../../../helpers/seeded-random.ts'

const one = conversationId(1)
const two = conversationId(2)
const hourMs = 3_600_000
const terms = { asOf: 1000, mayEvict: true }

interface Watched {
  readonly pages: PageStore
  /** The medium itself, which nobody watches. */
  readonly medium: PageMedium
  /** Called for each reading of the facts of blocks. */
  readonly counted: Mock<(id: string, blocks: Span | undefined) => void>
  /** Called for each reading of messages. */
  readonly loaded: Mock<(id: string, blocks: Span) => void>
  readonly written: Mock<(changes: PageChanges) => void>
  readonly at: (ms: number) => void
}

function watched(budgetBytes: number, medium: PageMedium = createMemoryPages()): Watched {
  const counted = vi.fn<(id: string, blocks: Span | undefined) => void>()
  const loaded = vi.fn<(id: string, blocks: Span) => void>()
  const written = vi.fn<(changes: PageChanges) => void>()
  const watch = (rows: PageRows): PageRows => ({
    ...rows,
    facts: (id, blocks) => {
      counted(id, blocks)
      return rows.facts(id, blocks)
    },
    runs: (id, blocks) => {
      loaded(id, blocks)
      return rows.runs(id, blocks)
    },
  })
  const seen: PageMedium = {
    look: (query) => medium.look((rows) => query(watch(rows))),
    change: (plan) =>
      medium.change(async (rows) => {
        const planned = await plan(watch(rows))
        written(planned.changes)
        return planned
      }),
  }
  let now = 0
  return {
    pages: createPageStore(seen, { budgetBytes, now: () => now }),
    medium,
    counted,
    loaded,
    written,
    at: (ms) => {
      now = ms
    },
  }
}

test('[PAGE4] facts and totals load no messages, and neither does eviction', async () => {
  const { pages, loaded, at } = watched(200_000)
  await pages.put(one, run(0, 1000), terms)
  expect(loaded).toHaveBeenCalled()
  loaded.mockClear()
  expect((await pages.facts(one)).messages).toBe(1000)
  expect((await pages.totals()).bytes).toBeGreaterThan(100_000)
  expect(loaded).not.toHaveBeenCalled()
  at(hourMs)
  await pages.put(two, run(0, 512), terms)
  expect((await pages.facts(one)).messages).toBeLessThan(1000)
  expect(loaded.mock.calls).toEqual([[two, { from: 0, to: 4 }]])
})

test('[PAGE4] facts are one row however much is kept, and keeping more counts no blocks but its own', async () => {
  const { pages, counted } = watched(100_000_000)
  for (const from of [0, 2000, 5000]) await pages.put(one, run(from, from + 1000), terms)
  counted.mockClear()
  expect((await pages.facts(one)).spans).toHaveLength(3)
  expect(counted).not.toHaveBeenCalled()
  await pages.put(one, run(1000, 1010), terms)
  await pages.update(one, [stamped(2500, { revision: 2000 })], { after: 1000, asOf: 2000 })
  expect(counted.mock.calls).toEqual([
    [one, { from: 7, to: 8 }],
    [one, { from: 19, to: 20 }],
  ])
  await pages.drop(one)
  expect(counted).toHaveBeenCalledTimes(2)
})

/** Without the rows of conversations, until each is written again. */
function withoutRows(medium: PageMedium): PageMedium {
  const lost = new Set([one, two])
  const rowsLost = (rows: PageRows): PageRows => ({
    ...rows,
    conversation: async (id) => (lost.has(id) ? undefined : rows.conversation(id)),
  })
  return {
    look: (query) => medium.look((rows) => query(rowsLost(rows))),
    change: (plan) =>
      medium.change(async (rows) => {
        const planned = await plan(rowsLost(rows))
        for (const { id } of planned.changes.conversations ?? []) lost.delete(id)
        return planned
      }),
  }
}

async function filled(budgetBytes: number): Promise<Watched> {
  const before = watched(budgetBytes)
  await before.pages.put(one, run(100, 700), terms)
  await before.pages.put(two, run(0, 300), terms)
  return watched(budgetBytes, withoutRows(before.medium))
}

test('[PAGE4] facts that are lost are counted once, and take account of nothing', async () => {
  const { pages, medium, counted } = await filled(10_000_000)
  const facts = await pages.facts(one)
  expect(facts).toMatchObject({ spans: [{ from: 100, to: 700 }], messages: 600, asOf: 0 })
  // Behind the row that is written, which nobody waits for.
  await pages.totals()
  counted.mockClear()
  expect(await pages.facts(one)).toEqual(facts)
  expect(counted).not.toHaveBeenCalled()
  await pages.facts(two)
  await pages.totals()
  await expectTrueRows(medium, [one, two])
})

test.each<[string, (pages: PageStore) => Promise<unknown>]>([
  ['put', (pages) => pages.put(one, run(700, 800), terms)],
  ['update', (pages) => pages.update(one, [stamped(150, { revision: 2000, content: 'x' })], { after: 0, asOf: 2000 })],
  ['eviction', (pages) => pages.put(conversationId(3), run(0, 1000), terms)],
  ['drop', (pages) => pages.drop(one)],
])('[PAGE4] facts that are lost are counted at %s too', async (_name, change) => {
  const { pages, medium } = await filled(210_000)
  await change(pages)
  for (const id of [one, two]) expect((await pages.facts(id)).messages).toBeLessThanOrEqual(700)
  await pages.totals()
  await expectTrueRows(medium, [one, two, conversationId(3)])
})

test('[PAGE4] reading writes a mark once an hour, a small one, and only where something is kept', async () => {
  const { pages, written, at } = watched(200_000)
  await pages.put(one, run(0, 200), terms)
  written.mockClear()
  for (const ms of [1, hourMs - 1]) {
    at(ms)
    await pages.read(one, { from: 0, to: 100 })
  }
  expect(written).not.toHaveBeenCalled()
  at(hourMs)
  for (let reading = 0; reading < 5; reading++) {
    await pages.read(one, { from: 0, to: 100 })
    await pages.read(two, { from: 0, to: 100 })
  }
  // Behind the marks, which nobody waits for.
  await pages.totals()
  expect(written.mock.calls).toEqual([
    [{ facts: [expect.objectContaining({ id: one, from: 0, to: 128, readAt: hourMs })] }],
  ])
})

test('[PAGE4] what was dropped while it was read does not come back by being marked', async () => {
  const { pages, at } = watched(200_000)
  await pages.put(one, run(0, 10), terms)
  at(2 * hourMs)
  const reading = pages.read(one, { from: 0, to: 10 })
  await pages.drop(one)
  await reading
  expect((await pages.facts(one)).spans).toEqual([])
})

/** Each row of a conversation, and the total, must be what the facts of its blocks come to. */
async function expectTrueRows(medium: PageMedium, ids: readonly ConversationId[]): Promise<void> {
  const { rows, total } = await medium.look(async (each) => ({
    rows: await Promise.all(
      ids.map(async (id) => ({ kept: await each.conversation(id), blocks: await each.facts(id) })),
    ),
    total: await each.totalBytes(),
  }))
  let all = 0
  for (const { kept, blocks } of rows) {
    const places = (spans: readonly Span[]): readonly number[] =>
      spans.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, index) => from + index))
    const spans = kept?.spans ?? []
    expect(places(spans)).toEqual(places(blocks))
    for (const [index, { from }] of spans.entries()) expect(from).toBeGreaterThan(spans[index - 1]?.to ?? -1)
    const [messages, bytes] = [blocks.map((each) => each.messages), blocks.map((each) => each.bytes)]
    expect([kept?.messages ?? 0, kept?.bytes ?? 0]).toEqual([sum(messages), sum(bytes)])
    expect(kept?.asOf === undefined).toBe(kept === undefined)
    all += sum(bytes)
  }
  expect(total).toBe(all)
}

function sum(values: readonly number[]): number {
  return values.reduce((before, value) => before + value, 0)
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  '[PAGE3][PAGE4] facts are those of the blocks, whatever is put, changed, evicted or dropped, seed %d',
  async (seed) => {
    const random = createRandom(seed)
    const { pages, medium, written, at } = watched(60_000)
    const ids = [one, two, conversationId(3)]
    for (let step = 0; step < 150; step++) {
      at(step * 60_000)
      const id = random.pick(ids)
      const from = random.below(1500)
      const content = 'é'.repeat(random.below(60))
      const more = { revision: 2000 + random.below(200), content }
      const given = run(from, from + 1 + random.below(random.chance(0.5) ? 20 : 300), more)
      const chosen = random.below(100)
      if (chosen < 5) await pages.drop(id)
      else if (chosen < 25) await pages.update(id, given.messages, { after: 0, asOf: 2200 })
      else if (chosen < 40) await pages.read(id, given)
      else await pages.put(id, given, { asOf: 1000, mayEvict: random.chance(0.7) })
      await expectTrueRows(medium, ids)
    }
    const evictions = written.mock.calls.map(([{ removed = [] }]) => new Set(removed.map(({ id }) => id)).size)
    expect(Math.max(...evictions)).toBeGreaterThan(1)
  },
)

/** What must be kept, without blocks that are merged, and without a budget: one message and one span after the other. */
interface Model {
  readonly covers: Map<number, Span>
  readonly messages: Map<number, StampedMessage>
}

function putInModel({ covers, messages }: Model, { from, to, messages: put }: PageRun): void {
  for (let block = Math.floor(from / 128); block * 128 < to; block++) {
    const piece = { from: Math.max(from, block * 128), to: Math.min(to, block * 128 + 128) }
    const cover = covers.get(block) ?? piece
    const touches = cover.from <= piece.to && piece.from <= cover.to
    if (!touches) for (let seq = cover.from; seq < cover.to; seq++) messages.delete(seq)
    const joined = { from: Math.min(cover.from, piece.from), to: Math.max(cover.to, piece.to) }
    covers.set(block, touches ? joined : piece)
  }
  for (const message of put) takeOver(messages, message)
}

function takeOver(messages: Map<number, StampedMessage>, message: StampedMessage): void {
  if (message.revision > (messages.get(message.seq)?.revision ?? -1)) messages.set(message.seq, message)
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])('[PAGE3][PAGE2] puts, updates and readings at random, seed %d', async (seed) => {
  const random = createRandom(seed)
  const { pages, medium } = watched(100_000_000)
  const model: Model = { covers: new Map(), messages: new Map() }
  let revision = 1000
  for (let step = 0; step < 150; step++) {
    const from = random.below(900)
    const to = from + 1 + random.below(random.chance(0.5) ? 20 : 300)
    const seqs = Array.from({ length: to - from }, (_, index) => from + index)
    const message = (seq: number): StampedMessage =>
      stamped(seq, { revision: random.between(revision - 20, revision), content: `${seq} at ${step}` })
    revision += 5
    if (random.chance(0.6)) {
      // Every third seq is no message.
      const put = { from, to, messages: seqs.filter((seq) => seq % 3 !== 0).map(message) }
      await pages.put(one, put, terms)
      putInModel(model, put)
    } else {
      const changed = random.shuffled(seqs.filter(() => random.chance(0.2))).map(message)
      await pages.update(one, changed, { after: 1000, asOf: 1000 + step })
      for (const each of changed) if (model.messages.has(each.seq)) takeOver(model.messages, each)
    }
    await expectTrueRows(medium, [one])
    const span = { from: random.below(900), to: 900 + random.below(400) }
    const read = await pages.read(one, span)
    for (const each of read) expect(each.to).toBeGreaterThan(each.from)
    const covered = [...model.covers.values()].flatMap((each) =>
      Array.from({ length: each.to - each.from }, (_, index) => each.from + index),
    )
    const expected = covered.filter((seq) => seq >= span.from && seq < span.to).toSorted((a, b) => a - b)
    const places = read.flatMap((each) => Array.from({ length: each.to - each.from }, (_, index) => each.from + index))
    expect(places).toEqual(expected)
    expect(read.flatMap(({ messages }) => messages)).toEqual(expected.flatMap((seq) => model.messages.get(seq) ?? []))
  }
  expect((await pages.facts(one)).messages).toBe(model.messages.size)
})
