// Conversations that are open only to be brought up to date, or until the server has everything.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import type { ConnectionStatus } from '../../client/api.ts'
import { BackgroundSync } from '../../client/background-sync.ts'
import type { OpenConversation } from '../../client/open-conversation.ts'
import { createStore } from '../../client/store.ts'
import type { ConversationId } from '../../shared/sync/ids.ts'
import { conversationId } from '../helpers/client-rows.ts'
import { deferred } from '../helpers/when.ts'

const ids = Array.from({ length: 6 }, (_, index) => conversationId(index))
const [one, two] = [conversationId(0), conversationId(1)]
const live: ConnectionStatus = { phase: 'live' }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** As much of an open conversation as the background looks at. */
class FakeConversation {
  readonly id: ConversationId
  unsent = 0
  /** Called when it is up to date, before it is closed. */
  readonly tellReceipts = vi.fn<() => void>()
  readonly closed = deferred()
  readonly close = vi.fn<() => Promise<void>>(() => this.closed.promise)
  readonly status = createStore<{ readonly connection: ConnectionStatus }>({ connection: { phase: 'connecting' } })

  constructor(id: ConversationId) {
    this.id = id
  }

  become(connection: ConnectionStatus): void {
    this.status.set({ connection })
  }

  get asOpen(): OpenConversation {
    return this as unknown as OpenConversation
  }
}

interface Rig {
  readonly background: BackgroundSync
  /** In the order in which they were opened. */
  readonly opened: readonly FakeConversation[]
  readonly last: (id: ConversationId) => FakeConversation
  /** Brings one up to date and lets it close. */
  readonly finish: (id: ConversationId) => Promise<void>
  readonly shown: () => string
  isConnected: boolean
  hasTime: boolean
  readonly open: Set<ConversationId>
}

/** The higher its number, the newer its activity. */
function start(more: { unsent?: number; open?: (id: ConversationId) => Promise<OpenConversation> } = {}): Rig {
  const opened: FakeConversation[] = []
  const open = new Set<ConversationId>()
  const rig: Rig = {
    background: new BackgroundSync({
      open:
        more.open ??
        (async (id) => {
          const conversation = new FakeConversation(id)
          conversation.unsent = more.unsent ?? 0
          opened.push(conversation)
          return conversation.asOpen
        }),
      isOpen: (id) => open.has(id),
      activityMs: (id) => ids.indexOf(id),
      isConnected: () => rig.isConnected,
      hasTime: () => rig.hasTime,
      uptime: () => performance.now(),
    }),
    opened,
    open,
    isConnected: true,
    hasTime: true,
    last: (id) => {
      const found = opened.findLast((each) => each.id === id)
      if (found === undefined) throw new Error('it was not opened')
      return found
    },
    finish: async (id) => {
      const conversation = rig.last(id)
      conversation.become(live)
      conversation.closed.resolve()
      await vi.advanceTimersByTimeAsync(0)
    },
    shown: () => {
      const { phase, left } = rig.background.status.getSnapshot()
      return `${phase} ${left}`
    },
  }
  return rig
}

function settle(ms = 0): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(ms)
}

function numbers({ opened }: Rig): readonly number[] {
  return opened.map(({ id }) => ids.indexOf(id))
}

