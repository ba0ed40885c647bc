// What one more entry costs whoever has opened many threads: counted, not timed.
import { expect, onTestFinished, test, vi } from 'vitest'

import type { Thread } from '../../client/api.ts'
import type { KnownEntry, MessageId } from '../../shared/chat/entry.ts'
import { message, messageId } from '../helpers/client-rows.ts'
import { openRig, bobOn } from '../helpers/open-rig.ts'
import { createStampingServer } from '../helpers/stamping-server.ts'

const threads = 100

interface Counted {
  /** How many threads were looked at. */
  readonly threads: number
  /** How many messages of them. */
  readonly messages: number
}

const reply = (number: number, of: number): KnownEntry => ({ ...message(number), thread: messageId(of) })

/** Threads with two answers each, all of them opened. */
async function opened(isWatched: boolean) {
  const server = createStampingServer()
  const write = bobOn(server)
  const roots = Array.from({ length: threads }, (_, index) => index + 1)
  write(...roots.map((number) => message(number)))
  write(...roots.flatMap((number) => [reply(1000 + number, number), reply(2000 + number, number)]))
  const rig = await openRig({ server })
  onTestFinished(() => rig.conversation.close())
  rig.download()
  const { conversation } = rig
  let told = 0
  const all = roots.map((number): Thread => conversation.thread(messageId(number)))
  for (const { messages, info } of isWatched ? all : [])
    for (const store of [messages, info]) store.subscribe(() => told++)
  const inOrder = vi.spyOn(conversation.document.timeline, 'inOrder')

  function count(change: () => void): Counted {
    inOrder.mockClear()
    change()
    const asked = inOrder.mock.calls.map(([ids]): ReadonlySet<MessageId> => ids)
    return { threads: new Set(asked).size, messages: asked.reduce((sum, ids) => sum + ids.size, 0) }
  }
  return {
    conversation,
    all,
    told: () => told,
    count,
    hear: (...entries: readonly KnownEntry[]): Counted => {
      write(...entries)
      return count(rig.download)
    },
  }
}

const none: Counted = { threads: 0, messages: 0 }

test.each([true, false])(
  '[VIEW1][THREAD1] what comes elsewhere looks at none of a hundred threads (watched: %s)',
  async (isWatched) => {
    const { conversation, all, told, count, hear } = await opened(isWatched)
    expect(hear(message(5000))).toEqual(none)
    expect(count(() => conversation.send('mine'))).toEqual(none)
    expect(hear({ kind: 'react', of: messageId(5000), emoji: 'x', on: true })).toEqual(none)
    expect(hear(reply(5001, 5000))).toEqual(none)
    expect(told()).toBe(0)
    expect(all.map(({ info }) => info.getSnapshot().count)).toEqual(all.map(() => 2))
  },
)

test.each([true, false])(
  '[VIEW1][THREAD1] what comes in one of a hundred threads looks at that one (watched: %s)',
  async (isWatched) => {
    const { conversation, all, count, hear } = await opened(isWatched)
    const [first] = all
    const contents = (): readonly unknown[] => first?.messages.getSnapshot().map(({ content }) => content) ?? []
    expect(hear(reply(5000, 1))).toEqual({ threads: 1, messages: 3 })
    expect(contents()).toEqual(['message 1001', 'message 2001', 'message 5000'])
    // That a thread lists nothing else does not say that its messages are the same.
    const edited = hear({ kind: 'edit', of: messageId(5000), content: 'better', at: 9 })
    expect(edited).toEqual(isWatched ? { threads: 1, messages: 3 } : none)
    expect(contents().at(-1)).toBe('better')
    expect(count(() => first?.send('mine'))).toEqual({ threads: 1, messages: 4 })
    expect(count(() => conversation.react(messageId(2), 'x')).threads).toBe(isWatched ? 1 : 0)
    expect(all[1]?.info.getSnapshot().root?.reactions).toHaveLength(1)
  },
)

test('[VIEW1][THREAD3] reading all of a conversation concerns all of its threads: counting would show it', async () => {
  const { conversation, all, count } = await opened(true)
  expect(count(() => conversation.markRead())).toEqual({ threads, messages: 2 * threads })
  expect(all.map(({ info }) => info.getSnapshot().unread)).toEqual(all.map(() => 0))
})
