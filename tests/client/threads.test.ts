// A thread on a device: its messages from the window, unsent, and from the archive; what is unread in it, and its root.
import { expect, onTestFinished, test, vi } from 'vitest'

import type { Thread } from '../../client/api.ts'
import { Refusal } from '../../client/errors.ts'
import { encodeEntry, type KnownEntry, parseEntry } from '../../shared/chat/entry.ts'
import { limits } from '../../shared/limits.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { ann, bob, message, messageId } from '../helpers/client-rows.ts'
import { openRig, type OpenRig, stampAll, startTalk, type ServerTalk } from '../helpers/open-rig.ts'

const root = messageId(1)

async function open(stand: ServerTalk, isLive: boolean): Promise<OpenRig> {
  const { server, archive } = stand
  archive.isOffline = !isLive
  const rig = await openRig({
    server,
    archive,
    fetchMessage: async (id) => {
      if (archive.isOffline) throw new Error('offline')
      return archive.all().find((one) => one.id === id)
    },
  })
  onTestFinished(() => rig.conversation.close())
  rig.download()
  if (isLive) rig.connections.at(-1)?.status({ phase: 'live' })
  return rig
}

const reply = (number: number, more: object = {}): KnownEntry => ({ ...message(number), thread: root, ...more })

/** The receipts that nobody has taken yet. */
function untaken({ conversation }: OpenRig): readonly unknown[] {
  return conversation.document.outbox.open().flatMap(({ payload }) => {
    const parsed = parseEntry(payload)
    return parsed.kind === 'entry' && parsed.entry.kind === 'read' ? [parsed.entry] : []
  })
}

function contents(thread: Thread): readonly string[] {
  return thread.messages.getSnapshot().map(({ content }) => content)
}

function texts(...numbers: readonly number[]): readonly string[] {
  return numbers.map((number) => {
    const entry = message(number)
    return entry.kind === 'message' ? entry.content : ''
  })
}

test('[THREAD1] a thread has what is said in it and nothing else, sent, unsent and failed, and its objects are the conversation’s', async () => {
  const stand = startTalk()
  stand.write(message(1), message(2), reply(3), message(4), reply(5))
  const rig = await open(stand, false)
  const { conversation } = rig
  const thread = conversation.thread(root)
  expect(conversation.thread(root)).toBe(thread)
  expect(contents(thread)).toEqual(texts(3, 5))
  const id = thread.send('mine')
  expect(contents(thread)).toEqual([...texts(3, 5), 'mine'])
  expect(thread.info.getSnapshot()).toMatchObject({ count: 3, users: [bob, ann], hasOlder: false, phase: 'idle' })
  const all = conversation.messages.getSnapshot()
  for (const one of thread.messages.getSnapshot()) expect(all).toContain(one)
  let told = 0
  thread.messages.subscribe(() => told++)
  conversation.send('elsewhere')
  expect(told).toBe(0)
  rig.sync({ 0: 'too-large' })
  expect(thread.messages.getSnapshot().at(-1)).toMatchObject({ id, delivery: { state: 'failed', reason: 'too-large' } })
  expect(thread.info.getSnapshot().count).toBe(2)
  expect(thread.info.getSnapshot().root).toBe(conversation.message(root).getSnapshot())
})

test('[THREAD1] on a message that was never sent, offline: root and answers go out together', async () => {
  const rig = await openRig()
  onTestFinished(() => rig.conversation.close())
  const own = rig.conversation.send('root')
  const thread = rig.conversation.thread(own)
  thread.send('first')
  thread.send({ content: 'second', mentions: [ann] })
  expect(thread.info.getSnapshot()).toMatchObject({ count: 2, users: [ann], root: { content: 'root' } })
  rig.sync()
  expect(thread.messages.getSnapshot().map(({ content, delivery }) => [content, delivery.state])).toEqual([
    ['first', 'sent'],
    ['second', 'sent'],
  ])
  expect(thread.info.getSnapshot()).toMatchObject({ count: 2, root: { replies: { count: 2, users: [ann] } } })
})