describe('the order', () => {
  test('[BACK1] newest activity first, two at a time, the next when one is kept', async () => {
    const rig = start()
    rig.background.add(ids)
    await settle()
    expect(numbers(rig)).toEqual([5, 4])
    expect(rig.shown()).toBe('syncing 6')
    const [first] = rig.opened
    first?.become(live)
    await settle()
    // Its copy is being written still.
    expect(first?.close).toHaveBeenCalledTimes(1)
    expect(numbers(rig)).toEqual([5, 4])
    first?.closed.resolve()
    await settle()
    expect(numbers(rig)).toEqual([5, 4, 3])
    for (const number of [4, 3, 2, 1, 0]) await rig.finish(conversationId(number))
    expect(numbers(rig)).toEqual([5, 4, 3, 2, 1, 0])
    expect(rig.shown()).toBe('current 0')
  })

  test('[MUX2][BACK1] one that was told of once more, and brought meanwhile, is not opened again', async () => {
    const rig = start()
    const behind = new Set(ids)
    const add = (...these: ConversationId[]): void => rig.background.add(these, false, (id) => behind.has(id))
    add(one, two)
    await settle()
    add(one, two)
    behind.delete(one)
    await rig.finish(one)
    await rig.finish(two)
    await settle(10_000)
    expect(numbers(rig)).toEqual([1, 0, 1])
    // What is to be sent, or nobody told a version of, is opened all the same.
    behind.clear()
    rig.background.add([one], true)
    rig.background.add([ids[2] ?? one])
    await settle(10_000)
    expect(numbers(rig)).toEqual([1, 0, 1, 0])
    await rig.finish(two)
    await settle(10_000)
    expect(numbers(rig)).toEqual([1, 0, 1, 0, 2])
    // Nor is what is to be opened in any case taken back by a version that is told later.
    await rig.finish(one)
    await rig.finish(conversationId(2))
    rig.hasTime = false
    rig.background.add([ids[3] ?? one])
    add(ids[3] ?? one)
    rig.hasTime = true
    rig.background.proceed()
    await settle(10_000)
    expect(numbers(rig)).toEqual([1, 0, 1, 0, 2, 3])
  })

  test('[OUTBOX2][BACK1] what has something to send comes before what only moved', async () => {
    const rig = start()
    rig.hasTime = false
    rig.background.add(ids)
    rig.background.add([two], true)
    rig.hasTime = true
    rig.background.proceed()
    await settle()
    expect(numbers(rig)).toEqual([1, 5])
  })

  test('[BACK1] nothing is begun while somebody waits for a conversation, without a connection, or when it is paused', async () => {
    const rig = start()
    rig.hasTime = false
    rig.background.add([one])
    await settle()
    expect([numbers(rig), rig.shown()]).toEqual([[], 'syncing 1'])
    rig.hasTime = true
    rig.isConnected = false
    rig.background.proceed()
    await settle()
    expect([numbers(rig), rig.shown()]).toEqual([[], 'offline 1'])
    rig.background.pause()
    rig.isConnected = true
    rig.background.proceed()
    await settle()
    expect([numbers(rig), rig.shown()]).toEqual([[], 'paused 1'])
    rig.background.resume()
    await settle()
    expect([numbers(rig), rig.shown()]).toEqual([[0], 'syncing 1'])
  })

  test('[BACK1] what the application has open is left alone', async () => {
    const rig = start()
    rig.open.add(one)
    rig.background.add([one, two])
    await settle()
    expect(numbers(rig)).toEqual([1])
    expect(rig.shown()).toBe('syncing 1')
  })

  test('[BACK1] one that keeps moving is not fetched again at once', async () => {
    const rig = start()
    rig.background.add([one])
    await settle()
    await rig.finish(one)
    rig.background.add([one])
    await settle(4999)
    expect(rig.opened).toHaveLength(1)
    expect(rig.shown()).toBe('syncing 1')
    await settle(1)
    expect(rig.opened).toHaveLength(2)
  })

  test('[BACK1] one that moves while it is being closed is opened again behind that', async () => {
    const rig = start()
    rig.background.add([one])
    await settle()
    rig.last(one).become(live)
    rig.open.add(one)
    rig.background.add([one])
    await settle(10_000)
    expect(rig.opened).toHaveLength(1)
    rig.open.delete(one)
    rig.last(one).closed.resolve()
    await settle(10_000)
    expect(rig.opened).toHaveLength(2)
  })

  test('[BACK1] what can no longer be opened is not', async () => {
    const rig = start()
    rig.hasTime = false
    rig.background.add([one, two])
    rig.background.drop([one])
    rig.hasTime = true
    rig.background.proceed()
    await settle()
    expect(numbers(rig)).toEqual([1])
  })
})

