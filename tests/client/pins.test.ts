// What is pinned, as a device shows it: in the order of pinning, with who did it, wherever the messages are.
import { expect, test } from 'vitest'

import type { Pin } from '../../client/api.ts'
import { encodeEntry, type KnownEntry } from '../../shared/chat/entry.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { ann, bob, message, messageId } from '../helpers/client-rows.ts'
import { createFoldedDoc } from '../helpers/folded-doc.ts'
import { type OpenRig, openRig, stampAll } from '../helpers/open-rig.ts'
import { createServerArchive } from '../helpers/server-archive.ts'
import { createStampingServer, type StampingServer } from '../helpers/stamping-server.ts'

const pin = (number: number, on = true): KnownEntry => ({ kind: 'pin', of: messageId(number), on })

/** Ann says three things and pins two of them, the second first: seqs 0 to 4. */
function roomOf(...more: readonly KnownEntry[]): StampingServer {
  const server = createStampingServer()
  const doc = createDoc(7)
  append(doc, 'ann', [message(1), message(2), message(3), pin(2), pin(1), ...more].map(encodeEntry))
  server.receive(doc)
  stampAll(server)
  return server
}

const shown = ({ conversation }: OpenRig): readonly Pin[] => conversation.pins.getSnapshot()

test('[TOUCH1][EVENT1] pins are told in the order of pinning, with who and when, and stay the same objects', async () => {
  const server = roomOf()
  const rig = await openRig({ server })
  const { conversation } = rig
  expect(shown(rig)).toEqual([])
  rig.download()
  const [{ timeMs: at } = { timeMs: 0 }] = createFoldedDoc(server.doc).view().events
  const before = shown(rig)
  expect(before).toEqual([2, 1].map((number) => ({ message: messageId(number), user: ann, at })))
  let told = 0
  conversation.pins.subscribe(() => told++)
  conversation.send('no pin')
  conversation.react(messageId(1), '👍')
  rig.sync()
  conversation.markRead()
  expect(shown(rig)).toBe(before)
  expect(told).toBe(0)
  conversation.pin(messageId(3))
  const pending = shown(rig)
  expect(pending.slice(0, 2)).toEqual(before)
  expect([pending[0], pending[1]].every((one, index) => one === before[index])).toBe(true)
  expect(pending[2]).toEqual({ message: messageId(3), user: ann, pending: true })
  rig.sync()
  expect(shown(rig)[2]).toMatchObject({ message: messageId(3), user: ann, at: expect.any(Number) })
  expect(shown(rig)[2]).not.toHaveProperty('pending')
  conversation.pin(messageId(2), false)
  expect(shown(rig).map(({ message: of }) => of)).toEqual([messageId(1), messageId(3)])
  // Pinned once more it is the last.
  conversation.pin(messageId(2))
  rig.sync()
  expect(shown(rig).map(({ message: of }) => of)).toEqual([1, 3, 2].map(messageId))
  await conversation.close()
})

test('[TOUCH1][ARCH2][QUOTE1] what was pinned before the window is told too, by whom when that is known', async () => {
  const server = roomOf(message(4))
  const archive = createServerArchive(server)
  const { events } = createFoldedDoc(server.doc).view()
  server.archive(4)
  const fetched = message(1)
  const late = await openRig({
    server,
    archive,
    fetchEvents: (before) => Promise.resolve(events.filter(({ seq }) => seq < before)),
    fetchMessage: async (id) => (await archive.messages({ before: 5, limit: 9 })).messages.find((one) => one.id === id),
  })
  late.download()
  const unknown = shown(late)
  expect(unknown).toEqual([{ message: messageId(2) }, { message: messageId(1) }])
  late.connections.at(-1)?.status({ phase: 'live' })
  const quote = late.conversation.quote(messageId(1))
  const end = quote.subscribe(() => undefined)
  await expect.poll(() => quote.getSnapshot()).toMatchObject({ state: 'here', content: fetched.content })
  end()
  // More events are known when older messages are shown.
  await late.conversation.loadOlder(99)
  await expect.poll(() => shown(late)).toMatchObject([{ user: ann }, { user: ann }])
  await late.conversation.close()
})

test('[TOUCH2] a pin that is refused is shown no more, nor is a pending one of a user who was removed', async () => {
  const server = roomOf()
  const rig = await openRig({ server })
  rig.download()
  rig.conversation.pin(messageId(3))
  expect(shown(rig)).toHaveLength(3)
  rig.sync({ 0: 'access' })
  expect(shown(rig).map(({ message: of }) => of)).toEqual([2, 1].map(messageId))
  rig.conversation.pin(messageId(3))
  expect(shown(rig)).toHaveLength(3)
  rig.connections.at(-1)?.status({ phase: 'refused', code: 'no-access', reason: '' })
  expect(shown(rig)).toHaveLength(2)
  await rig.conversation.close()
})

test('[HISTORY1] a late joiner is told of no pin from before they joined', async () => {
  const server = roomOf(
    { kind: 'set', key: 'history', value: 'from-join' },
    { kind: 'member', user: bob, access: 'writer' },
    message(4),
    pin(4),
  )
  const rig = await openRig({ user: bob, server, firstClient: 300 })
  rig.download()
  expect(shown(rig)).toMatchObject([{ message: messageId(4), user: ann }])
  await rig.conversation.close()
})
