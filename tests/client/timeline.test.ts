// What a conversation shows, and which of it stays the same object.
import { expect, test } from 'vitest'

import type { ChatMessage } from '../../client/api.ts'
import type { FailedMessage } from '../../client/outbox.ts'
import { createTimeline, type Timeline } from '../../client/timeline.ts'
import { encodeEntry, type MessageEntry } from '../../shared/chat/entry.ts'
import { append, createDoc } from '../helpers/chain-doc.ts'
import { ann, clientId, message, messageId, row } from '../helpers/client-rows.ts'
import { createFoldedDoc, type FoldedDoc } from '../helpers/folded-doc.ts'
import { createStampingServer, type StampingServer } from '../helpers/stamping-server.ts'

interface Shown {
  readonly server: StampingServer
  readonly folded: FoldedDoc
  readonly timeline: Timeline
  readonly write: (client: number, user: string, ...entries: readonly MessageEntry[]) => void
  readonly stamp: (client: number, ...clocks: readonly number[]) => void
  readonly messages: (...failed: readonly FailedMessage[]) => readonly ChatMessage[]
}

/** What ann sees of a document in which people write. */
function show(): Shown {
  const server = createStampingServer()
  const folded = createFoldedDoc(server.doc)
  const timeline = createTimeline(ann)
  const docs = new Map<number, ReturnType<typeof createDoc>>()
  let timeMs = 5000
  return {
    server,
    folded,
    timeline,
    write: (client, user, ...entries) => {
      const doc = docs.get(client) ?? createDoc(client)
      docs.set(client, doc)
      append(doc, user, entries.map(encodeEntry))
      server.receive(doc)
    },
    stamp: (client, ...clocks) =>
      server.commit(
        clocks.map((clock) => ({ client: clientId(client), clock })),
        timeMs++,
      ),
    messages: (...failed) => timeline.messages(folded.view(), failed),
  }
}

test('[CLIENT4] sent by seq, then pending in fold order, then failed, each with its delivery', () => {
  const { write, stamp, messages } = show()
  write(7, 'ann', message(1), message(2), message(3))
  write(8, 'bob', message(4))
  stamp(7, 0)
  stamp(8, 0)
  const failed: FailedMessage = { entry: message(9), row: row(7, 9), reason: 'access' }
  expect(messages(failed)).toEqual([
    {
      id: messageId(1),
      user: 'ann',
      role: 'user',
      content: 'message 1',
      writtenAt: 1,
      own: true,
      delivery: { state: 'sent', seq: 0, createdAt: 5000 },
    },
    {
      id: messageId(4),
      user: 'bob',
      role: 'user',
      content: 'message 4',
      writtenAt: 4,
      own: false,
      delivery: { state: 'sent', seq: 1, createdAt: 5001 },
    },
    {
      id: messageId(2),
      user: 'ann',
      role: 'user',
      content: 'message 2',
      writtenAt: 2,
      own: true,
      delivery: { state: 'pending' },
    },
    {
      id: messageId(3),
      user: 'ann',
      role: 'user',
      content: 'message 3',
      writtenAt: 3,
      own: true,
      delivery: { state: 'pending' },
    },
    {
      id: messageId(9),
      user: 'ann',
      role: 'user',
      content: 'message 9',
      writtenAt: 9,
      own: true,
      delivery: { state: 'failed', reason: 'access' },
    },
  ])
})

test('[CLIENT4] places in chains are not shown', () => {
  const { write, stamp, messages } = show()
  write(7, 'ann', { ...message(1), mentions: [ann], status: 'interrupted' }, message(2))
  stamp(7, 0)
  for (const each of messages()) expect(Object.keys(each)).not.toContain('clock')
  expect(messages()[0]).toMatchObject({ mentions: [ann], status: 'interrupted' })
})

test('[CLIENT5] messages that did not change stay the same objects when others come', () => {
  const { write, stamp, messages } = show()
  const failed: FailedMessage = { entry: message(9), row: row(7, 9), reason: 'access' }
  write(7, 'ann', message(1), message(2))
  stamp(7, 0)
  const before = messages(failed)
  write(8, 'bob', message(4))
  stamp(8, 0)
  write(7, 'ann', message(3))
  const after = messages(failed)
  expect(after.map(({ content }) => content)).toEqual(['message 1', 'message 4', 'message 2', 'message 3', 'message 9'])
  expect(after[0]).toBe(before[0])
  expect(after[2]).toBe(before[1])
  expect(after[4]).toBe(before[2])
})

test('[CLIENT5] only the message that was stamped is another object', () => {
  const { write, stamp, messages } = show()
  write(7, 'ann', message(1), message(2), message(3))
  const before = messages()
  stamp(7, 0)
  const after = messages()
  expect(after[0]).not.toBe(before[0])
  expect(after[0]?.delivery.state).toBe('sent')
  expect(after.slice(1)).toEqual(before.slice(1))
  for (const index of [1, 2]) expect(after[index]).toBe(before[index])
})

test('[CLIENT5] nothing changed: all stay the same, a thousand of them', () => {
  const { write, stamp, messages } = show()
  write(7, 'ann', ...Array.from({ length: 1000 }, (_, index) => message(index + 1)))
  stamp(7, ...Array.from({ length: 900 }, (_, index) => index))
  const before = messages()
  const after = messages()
  expect(after).toHaveLength(1000)
  for (const [index, each] of after.entries()) expect(each).toBe(before[index])
})

test('[CLIENT5] two failed messages are two objects, and one stays when the other goes', () => {
  const { messages } = show()
  const first: FailedMessage = { entry: message(8), row: row(7, 8), reason: 'access' }
  const second: FailedMessage = { entry: message(9), row: row(7, 9), reason: 'id-taken' }
  const before = messages(first, second)
  const after = messages(second)
  expect(after).toHaveLength(1)
  expect(after[0]).toBe(before[1])
})