test('[THREAD2] what is no root is refused at once, and nothing is written', async () => {
  const stand = startTalk()
  stand.write(message(1), reply(2))
  const rig = await open(stand, false)
  expect(() => rig.conversation.thread(messageId(2)).send('deeper')).toThrow(Refusal)
  expect(() => rig.conversation.thread(messageId(9)).send('nowhere')).toThrow(Refusal)
  expect(rig.conversation.unsent).toBe(0)
})

test('[THREAD1][PAGE3] what is archived comes from the server, page by page, and what is kept from the device', async () => {
  const stand = startTalk()
  const numbers = Array.from({ length: 40 }, (_, index) => index + 2)
  stand.write(message(1), ...numbers.map((number) => (number % 2 === 0 ? reply(number) : message(number))))
  const all = numbers.filter((number) => number % 2 === 0)
  stand.server.archive(35)
  const rig = await open(stand, true)
  const thread = rig.conversation.thread(root)
  await vi.waitFor(() => expect(contents(thread)).toEqual(texts(...all)))
  expect(thread.info.getSnapshot()).toMatchObject({ count: 20, hasOlder: false, root: { replies: { count: 20 } } })
  // Edited, redacted, and one more that is archived: as everybody sees it.
  stand.write(
    { kind: 'edit', of: messageId(4), content: 'edited', at: 9 },
    { kind: 'redact', of: messageId(6) },
    reply(100),
  )
  rig.download()
  const now = ['edited', '', ...texts(...all.slice(3), 100)]
  expect(contents(thread).slice(1)).toEqual(now)
  stand.server.archive(rig.conversation.document.replica.folded.lastSeq)
  rig.download()
  expect(contents(thread).slice(1)).toEqual(now)
  expect(thread.info.getSnapshot()).toMatchObject({ count: 21 })
  // Another device, with nothing kept and no connection: it says what it lacks.
  stand.archive.isOffline = true
  const cut = await open(stand, false)
  const lacking = cut.conversation.thread(root)
  expect(await lacking.loadOlder()).toBe(0)
  expect(lacking.info.getSnapshot()).toMatchObject({ hasOlder: true, phase: 'unavailable', root: undefined })
  // And with what it has kept of the archive.
  cut.connections.at(-1)?.status({ phase: 'live' })
  stand.archive.isOffline = false
  while ((await cut.conversation.loadOlder(20)) > 0);
  stand.archive.isOffline = true
  cut.connections.at(-1)?.status({ phase: 'offline', reason: '' })
  const { storage } = cut
  await cut.conversation.close()
  const again = await openRig({ server: stand.server, storage, firstClient: 300 })
  onTestFinished(() => again.conversation.close())
  again.download()
  const kept = again.conversation.thread(root)
  await kept.loadOlder(30)
  await vi.waitFor(() => expect(contents(kept).slice(1)).toEqual(now))
})

test('[THREAD3][UNREAD1][RECEIPT1] reading a thread clears it and its part of the badge at once, and is told now and then', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const stand = startTalk()
  stand.write(message(1), reply(2), message(3), reply(4, { mentions: [ann] }))
  const rig = await open(stand, false)
  const { conversation } = rig
  const thread = conversation.thread(root)
  const written = (): readonly unknown[] => untaken(rig)
  const [first, second, last] = [1, 2, 4].map((number) => conversation.message(messageId(number)).getSnapshot())
  const seqOf = (one: typeof first): number => (one !== undefined && 'seq' in one.delivery ? one.delivery.seq : -1)
  expect([conversation.unread, thread.info.getSnapshot().unread]).toEqual([{ unread: 4, mentions: 1 }, 2])
  thread.markRead(seqOf(second))
  expect([conversation.unread, thread.info.getSnapshot().unread]).toEqual([{ unread: 3, mentions: 1 }, 1])
  thread.markRead()
  thread.markRead(seqOf(second))
  expect(thread.info.getSnapshot()).toMatchObject({ unread: 0, mentions: 0, readThrough: seqOf(last) })
  expect(conversation.unread).toEqual({ unread: 2, mentions: 0 })
  expect(written()).toEqual([{ kind: 'read', through: seqOf(second), thread: root }])
  rig.sync()
  vi.advanceTimersByTime(limits.receiptPauseMs)
  expect(written()).toEqual([{ kind: 'read', through: seqOf(last), thread: root }])
  rig.sync()
  expect(thread.info.getSnapshot()).toMatchObject({ unread: 0, readThrough: seqOf(last) })
  // All of the conversation is of its threads too.
  stand.write(reply(5))
  rig.download()
  expect(thread.info.getSnapshot().unread).toBe(1)
  conversation.markRead()
  expect([thread.info.getSnapshot().unread, conversation.unread.unread]).toEqual([0, 0])
})