describe('the end', () => {
  test('[OUTBOX2] it stays open until the server has everything, and is closed once', async () => {
    const rig = start({ unsent: 1 })
    rig.background.add([one], true)
    await settle()
    const conversation = rig.last(one)
    conversation.become(live)
    expect(conversation.close).not.toHaveBeenCalled()
    conversation.unsent = 0
    rig.background.check(conversation.asOpen)
    rig.background.check(conversation.asOpen)
    conversation.become({ phase: 'closed' })
    expect(conversation.close).toHaveBeenCalledTimes(1)
  })

  test('[RECEIPT1][BACK1] what has arrived is told when it is up to date, and it closes when the server has that', async () => {
    const rig = start()
    rig.background.add([one])
    await settle()
    const conversation = rig.last(one)
    conversation.tellReceipts.mockImplementationOnce(() => void conversation.unsent++)
    conversation.become({ phase: 'syncing' })
    expect(conversation.tellReceipts).not.toHaveBeenCalled()
    conversation.become(live)
    expect(conversation.close).not.toHaveBeenCalled()
    conversation.unsent = 0
    rig.background.check(conversation.asOpen)
    expect(conversation.close).toHaveBeenCalledTimes(1)
  })

  test.each<ConnectionStatus>([
    { phase: 'offline', reason: 'no network' },
    { phase: 'connecting' },
    { phase: 'syncing' },
  ])('[OUTBOX2] it stays open while nothing is settled: %o', async (status) => {
    const rig = start()
    rig.background.add([one])
    await settle()
    rig.last(one).become(status)
    expect(rig.last(one).close).not.toHaveBeenCalled()
  })

  test('[OUTBOX2] a refusal ends it: trying on would bring the same', async () => {
    const rig = start({ unsent: 1 })
    rig.background.add([one], true)
    await settle()
    rig.last(one).become({ phase: 'refused', code: 'no-access', reason: 'Not a member.' })
    rig.last(one).closed.resolve()
    await settle(600_000)
    expect(rig.opened).toHaveLength(1)
    expect(rig.shown()).toBe('current 0')
  })

  test('[BACK1] one that does not come to an end makes way, and is tried again later', async () => {
    const rig = start()
    rig.background.add(ids.slice(0, 5))
    await settle()
    const [stuck] = rig.opened
    stuck?.become({ phase: 'offline', reason: 'no network' })
    stuck?.closed.resolve()
    await settle(10_000)
    await rig.finish(conversationId(3))
    await settle(19_999)
    expect(stuck?.close).not.toHaveBeenCalled()
    expect(numbers(rig)).toEqual([4, 3, 2])
    await settle(1)
    expect(stuck?.close).toHaveBeenCalledTimes(1)
    expect(numbers(rig)).toEqual([4, 3, 2, 1])
    for (const number of [2, 1, 0]) await rig.finish(conversationId(number))
    await settle(60_000)
    expect(numbers(rig)).toEqual([4, 3, 2, 1, 0, 4])
    // Now nobody waits for it: it has all the time it needs.
    await settle(600_000)
    expect(rig.opened.at(-1)?.close).not.toHaveBeenCalled()
    expect(rig.shown()).toBe('syncing 1')
  })

  test('[CHAIN3] what the application opens meanwhile stays open', async () => {
    const rig = start()
    rig.background.add([one])
    await settle()
    expect(rig.background.has(one)).toBe(true)
    rig.background.hold(one)
    rig.last(one).become(live)
    await settle(600_000)
    expect(rig.last(one).close).not.toHaveBeenCalled()
    expect([rig.background.has(one), rig.shown()]).toEqual([false, 'current 0'])
  })

  test('[CHAIN3] and so does what it opens while it is being opened', async () => {
    const opening = deferred<OpenConversation>()
    const rig = start({ open: () => opening.promise })
    rig.background.add([one])
    rig.background.hold(one)
    const conversation = new FakeConversation(one)
    conversation.become(live)
    opening.resolve(conversation.asOpen)
    await settle(600_000)
    expect(conversation.close).not.toHaveBeenCalled()
  })

  test('[BACK1] what cannot be opened stands in nobody’s way', async () => {
    const asked: ConversationId[] = []
    const rig = start({
      open: (id) => {
        asked.push(id)
        return Promise.reject(new Error('cannot be read'))
      },
    })
    rig.background.add(ids)
    await settle()
    expect(asked).toHaveLength(6)
    expect(rig.shown()).toBe('current 0')
  })

  test('conversations that it did not open are none of its business', () => {
    const rig = start()
    const conversation = new FakeConversation(one)
    conversation.become(live)
    rig.background.check(conversation.asOpen)
    expect(conversation.close).not.toHaveBeenCalled()
  })

  test('closed, it begins nothing more, and nothing of it is left', async () => {
    const rig = start()
    rig.background.add(ids)
    await settle()
    rig.background.close()
    rig.last(ids[5] ?? one).become(live)
    rig.background.add([one])
    await settle()
    expect(rig.opened).toHaveLength(2)
    expect(vi.getTimerCount()).toBe(0)
  })
})
