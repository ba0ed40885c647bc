// What every page store must do, whatever it is made of. Each implementation's test file calls this with its own `open`;
// those that survive the end of their program, and those that several tabs share, pass the other suites too.
import { describe, expect, test } from 'vitest'

import type { StorageOptions } from '../../client/storage/client-storage.ts'
import type { PageRun, PageStore } from '../../client/storage/page-store.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { ann, conversationId, messageId } from '../helpers/client-rows.ts'
import { createRandom } from '../helpers/seeded-random.ts'

export interface OpenedPageStore {
  readonly pages: PageStore
  readonly dispose: () => Promise<void>
}

export interface OpenedKeepingPageStore extends OpenedPageStore {
  /** Closes the store and opens what it left, under a budget of its own. */
  readonly reopen: (options?: StorageOptions) => Promise<PageStore>
}

export interface OpenedSharedPageStore extends OpenedPageStore {
  /** The same store as another tab has it. */
  readonly openTab: () => Promise<PageStore>
}

type Open<Opened extends OpenedPageStore> = (options: StorageOptions) => Promise<Opened>

const one = conversationId(1)
const two = conversationId(2)
const three = conversationId(3)
const hourMs = 3_600_000
const evicting = { asOf: 1000, mayEvict: true }

export function stamped(seq: number, more: Partial<StampedMessage> = {}): StampedMessage {
  const written = {
    id: messageId(seq + 1),
    role: 'user',
    content: `message ${seq}`,
    user: ann,
    writtenAt: seq,
  } as const
  return { ...written, seq, createdAt: seq, revision: seq, ...more }
}

/** A run in which every seq is a message. */
export function run(from: number, to: number, more: Partial<StampedMessage> = {}): PageRun {
  return { from, to, messages: Array.from({ length: to - from }, (_, index) => stamped(from + index, more)) }
}

/** One message whose place alone is in a block, about as large as told. */
function heavy(block: number, bytes: number): PageRun {
  return run(block * 128, block * 128 + 1, { content: 'x'.repeat(bytes) })
}

const everything = { from: 0, to: Number.MAX_SAFE_INTEGER }

async function seqs(pages: PageStore, id: ConversationId = one): Promise<readonly number[]> {
  return (await pages.read(id, everything)).flatMap(({ messages }) => messages.map(({ seq }) => seq))
}

/** What facts and totals must be of what can be read. */
async function expectTrueFacts(pages: PageStore, ids: readonly ConversationId[]): Promise<void> {
  let total = 0
  for (const id of ids) {
    const { spans, messages, bytes } = await pages.facts(id)
    const runs = await pages.read(id, everything)
    expect(spans).toEqual(runs.map(({ from, to }) => ({ from, to })))
    const kept = runs.flatMap((each) => each.messages)
    expect(messages).toBe(kept.length)
    const json = kept.map((each) => Buffer.byteLength(JSON.stringify(each)) + 1)
    expect(bytes).toBe(json.reduce((sum, each) => sum + each, 0))
    total += bytes
  }
  expect((await pages.totals()).bytes).toBe(total)
}

/** A test with a store of its own, whose clock is set by `at`. */
function withStore<Opened extends OpenedPageStore>(
  open: Open<Opened>,
  check: (opened: Opened, at: (ms: number) => void) => Promise<void>,
  pageBudgetBytes?: number,
): () => Promise<void> {
  return async () => {
    let now = 0
    const opened = await open({ pageBudgetBytes, now: () => now })
    try {
      await check(opened, (ms) => {
        now = ms
      })
    } finally {
      await opened.dispose()
    }
  }
}