test('[RECEIPT1][THREAD3] of ten threads one is told at a time, what was read of all first, and none behind an untaken one', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const stand = startTalk()
  const roots = Array.from({ length: 10 }, (_, index) => messageId(index + 1))
  stand.write(...roots.map((_, index) => message(index + 1)))
  stand.write({ kind: 'member', user: ann, access: 'writer' })
  for (const round of [20, 40])
    stand.write(...roots.map((thread, index): KnownEntry => ({ ...message(round + index), thread })))
  const rig = await open(stand, false)
  const { conversation } = rig
  const seqOf = (number: number): number => {
    const one = conversation.message(messageId(number)).getSnapshot()
    return one !== undefined && 'seq' in one.delivery ? one.delivery.seq : -1
  }
  const infos = () => roots.map((one) => conversation.thread(one).info.getSnapshot().unread)
  for (const [index, one] of roots.entries()) conversation.thread(one).markRead(seqOf(20 + index))
  expect(infos()).toEqual(roots.map(() => 1))
  // Nobody takes it: nothing follows, whatever else is read meanwhile.
  for (const one of roots) conversation.thread(one).markRead()
  for (let turn = 0; turn < 20; turn++) vi.advanceTimersByTime(limits.receiptPauseMs)
  expect(untaken(rig)).toEqual([{ kind: 'read', through: seqOf(20), thread: roots[0] }])
  expect(infos()).toEqual(roots.map(() => 0))
  conversation.markRead(seqOf(3))
  const told: unknown[] = []
  const takeTurn = (): void => {
    rig.sync()
    vi.advanceTimersByTime(limits.receiptPauseMs - 1)
    const inTime = untaken(rig).length
    vi.advanceTimersByTime(1)
    told.push(...untaken(rig))
    expect([inTime, untaken(rig).length]).toEqual([0, 1])
  }
  rig.sync()
  told.push(...untaken(rig))
  for (let turn = 0; turn < 10; turn++) takeTurn()
  // Those that wait longest first, each as far as it is by then.
  const order = [...roots.slice(1), roots[0]]
  expect(told).toEqual([
    { kind: 'read', through: seqOf(3) },
    ...order.map((thread) => ({ kind: 'read', through: seqOf(40 + roots.findIndex((one) => one === thread)), thread })),
  ])
  rig.sync()
  for (let turn = 0; turn < 5; turn++) vi.advanceTimersByTime(limits.receiptPauseMs)
  expect(untaken(rig)).toEqual([])
  expect(infos()).toEqual(roots.map(() => 0))
})

test('[RECEIPT1][THREAD3] offline one entry waits; when nobody may be there later each thread is told once', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const stand = startTalk()
  const roots = [1, 2, 3].map(messageId)
  stand.write(message(1), message(2), message(3))
  for (const number of [4, 5, 6, 7])
    stand.write(...roots.map((thread, index): KnownEntry => ({ ...message(10 * number + index), thread })))
  const rig = await open(stand, false)
  const { conversation } = rig
  for (let through = 3; through < 15; through++) {
    for (const one of roots) conversation.thread(one).markRead(through)
    vi.advanceTimersByTime(3 * limits.receiptPauseMs)
  }
  expect(untaken(rig)).toHaveLength(1)
  conversation.tellReceipts()
  conversation.tellReceipts()
  expect(untaken(rig).slice(1)).toEqual(
    [roots[1], roots[2], roots[0]].map((thread) => ({ kind: 'read', through: 14, thread })),
  )
  await conversation.close()
  expect(untaken(rig)).toHaveLength(4)
})

