// The threads that a device knows, as a list: newest answer first, with what is unread in each.
import { expect, onTestFinished, test } from 'vitest'

import type { ChatMessage, ThreadSummary } from '../../client/api.ts'
import { ThreadList } from '../../client/threads/thread-list.ts'
import { ThreadMembers } from '../../client/threads/thread-members.ts'
import { createTimeline } from '../../client/timeline.ts'
import type { KnownEntry } from '../../shared/chat/entry.ts'
import type { Folded } from '../../shared/chat/fold.ts'
import { ann, bob, message, messageId } from '../helpers/client-rows.ts'
import { createFoldedDoc } from '../helpers/folded-doc.ts'
import { type OpenRig, openRig, startTalk, type ServerTalk } from '../helpers/open-rig.ts'
import { createRandom } from '../helpers/seeded-random.ts'

async function open({ server, archive }: ServerTalk): Promise<OpenRig> {
  const fetchMessage = async (id: string) => archive.all().find((one) => one.id === id)
  const rig = await openRig({ server, archive, fetchMessage })
  onTestFinished(() => rig.conversation.close())
  rig.download()
  return rig
}

const reply = (number: number, of: number, more: object = {}): KnownEntry => ({
  ...message(number),
  thread: messageId(of),
  ...more,
})
const listed = ({ conversation }: OpenRig): readonly ThreadSummary[] => conversation.threads.getSnapshot()
const roots = (rig: OpenRig): readonly string[] => listed(rig).map(({ root }) => root)

test('[THREAD1][THREAD3] threads are listed by their newest answer, with what is unread; what did not change is the same', async () => {
  const stand = startTalk()
  stand.write(message(1), message(2), message(3))
  const rig = await open(stand)
  const { conversation } = rig
  expect(listed(rig)).toEqual([])
  stand.write(reply(11, 1))
  stand.write(reply(12, 2, { mentions: [ann] }))
  rig.download()
  const of = (number: number): ThreadSummary | undefined => listed(rig).find(({ root }) => root === messageId(number))
  expect(roots(rig)).toEqual([2, 1].map(messageId))
  expect(of(2)).toMatchObject({ count: 1, users: [bob], unread: 1, mentions: 1, lastAt: expect.any(Number) })
  expect(of(1)).toMatchObject({ count: 1, unread: 1, mentions: 0 })
  const before = listed(rig)
  stand.write(message(4), { kind: 'react', of: messageId(3), emoji: 'x', on: true })
  rig.download()
  expect(listed(rig)).toBe(before)
  const second = of(2)
  stand.write(reply(13, 1), reply(14, 1))
  rig.download()
  expect(roots(rig)).toEqual([1, 2].map(messageId))
  expect(of(2)).toBe(second)
  expect(of(1)).toMatchObject({ count: 3, unread: 3 })
  stand.write({ kind: 'redact', of: messageId(13) })
  rig.download()
  expect(of(1)).toMatchObject({ count: 3, unread: 2 })

  // Own ones are never unread, and are there at once; what was refused is no answer.
  const own = conversation.send({ content: 'mine', thread: messageId(3) })
  expect(of(3)).toMatchObject({ count: 1, users: [ann], unread: 0 })
  rig.sync({ 0: 'access' })
  expect(of(3)).toBeUndefined()
  conversation.discard(own)
  conversation.send({ content: 'mine', thread: messageId(1) })
  expect(of(1)).toMatchObject({ count: 4, users: [bob, ann], unread: 2 })
  rig.sync()
  expect(of(1)).toMatchObject({ count: 4, users: [bob, ann], unread: 2 })

  conversation.thread(messageId(1)).markRead()
  expect(of(1)).toMatchObject({ count: 4, unread: 0 })
  expect(of(2)).toMatchObject({ unread: 1, mentions: 1 })
  conversation.markRead()
  expect(of(2)).toMatchObject({ unread: 0, mentions: 0 })
})

test('[THREAD1][ARCH2] of an archived root its answers in the window are listed, and all of it when it is opened or shown', async () => {
  const stand = startTalk()
  stand.write(message(1), message(2), reply(11, 1), reply(12, 1), reply(13, 1))
  stand.server.archive(3)
  const rig = await open(stand)
  const { conversation } = rig
  const [one, ...others] = listed(rig)
  expect(others).toEqual([])
  expect(one).toMatchObject({ root: messageId(1), count: 1, unread: 1 })
  rig.connections.at(-1)?.status({ phase: 'live' })
  const thread = conversation.thread(messageId(1))
  await expect.poll(() => thread.info.getSnapshot().unread).toBe(3)
  expect(listed(rig)).toMatchObject([{ count: 3, users: [bob], unread: 3 }])
  await conversation.loadOlder(99)
  expect(listed(rig)).toMatchObject([{ count: 3, unread: 3 }])
  // It followed while the root was here: what the root said last counts on.
  conversation.showNewest()
  stand.write(reply(14, 1))
  rig.download()
  expect(listed(rig)).toMatchObject([{ count: 4, unread: 4 }])
})

