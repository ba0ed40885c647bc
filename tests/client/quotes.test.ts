// Whoever watches one message, or what a reply refers to, hears of that alone, wherever it is.
import { expect, test, vi } from 'vitest'

import type { Quote } from '../../client/api.ts'
import { MessageStores } from '../../client/message-stores.ts'
import { previewOf } from '../../client/quote-preview.ts'
import { type KnownEntry, type MessageId, parseMessageId } from '../../shared/chat/entry.ts'
import { type StampedMessage, stampEntry } from '../../shared/chat/message.ts'
import { ann, bob, message, messageId } from '../helpers/client-rows.ts'
import { keepingMemory, openRig, type OpenRig, rigId, bobOn, startTalk, goLive } from '../helpers/open-rig.ts'
import { createServerArchive } from '../helpers/server-archive.ts'
import { createStampingServer } from '../helpers/stamping-server.ts'
import { deferred } from '../helpers/when.ts'

const like = (number: number): KnownEntry => ({ kind: 'react', of: messageId(number), emoji: '👍', on: true })
const edit = (number: number, content: string): KnownEntry => ({ kind: 'edit', of: messageId(number), content, at: 9 })

/** Says how often it was told of each. */
function watchAll(rig: OpenRig, ids: readonly MessageId[]): { readonly told: Map<MessageId, number>; end: () => void } {
  const told = new Map<MessageId, number>()
  const ends = ids.map((id) => rig.conversation.message(id).subscribe(() => told.set(id, (told.get(id) ?? 0) + 1)))
  return { told, end: () => ends.forEach((end) => end()) }
}

function watch(rig: OpenRig, id: MessageId): { readonly quotes: Quote[]; readonly now: () => Quote; end: () => void } {
  const quotes: Quote[] = []
  const store = rig.conversation.quote(id)
  const end = store.subscribe(() => quotes.push(store.getSnapshot()))
  return { quotes, now: store.getSnapshot, end }
}

test('[VIEW2] of a thousand who watch one message each, one hears of a reaction, and none of a new message', async () => {
  const server = createStampingServer()
  const write = bobOn(server)
  write(...Array.from({ length: 1000 }, (_, index) => message(index + 1)))
  const rig = await openRig({ server })
  rig.download()
  const ids = Array.from({ length: 1000 }, (_, index) => messageId(index + 1))
  const { told, end } = watchAll(rig, ids)
  write(like(500))
  rig.download()
  expect([...told]).toEqual([[messageId(500), 1]])
  expect(rig.conversation.message(messageId(500)).getSnapshot()?.reactions).toEqual([{ emoji: '👍', users: [bob] }])
  write(message(2000))
  rig.download()
  rig.conversation.send('mine')
  expect(told.size).toBe(1)
  rig.conversation.react(messageId(7), '🎉')
  expect([...told.keys()]).toEqual([messageId(500), messageId(7)])
  // What is durable now is shown otherwise: one more each.
  rig.sync()
  expect([...told]).toEqual([
    [messageId(500), 1],
    [messageId(7), 2],
  ])
  end()
  write(like(1), edit(2, 'x'))
  rig.download()
  expect(told.size).toBe(2)
})

test('[VIEW2] a message is heard of from its sending to its redaction, and one that is not there when it comes', async () => {
  const rig = await openRig()
  const { conversation } = rig
  const id = conversation.send('Ahoy')
  const states: (string | undefined)[] = []
  const store = conversation.message(id)
  store.subscribe(() => states.push(store.getSnapshot()?.delivery.state))
  const later = watchAll(rig, [messageId(5)])
  rig.sync()
  conversation.redact(id)
  expect(states).toEqual(['sent', 'sent'])
  expect(store.getSnapshot()).toMatchObject({ content: '', changes: 'pending' })
  bobOn(rig.server)(message(5))
  rig.download()
  expect(later.told.get(messageId(5))).toBe(1)
})