test('[RECEIPT1][THREAD3] what is seen before its stamp is here is read when that has come', async () => {
  const stand = startTalk()
  stand.write(message(1), reply(2))
  const rig = await open(stand, false)
  const { conversation } = rig
  const [other, own] = [createDoc(8), createDoc(9)]
  append(other, 'bob', [encodeEntry(message(3)), encodeEntry(reply(4))])
  append(own, 'ann', [encodeEntry(message(5))])
  for (const doc of [other, own]) stand.server.receive(doc)
  rig.download()
  expect(rig.shown().at(-1)).toMatch(/pending/)
  conversation.thread(root).markRead()
  conversation.markRead()
  expect(conversation.unread.unread).toBe(0)
  stampAll(stand.server)
  rig.download()
  expect(conversation.unread.unread).toBe(0)
  expect(conversation.thread(root).info.getSnapshot().unread).toBe(0)
  stand.write(message(6))
  rig.download()
  expect(conversation.unread.unread).toBe(1)
})

test('[THREAD3][PRIVATE2] where the rules take no more registers the own devices are told, and nobody else', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const stand = startTalk()
  const roots = Array.from({ length: limits.threadReadsPerMember + 2 }, (_, index) => messageId(index + 1))
  stand.write(...roots.map((_, index) => message(index + 1)))
  stand.write(...roots.map((thread, index): KnownEntry => ({ ...message(1000 + index), thread })))
  const told: unknown[] = []
  const receipts = { mode: 'on', onPrivateRead: (...read: readonly unknown[]): void => void told.push(read) } as const
  const rig = await openRig({ server: stand.server, receipts })
  onTestFinished(() => rig.conversation.close())
  rig.download()
  const { conversation } = rig
  for (const one of roots) conversation.thread(one).markRead()
  conversation.tellReceipts()
  expect(untaken(rig)).toHaveLength(limits.threadReadsPerMember)
  expect(told).toEqual(roots.slice(-2).map((one, index) => [2 * roots.length - 2 + index, one]))
  expect(conversation.unread.unread).toBe(roots.length)
  rig.sync()
  for (let turn = 0; turn < 5; turn++) vi.advanceTimersByTime(limits.receiptPauseMs)
  expect([untaken(rig).length, told.length, conversation.unread.unread]).toEqual([0, 2, roots.length])
})

test('[THREAD3] what was read of a thread is told when the conversation is closed', async () => {
  const stand = startTalk()
  stand.write(message(1), reply(2), reply(3))
  const rig = await open(stand, false)
  const thread = rig.conversation.thread(root)
  thread.markRead(1)
  thread.markRead()
  await rig.conversation.close()
  const again = await openRig({ server: stand.server, storage: rig.storage, firstClient: 300 })
  onTestFinished(() => again.conversation.close())
  again.download()
  expect(again.conversation.thread(root).info.getSnapshot()).toMatchObject({ unread: 0 })
})

test('[THREAD1][STATUS1] archived answers that only their thread shows follow what others have read', async () => {
  const stand = startTalk()
  const other = createDoc(8)
  append(other, 'ann', [reply(2), reply(3)].map(encodeEntry))
  stand.write(message(1), { kind: 'member', user: bob, access: 'writer' })
  stand.server.receive(other)
  stampAll(stand.server)
  stand.server.archive(3)
  const rig = await open(stand, true)
  const thread = rig.conversation.thread(root)
  const stop = thread.messages.subscribe(() => undefined)
  const states = (): readonly string[] => thread.messages.getSnapshot().map(({ delivery }) => delivery.state)
  await vi.waitFor(() => expect(states()).toEqual(['sent', 'sent']))
  expect(rig.conversation.messages.getSnapshot()).toEqual([])
  stand.write({ kind: 'read', through: 2 })
  rig.download()
  expect(states()).toEqual(['read', 'sent'])
  stop()
  stand.write({ kind: 'read', through: 3 })
  rig.download()
  expect(states()).toEqual(['read', 'read'])
})