export function pageStoreContract(name: string, open: Open<OpenedPageStore>): void {
  describe(`${name}: what is kept of pages`, () => {
    test(
      '[PAGE3] nothing is kept at first, and it says so',
      withStore(open, async ({ pages }) => {
        expect(await pages.facts(one)).toEqual({ spans: [], messages: 0, bytes: 0, asOf: undefined })
        expect(await pages.read(one, everything)).toEqual([])
        expect((await pages.totals()).bytes).toBe(0)
        await pages.drop(one)
      }),
    )

    test(
      '[PAGE3] a run comes back as it was put, whole and in part, each conversation its own',
      withStore(open, async ({ pages }) => {
        const put: PageRun = { from: 90, to: 400, messages: [stamped(100), stamped(101), stamped(250), stamped(399)] }
        expect(await pages.put(one, put, evicting)).toBe('kept')
        await pages.put(two, run(300, 302), { ...evicting, asOf: 7 })
        expect(await pages.read(one, everything)).toEqual([put])
        expect(await pages.read(one, { from: 101, to: 251 })).toEqual([
          { from: 101, to: 251, messages: [stamped(101), stamped(250)] },
        ])
        expect(await pages.read(one, { from: 0, to: 90 })).toEqual([])
        expect(await pages.read(one, { from: 400, to: 500 })).toEqual([])
        expect(await pages.read(one, { from: 0, to: 91 })).toEqual([{ from: 90, to: 91, messages: [] }])
        expect(await pages.facts(one)).toMatchObject({ spans: [{ from: 90, to: 400 }], messages: 4, asOf: 1000 })
        expect(await pages.facts(two)).toMatchObject({ spans: [{ from: 300, to: 302 }], messages: 2, asOf: 7 })
        await expectTrueFacts(pages, [one, two])
      }),
    )

    test(
      '[PAGE3] runs that adjoin or overlap are one span, whatever their order, and each message is there once',
      withStore(open, async ({ pages }) => {
        for (const [from, to] of [
          [250, 300],
          [200, 250],
          [150, 220],
          [299, 310],
          [120, 150],
        ] as const) {
          await pages.put(one, run(from, to), evicting)
        }
        expect((await pages.facts(one)).spans).toEqual([{ from: 120, to: 310 }])
        expect(await pages.read(one, everything)).toEqual([run(120, 310)])
        await expectTrueFacts(pages, [one])
      }),
    )

    test.each([
      [0, 1],
      [0, 127],
      [0, 128],
      [0, 129],
      [127, 128],
      [127, 129],
      [128, 129],
      [128, 256],
      [255, 257],
      [2 ** 40 - 1, 2 ** 40 + 1],
    ])('[PAGE3] borders of records are nowhere to be seen: %d to %d', async (from, to) => {
      await withStore(open, async ({ pages }) => {
        await pages.put(one, run(from, to), evicting)
        expect(await pages.read(one, everything)).toEqual([run(from, to)])
        expect(await pages.read(one, { from: from + 1, to: Infinity })).toEqual(
          to - from > 1 ? [run(from + 1, to)] : [],
        )
        expect((await pages.facts(one)).spans).toEqual([{ from, to }])
      })()
    })

    test(
      '[PAGE3] runs far from each other are spans of their own',
      withStore(open, async ({ pages }) => {
        await pages.put(one, run(0, 10), evicting)
        await pages.put(one, run(500, 510), evicting)
        expect(await pages.read(one, everything)).toEqual([run(0, 10), run(500, 510)])
        await pages.put(one, run(10, 500), evicting)
        expect(await pages.read(one, everything)).toEqual([run(0, 510)])
      }),
    )

    test(
      '[PAGE3] of two runs apart in one block the one that came last is kept, and the facts say what is not here',
      withStore(open, async ({ pages }) => {
        await pages.put(one, run(0, 50), evicting)
        expect(await pages.put(one, run(60, 70), evicting)).toBe('kept')
        expect(await pages.read(one, everything)).toEqual([run(60, 70)])
        await pages.put(one, run(0, 60), evicting)
        expect(await pages.read(one, everything)).toEqual([run(0, 70)])
        await expectTrueFacts(pages, [one])
      }),
    )

    test(
      '[PAGE3] messages outside the span they come with are not kept',
      withStore(open, async ({ pages }) => {
        await pages.put(one, { from: 10, to: 12, messages: [9, 10, 11, 12, 300].map((seq) => stamped(seq)) }, evicting)
        expect(await pages.read(one, everything)).toEqual([run(10, 12)])
        expect(await pages.put(one, { from: 5, to: 5, messages: [] }, evicting)).toBe('kept')
        expect((await pages.facts(one)).spans).toEqual([{ from: 10, to: 12 }])
      }),
    )

    test(
      '[PAGE4] what is dropped is gone, and takes no room',
      withStore(open, async ({ pages }) => {
        await pages.put(one, run(0, 300), evicting)
        await pages.put(two, run(0, 5), evicting)
        await pages.drop(one)
        expect(await pages.facts(one)).toEqual({ spans: [], messages: 0, bytes: 0, asOf: undefined })
        expect(await pages.read(one, everything)).toEqual([])
        await expectTrueFacts(pages, [one, two])
        await pages.put(one, run(0, 1), { ...evicting, asOf: 2000 })
        expect((await pages.facts(one)).asOf).toBe(2000)
      }),
    )

    test(
      '[PAGE4] text of any script counts by its bytes',
      withStore(open, async ({ pages }) => {
        await pages.put(one, { from: 0, to: 2, messages: [stamped(0, { content: 'Grüße 🚢' }), stamped(1)] }, evicting)
        const { bytes } = await pages.facts(one)
        expect(bytes).toBe((await pages.totals()).bytes)
        await expectTrueFacts(pages, [one])
      }),
    )
  })

  describe(`${name}: revisions of pages`, () => {
    test(
      '[PAGE1] of a message that is kept the higher revision counts, at equal ones the one that was here',
      withStore(open, async ({ pages }) => {
        await pages.put(one, run(0, 3, { revision: 10, content: 'first' }), evicting)
        const later = [
          stamped(0, { revision: 9, content: 'older' }),
          stamped(1, { revision: 10, content: 'equal' }),
          stamped(2, { revision: 11, content: 'newer' }),
        ]
        await pages.put(one, { from: 0, to: 3, messages: later }, evicting)
        const [kept] = await pages.read(one, everything)
        expect(kept?.messages.map(({ content }) => content)).toEqual(['first', 'first', 'newer'])
        await expectTrueFacts(pages, [one])
      }),
    )

    test(
      '[PAGE2] an update reaches what is kept, where its revision is higher, and adds nothing',
      withStore(open, async ({ pages }) => {
        await pages.put(one, run(100, 300), evicting)
        await pages.update(
          one,
          [
            stamped(100, { revision: 900, content: 'changed' }),
            stamped(150, { revision: 149, content: 'older' }),
            stamped(299, { revision: 901, content: '', redactedAt: 5 }),
            stamped(299, { revision: 900, content: 'between' }),
            stamped(99, { revision: 900 }),
            stamped(300, { revision: 900 }),
            stamped(5000, { revision: 900 }),
          ],
          { after: 1000, asOf: 1200 },
        )
        const expected = run(100, 300).messages.map((message) => {
          if (message.seq === 100) return stamped(100, { revision: 900, content: 'changed' })
          return message.seq === 299 ? stamped(299, { revision: 901, content: '', redactedAt: 5 }) : message
        })
        expect(await pages.read(one, everything)).toEqual([{ from: 100, to: 300, messages: expected }])
        expect((await pages.facts(one)).asOf).toBe(1200)
        await expectTrueFacts(pages, [one])
        await pages.update(one, [], { after: 1000, asOf: 1100 })
        expect((await pages.facts(one)).asOf).toBe(1200)
      }),
    )

    test(
      '[PAGE2] an update of a conversation of which nothing is kept keeps nothing',
      withStore(open, async ({ pages }) => {
        await pages.update(one, [stamped(0)], { after: 0, asOf: 50 })
        expect(await pages.facts(one)).toEqual({ spans: [], messages: 0, bytes: 0, asOf: undefined })
      }),
    )

    test(
      '[PAGE2] an update does not vouch for older pages that were put while it was asked for',
      withStore(open, async ({ pages }) => {
        const asOf = async (): Promise<number | undefined> => (await pages.facts(one)).asOf
        await pages.put(one, run(0, 10), { asOf: 500, mayEvict: false })
        // Another tab, whose answer is of an earlier moment.
        await pages.put(one, run(10, 20), { asOf: 300, mayEvict: false })
        const changed = stamped(15, { revision: 650, content: 'changed' })
        await pages.update(one, [changed], { after: 500, asOf: 700 })
        expect(await asOf()).toBe(300)
        expect((await pages.read(one, everything))[0]?.messages[15]).toEqual(changed)
        await pages.update(one, [], { after: 200, asOf: 400 })
        expect(await asOf()).toBe(400)
        await pages.update(one, [], { after: 400, asOf: 700 })
        expect(await asOf()).toBe(700)
      }),
    )

    test(
      '[PAGE2] a put takes account of as much as the least of what is kept does',
      withStore(open, async ({ pages }) => {
        const asOf = async (): Promise<number | undefined> => (await pages.facts(one)).asOf
        await pages.put(one, run(0, 10), { asOf: 500, mayEvict: false })
        expect(await asOf()).toBe(500)
        await pages.put(one, run(10, 20), { asOf: 700, mayEvict: false })
        expect(await asOf()).toBe(500)
        await pages.put(one, run(20, 30), { asOf: 300, mayEvict: false })
        expect(await asOf()).toBe(300)
        await pages.update(one, [], { after: 300, asOf: 700 })
        expect(await asOf()).toBe(700)
      }),
    )
  })

  describe(`${name}: the budget of pages`, () => {
    const budget = 10_000

    test(
      '[PAGE4] the budget is told',
      withStore(
        open,
        async ({ pages }) => expect(await pages.totals()).toEqual({ bytes: 0, budgetBytes: budget }),
        budget,
      ),
    )

    test(
      '[PAGE4] what was read longest ago makes way, of whatever conversation, and reading spares',
      withStore(
        open,
        async ({ pages }, at) => {
          for (const [hours, id] of [one, two, three].entries()) {
            at(hours * hourMs)
            await pages.put(id, heavy(hours, 3000), evicting)
          }
          at(5 * hourMs)
          await pages.read(one, { from: 0, to: 1 })
          // Whoever merely looks at it does not keep it.
          const peeked = await pages.peek(two, { from: 0, to: 1000 })
          expect(peeked.map(({ messages }) => messages.map(({ seq }) => seq))).toEqual([[128]])
          expect(await pages.put(one, heavy(7, 3000), evicting)).toBe('kept')
          expect([await seqs(pages, one), await seqs(pages, two), await seqs(pages, three)]).toEqual([
            [0, 7 * 128],
            [],
            [2 * 128],
          ])
          await expectTrueFacts(pages, [one, two, three])
        },
        budget,
      ),
    )

    test(
      '[PAGE4] no more is evicted than must be, and never what was just put',
      withStore(
        open,
        async ({ pages }, at) => {
          for (let block = 0; block < 9; block++) {
            at(block * hourMs)
            await pages.put(one, heavy(block, 900), evicting)
          }
          // The clock of a device may go back.
          at(0)
          const put: PageRun = { from: 0, to: 256, messages: [...heavy(0, 1600).messages, ...heavy(1, 1600).messages] }
          const raised = put.messages.map((message) => ({ ...message, revision: 9000 }))
          expect(await pages.put(one, { ...put, messages: raised }, evicting)).toBe('kept')
          expect(await seqs(pages)).toEqual([0, 1, 3, 4, 5, 6, 7, 8].map((block) => block * 128))
          await expectTrueFacts(pages, [one])
        },
        budget,
      ),
    )

    test(
      '[PAGE4] without leave to evict a full cache says so, and keeps the newest that fits',
      withStore(
        open,
        async ({ pages }) => {
          await pages.put(two, heavy(0, 5000), evicting)
          const blocks = [4, 3, 2].map((block) => heavy(block, 2000).messages)
          const put: PageRun = { from: 256, to: 5 * 128, messages: blocks.toReversed().flat() }
          expect(await pages.put(one, put, { asOf: 1, mayEvict: false })).toBe('full')
          expect(await seqs(pages, one)).toEqual([3 * 128, 4 * 128])
          expect((await pages.facts(one)).spans).toEqual([{ from: 3 * 128, to: 5 * 128 }])
          expect(await seqs(pages, two)).toEqual([0])
          expect(await pages.put(three, heavy(0, 3000), { asOf: 1, mayEvict: false })).toBe('full')
          expect(await pages.facts(three)).toEqual({ spans: [], messages: 0, bytes: 0, asOf: undefined })
          await expectTrueFacts(pages, [one, two, three])
          // What makes nothing larger is kept in a full cache too.
          expect(await pages.put(two, heavy(0, 5000), { asOf: 1, mayEvict: false })).toBe('kept')
        },
        budget,
      ),
    )

    test(
      '[PAGE4] what alone is beyond the budget is not kept, and nothing makes way for it',
      withStore(
        open,
        async ({ pages }) => {
          await pages.put(two, heavy(0, 5000), evicting)
          expect(await pages.put(one, heavy(0, 11_000), evicting)).toBe('full')
          expect(await seqs(pages, two)).toEqual([0])
          await expectTrueFacts(pages, [one, two])
        },
        budget,
      ),
    )

    test(
      '[PAGE4] a conversation that was evicted starts anew, with what it takes account of then',
      withStore(
        open,
        async ({ pages }, at) => {
          await pages.put(one, heavy(0, 6000), { asOf: 5, mayEvict: true })
          at(hourMs)
          await pages.put(two, heavy(0, 6000), evicting)
          expect(await pages.facts(one)).toMatchObject({ spans: [], messages: 0, bytes: 0 })
          await pages.put(one, heavy(0, 600), { asOf: 900, mayEvict: true })
          expect((await pages.facts(one)).asOf).toBe(900)
        },
        budget,
      ),
    )
  })

  test(
    `[PAGE4] ${name}: 100,000 messages, put newest first in runs of 200, are all there and quickly read`,
    { timeout: 120_000 },
    withStore(open, async ({ pages }) => {
      const count = 100_000
      const putMs = await msOf(async () => {
        for (let to = count; to > 0; to -= 200)
          await pages.put(one, run(to - 200, to), { asOf: count, mayEvict: false })
      })
      const factsMs = await msOf(async () => {
        const facts = await pages.facts(one)
        expect(facts).toMatchObject({ spans: [{ from: 0, to: count }], messages: count, asOf: count })
      })
      const readMs = await msOf(async () => {
        expect(await pages.read(one, { from: 50_000, to: 50_200 })).toEqual([run(50_000, 50_200)])
      })
      const fewMs = await msOf(async () => void (await pages.put(two, run(0, 200), evicting)))
      console.log(
        `${name}: 500 puts ${putMs.toFixed(0)} ms, facts ${factsMs.toFixed(1)} ms, ` +
          `read of 200 ${readMs.toFixed(1)} ms, put into another ${fewMs.toFixed(1)} ms`,
      )
      // A put costs what it did: nothing grows with what is kept.
      expect(fewMs).toBeLessThan(20 * (putMs / 500) + 20)
    }),
  )
}