test('[QUOTE1] a quote of what was never sent follows pending edits and redaction, and tells its place once it has one', async () => {
  const rig = await openRig()
  const { conversation } = rig
  const id = conversation.send('Tea?')
  conversation.send({ content: 'Yes', replyTo: id })
  const { quotes, now } = watch(rig, id)
  expect(now()).toEqual({ id, state: 'here', user: 'ann', content: 'Tea?', redacted: false, edited: false })
  expect(now()).toBe(now())
  conversation.edit(id, 'Coffee?')
  expect(now()).toMatchObject({ content: 'Coffee?', edited: true })
  conversation.send('something else')
  expect(quotes).toHaveLength(1)
  rig.sync()
  expect(now()).toMatchObject({ content: 'Coffee?', edited: true, seq: 0 })
  conversation.redact(id)
  expect(now()).toMatchObject({ content: '', redacted: true, edited: false })
  conversation.send('and more')
  expect(quotes.map((quote) => quote.state === 'here' && [quote.content, quote.seq])).toEqual([
    ['Coffee?', undefined],
    ['Coffee?', 0],
    ['', 0],
  ])
})

test('[QUOTE1] what is not on the device is fetched when it can be, and follows live entries and the window from then on', async () => {
  const server = createStampingServer()
  const write = bobOn(server)
  write(...Array.from({ length: 20 }, (_, index) => message(index + 1)))
  server.archive(9)
  const asked: MessageId[] = []
  const stored = new Map<MessageId, StampedMessage>([[messageId(3), stampEntry(bob, message(3), 2, 5)]])
  const fetchMessage = (id: MessageId): Promise<StampedMessage | undefined> => {
    asked.push(id)
    return Promise.resolve(stored.get(id))
  }
  const rig = await openRig({ server, fetchMessage })
  rig.download()
  const { quotes, now } = watch(rig, messageId(3))
  const nowhere = watch(rig, messageId(99))
  const left = watch(rig, messageId(4))
  left.end()
  expect(rig.conversation.quote(messageId(4)).getSnapshot()).toEqual({ id: messageId(4), state: 'elsewhere' })
  expect([now().state, asked]).toEqual(['elsewhere', []])
  rig.connections[0]?.status({ phase: 'live' })
  await vi.waitFor(() => expect(nowhere.now().state).toBe('unknown'))
  expect(asked).toEqual([messageId(3), messageId(99)])
  expect(now()).toMatchObject({ state: 'here', content: 'message 3', seq: 2, edited: false })

  write(edit(3, 'better'))
  rig.download()
  expect(now()).toMatchObject({ content: 'better', edited: true })
  write(...Array.from({ length: 5 }, (_, index) => message(index + 21)))
  rig.download()
  server.archive(22)
  rig.download()
  expect(now()).toMatchObject({ content: 'better', edited: true })
  write({ kind: 'redact', of: messageId(3) })
  rig.download()
  expect(now()).toMatchObject({ content: '', redacted: true })
  write(message(99))
  rig.download()
  expect(nowhere.now()).toMatchObject({ state: 'here', content: 'message 99' })
  expect(quotes).toHaveLength(3)
  expect(asked).toEqual([messageId(3), messageId(99)])
  expect(left.quotes).toEqual([])
})

test('[QUOTE1] what left the window follows what was archived unseen, when that is brought up to date', async () => {
  const server = createStampingServer()
  const write = bobOn(server)
  write(...Array.from({ length: 6 }, (_, index) => message(index + 1)))
  const rig = await openRig({ server, archive: createServerArchive(server) })
  rig.download()
  rig.connections[0]?.status({ phase: 'live' })
  const { now } = watch(rig, messageId(2))
  server.archive(3)
  rig.download()
  expect(now()).toMatchObject({ state: 'here', content: 'message 2', seq: 1 })
  rig.connections[0]?.status({ phase: 'offline', reason: 'away' })
  write(edit(2, 'better'))
  server.archive(6)
  rig.download()
  expect(now()).toMatchObject({ content: 'message 2' })
  rig.connections[0]?.status({ phase: 'live' })
  await vi.waitFor(() => expect(now()).toMatchObject({ content: 'better', edited: true }))
})