test('[WIPE2][THREAD1] nothing of a conversation that is forgotten is left in its threads, opened or listed', async () => {
  const stand = startTalk()
  stand.write(message(1), reply(11, 1), message(2), reply(12, 2))
  const rig = await open(stand)
  const threads = [1, 2].map((number) => rig.conversation.thread(messageId(number)))
  threads[0]?.messages.subscribe(() => undefined)
  stand.write(reply(13, 1), reply(14, 2))
  rig.download()
  await rig.conversation.forget()
  for (const { messages, info } of threads)
    expect([messages.getSnapshot(), info.getSnapshot()]).toMatchObject([[], { root: undefined, count: 0, users: [] }])
  expect(listed(rig)).toEqual([])
})

/** A list beside a timeline, both without a conversation around them; counts what the list looks at. */
function listOf(messages: number, threads: number) {
  const stand = startTalk()
  const doc = createFoldedDoc(stand.server.doc)
  const timeline = createTimeline(ann)
  let folded: Folded = doc.view()
  let finds = 0
  const find = (id: Parameters<typeof timeline.find>[0]): ChatMessage | undefined => (finds++, timeline.find(id))
  const members = new ThreadMembers()
  const list = new ThreadList({ user: ann, view: () => folded, find, opened: () => undefined })
  const said = Array.from({ length: messages }, (_, index) => message(index + 1))
  const replies = Array.from({ length: threads }, (_, index) => reply(5000 + index, index + 1))
  const show = (): number => {
    finds = 0
    folded = doc.view()
    timeline.messages(folded, [])
    list.note(members.note(timeline.takeChanged(), timeline.find), false)
    return finds
  }
  stand.write(...said, ...replies)
  show()
  return {
    list,
    /** How many messages were looked at for it. */
    hear: (...entries: readonly KnownEntry[]): number => {
      stand.write(...entries)
      return show()
    },
    anew: (): readonly ThreadSummary[] => {
      const fresh = new ThreadList({ user: ann, view: () => folded, find: timeline.find, opened: () => undefined })
      const all = folded.sent.map(({ id }) => id)
      fresh.note(new ThreadMembers().note(all, timeline.find), true)
      return fresh.store.getSnapshot()
    },
  }
}

test('[VIEW1] one more answer costs the same among many messages and threads as among few', () => {
  const [short, long] = [listOf(100, 20), listOf(600, 200)]
  for (const entry of [
    reply(9001, 3),
    reply(9002, 50),
    message(9003),
    { kind: 'edit', of: messageId(5001), content: 'better', at: 9 },
    { kind: 'redact', of: messageId(9001) },
  ] as const) {
    const [inShort, inLong] = [short.hear(entry), long.hear(entry)]
    expect([inLong, inLong < 5]).toEqual([inShort, true])
  }
  for (const { list, anew } of [short, long]) expect(list.store.getSnapshot()).toEqual(anew())
})

test('[THREAD1] whatever comes in whatever order, the list is what it is from the beginning', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const random = createRandom(seed)
    const { list, hear, anew } = listOf(10, 3)
    for (let step = 0; step < 60; step++) {
      const of = messageId(random.between(1, 10))
      const [at, number] = [step, 9000 + step]
      hear(
        random.pick<KnownEntry>([
          { ...message(number), thread: of },
          message(number),
          { kind: 'redact', of: messageId(random.between(9000, number)) },
          { kind: 'edit', of, content: `edit ${step}`, at },
        ]),
      )
      const now = list.store.getSnapshot()
      // Of the same time either comes first.
      const byRoot = (a: ThreadSummary, b: ThreadSummary): number => b.lastAt - a.lastAt || (a.root < b.root ? -1 : 1)
      expect([seed, step, now.toSorted(byRoot)]).toEqual([seed, step, anew().toSorted(byRoot)])
      expect(now.every(({ lastAt }, index) => lastAt <= (now[index - 1]?.lastAt ?? Infinity))).toBe(true)
    }
  }
})