async function msOf(job: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await job()
  return performance.now() - start
}

export function keepingPageStoreContract(name: string, open: Open<OpenedKeepingPageStore>): void {
  describe(`${name}: pages that stay`, () => {
    test(
      '[PAGE3] pages, facts and totals are there after a reopening',
      withStore(open, async ({ pages, reopen }) => {
        await pages.put(one, run(100, 300), evicting)
        const before = [await pages.facts(one), await pages.totals()]
        const again = await reopen()
        expect([await again.facts(one), await again.totals()]).toEqual(before)
        expect(await again.read(one, everything)).toEqual([run(100, 300)])
      }),
    )

    test(
      '[PAGE4] a lower budget than before is reached at the next put, oldest reading first',
      withStore(open, async ({ pages, reopen }, at) => {
        for (let block = 0; block < 5; block++) {
          at(block * hourMs)
          await pages.put(one, heavy(block, 1000), evicting)
        }
        const again = await reopen({ pageBudgetBytes: 4000 })
        expect(await seqs(again)).toHaveLength(5)
        expect(await again.put(one, heavy(9, 1000), { asOf: 1, mayEvict: false })).toBe('full')
        expect(await again.put(one, heavy(9, 1000), evicting)).toBe('kept')
        expect(await seqs(again)).toEqual([3, 4, 9].map((block) => block * 128))
        await expectTrueFacts(again, [one])
      }),
    )
  })
}