test('[QUOTE1] what is kept on the device is quoted offline, shown or not, without reading all of it', async () => {
  const count = 20_000
  const hourMs = 3_600_000
  const idAt = (ms: number): MessageId => {
    const hex = ms.toString(16).padStart(12, '0')
    const id = parseMessageId(`${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000001`)
    if (id === undefined) throw new Error('no id')
    return id
  }
  const stampedAt = (seq: number): StampedMessage => {
    const ms = 1_700_000_000_000 + seq * 10_000
    return { ...stampEntry(bob, message(seq + 1), seq, ms + 500), id: idAt(ms) }
  }
  const storage = keepingMemory()
  const messages = Array.from({ length: count }, (_, seq) => stampedAt(seq))
  await storage.pages.put(rigId, { from: 0, to: count, messages }, { asOf: count, mayEvict: true })
  const read = vi.spyOn(storage.pages, 'read')
  const rig = await openRig({ storage })
  read.mockClear()
  const { now } = watch(rig, idAt(1_700_000_000_000 + 12_345 * 10_000))
  await vi.waitFor(() => expect(now()).toMatchObject({ state: 'here', content: 'message 12346', seq: 12_345 }))
  expect(read.mock.calls.length).toBeLessThan(20)
  // Written hours before it was sent.
  const late = watch(rig, idAt(1_700_000_000_000 + 12_345 * 10_000 - 5 * hourMs + 1))
  await vi.waitFor(() => expect(read.mock.calls.length).toBeGreaterThan(20))
  expect(late.now().state).toBe('elsewhere')
})

test('[VIEW2] nothing is left of those who do not watch any more', () => {
  const looked: MessageId[] = []
  const stores = new MessageStores((id) => (looked.push(id), undefined))
  const ids = Array.from({ length: 100 }, (_, index) => messageId(index))
  const ends = ids.flatMap((id) => [stores.of(id).subscribe(vi.fn()), stores.of(id).subscribe(vi.fn())])
  looked.length = 0
  stores.note(ids)
  expect(looked).toHaveLength(100)
  for (const end of ends) end()
  looked.length = 0
  stores.note(ids)
  stores.note()
  expect(looked).toEqual([])
})

test('[QUOTE1] a preview ends between characters as people see them', () => {
  const family = '👨‍👩‍👧‍👦'
  expect(previewOf('short')).toBe('short')
  expect(previewOf('x'.repeat(300))).toHaveLength(200)
  expect(previewOf('x'.repeat(195) + family)).toBe('x'.repeat(195))
  expect(previewOf(`${'x'.repeat(189)}${family}more`)).toBe(`${'x'.repeat(189)}${family}`)
  expect(previewOf('😀'.repeat(200))).toBe('😀'.repeat(100))
  // One character without an end.
  expect(previewOf(`e${'\u0301'.repeat(400)}`).length).toBeLessThanOrEqual(200)
})

test('[QUOTE1] what is done to a message while it is looked up, and leaves the window by then, shows in its quote', async () => {
  const { server, archive, write } = startTalk('bob')
  write({ kind: 'member', user: ann, access: 'writer' }, message(1, 'secret'), message(2))
  server.archive(1)
  const arrived = deferred()
  let asked = 0
  const rig = await openRig({
    server,
    archive,
    fetchMessage: async (id) => {
      const answer = archive.all().find((one) => one.id === id)
      asked++
      await arrived.promise
      return answer
    },
  })
  goLive(rig)
  const quote = rig.conversation.quote(messageId(1))
  quote.subscribe(() => undefined)
  await vi.waitFor(() => expect(asked).toBe(1))
  write({ kind: 'redact', of: messageId(1) }, message(3))
  rig.download()
  server.archive(4)
  rig.download()
  arrived.resolve()
  await vi.waitFor(() => expect(quote.getSnapshot()).toMatchObject({ state: 'here', redacted: true, content: '' }))
  await rig.conversation.close()
})