export function sharedPageStoreContract(name: string, open: Open<OpenedSharedPageStore>): void {
  describe(`${name}: pages of several tabs`, () => {
    test(
      '[PAGE3] two tabs that put into the same records at the same time lose nothing of each other',
      withStore(open, async ({ pages, openTab }) => {
        const tabs = [pages, await openTab()]
        await pages.put(one, run(0, 1), evicting)
        const puts: Promise<unknown>[] = []
        for (let from = 1; from < 400; from += 3) {
          puts.push(tabs[from % 2]?.put(one, run(from, from + 3), evicting) ?? Promise.reject(new Error('no tab')))
        }
        await Promise.all(puts)
        for (const tab of tabs) expect(await tab.read(one, everything)).toEqual([run(0, 400)])
        await expectTrueFacts(pages, [one])
      }),
    )

    test(
      '[PAGE2] an update in one tab and a put in another leave the higher revision',
      withStore(open, async ({ pages, openTab }) => {
        const other = await openTab()
        await pages.put(one, run(0, 10), evicting)
        const changed = stamped(4, { revision: 50, content: 'changed' })
        await Promise.all([
          pages.update(one, [changed], { after: 1000, asOf: 1000 }),
          other.put(one, run(0, 200), evicting),
        ])
        const [kept] = await other.read(one, everything)
        expect(kept?.messages[4]).toEqual(changed)
        expect(kept?.to).toBe(200)
      }),
    )

    test(
      '[PAGE2] a run put by another tab while changes are asked for is not taken for as new as they are',
      withStore(open, async ({ pages, openTab }) => {
        const other = await openTab()
        await pages.put(one, run(0, 10), { asOf: 500, mayEvict: false })
        const { asOf: after = -1 } = await pages.facts(one)
        // An answer of the server that was long under way.
        await other.put(one, run(10, 20), { asOf: 300, mayEvict: false })
        await pages.update(one, [stamped(4, { revision: 600 })], { after, asOf: 700 })
        for (const tab of [pages, other]) expect((await tab.facts(one)).asOf).toBe(300)
        await other.update(one, [], { after: 300, asOf: 700 })
        for (const tab of [pages, other]) expect((await tab.facts(one)).asOf).toBe(700)
      }),
    )

    test.each([1, 2, 3])(
      '[PAGE3][PAGE4] facts are true whatever two tabs put, change, evict and drop at the same time, seed %d',
      async (seed) => {
        await withStore(
          open,
          async ({ pages, openTab }) => {
            const random = createRandom(seed)
            const tabs = [pages, await openTab()]
            const ids = [one, two, three]
            let evicted = false
            for (let round = 0; round < 15; round++) {
              const jobs = Array.from({ length: 6 }, (): Promise<unknown> => {
                const [tab, id] = [random.pick(tabs), random.pick(ids)]
                const from = random.below(1000)
                const put = run(from, from + 1 + random.below(300), { revision: 1000 + round })
                if (random.chance(0.1)) return tab.drop(id)
                if (random.chance(0.3)) return tab.update(id, put.messages, { after: 0, asOf: 1000 + round })
                return tab.put(id, put, { asOf: 1000, mayEvict: random.chance(0.8) })
              })
              const answers = await Promise.all(jobs)
              evicted ||= answers.includes('full')
              for (const tab of tabs) await expectTrueFacts(tab, ids)
            }
            // Else there was room for all.
            expect(evicted).toBe(true)
          },
          120_000,
        )()
      },
    )

    test(
      '[PAGE4] the budget is kept to by all tabs together',
      withStore(
        open,
        async ({ pages, openTab }, at) => {
          const tabs = [pages, await openTab()]
          for (let block = 0; block < 40; block++) {
            at(block * hourMs)
            await tabs[block % 2]?.put(one, heavy(block, 1000), evicting)
            const { bytes, budgetBytes } = await pages.totals()
            expect(bytes).toBeLessThanOrEqual(budgetBytes)
          }
          for (const tab of tabs) await expectTrueFacts(tab, [one])
          expect(await seqs(pages)).toHaveLength(8)
        },
        10_000,
      ),
    )
  })
}
