// Which messages are looked at when the others' marks move, and that it is all that have to be.
import { expect, test } from 'vitest'

import {
  createReceiptMarks,
  noMarks,
  placesBetween,
  type ReceiptMarks,
  receiptsOf,
  stateAt,
} from '../../client/delivery/receipt-marks.ts'
import type { MessageId } from '../../shared/chat/entry.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { ann, messageId, userId } from '../helpers/client-rows.ts'
import { createRandom } from '../helpers/seeded-random.ts'

/** Every third seq is an entry of another kind. */
function sent(count: number): readonly StampedMessage[] {
  return Array.from({ length: count }, (_, index) => {
    const seq = index + Math.floor(index / 2)
    const id = messageId(index + 1)
    return { id, role: 'user', content: '', user: ann, writtenAt: 0, seq, createdAt: 0, revision: seq }
  })
}

test('[STATUS1] marks that move cost what lies between the old ones and the new ones, in both directions, and nothing is missed', () => {
  const seed = Number(process.env['PARLEY_SEED'] ?? 7)
  console.log(`STATUS1 marks: PARLEY_SEED=${seed}`)
  const random = createRandom(seed)
  const messages = sent(200)
  let marks: ReceiptMarks = noMarks
  for (let round = 0; round < 500; round++) {
    const before = marks
    const read = random.between(-1, 320)
    marks = { read, received: Math.max(read, random.between(-1, 320)), threads: new Map() }
    const places = placesBetween(messages, before, marks)
    const changed = messages.flatMap((one, place) => (stateAt(one, before) === stateAt(one, marks) ? [] : [place]))
    expect(new Set([...places, ...changed])).toEqual(new Set(places))
    const isBetween = (seq: number, one: 'read' | 'received'): boolean =>
      seq > Math.min(before[one], marks[one]) && seq <= Math.max(before[one], marks[one])
    const due = messages.map(({ seq }) => Number(isBetween(seq, 'read')) + Number(isBetween(seq, 'received')))
    expect(places).toHaveLength(due.reduce((sum, times) => sum + times, 0))
  }
  expect(placesBetween(messages, marks, marks)).toEqual([])
})

test('[STATUS1] with threads: of any registers each message is what its receipts say, and what changes is looked at', () => {
  const seed = Number(process.env['PARLEY_SEED'] ?? 11)
  console.log(`STATUS1 threads: PARLEY_SEED=${seed}`)
  const random = createRandom(seed)
  const roots = [1, 2, 3].map(messageId)
  const messages = sent(60).map((one, index): StampedMessage => {
    const thread = index < 3 ? undefined : roots[index % 5]
    return thread === undefined ? one : { ...one, thread }
  })
  const users = ['ann', 'bob', 'cleo', 'dan'].map(userId)
  const marksOf = createReceiptMarks(ann)
  let before = noMarks
  let [moved, same] = [0, 0]
  for (let round = 0; round < 2000; round++) {
    const members = new Map(users.slice(0, random.between(1, 4)).map((user) => [user, 'writer'] as const))
    const registers = {
      members,
      reads: new Map<UserId, { through: number; received: number }>(),
      threadReads: new Map<UserId, ReadonlyMap<MessageId, number>>(),
    }
    for (const user of users) {
      const through = random.between(-1, 40)
      if (through > 0) registers.reads.set(user, { through, received: Math.max(through, random.between(-1, 90)) })
      const threads = roots.map((root) => [root, random.between(-1, 95)] as const).filter(([, seq]) => seq > through)
      if (random.between(0, 2) > 0) registers.threadReads.set(user, new Map(threads))
    }
    const marks = marksOf(registers)
    expect(marksOf({ ...registers, members: new Map(members) })).toBe(marks)
    const others = members.size - 1
    for (const one of messages) {
      const { received, read } = receiptsOf(registers, one)
      const isAll = (list: readonly UserId[]): boolean => others > 0 && list.length === others
      expect(stateAt(one, marks)).toBe(isAll(read) ? 'read' : isAll(received) ? 'received' : 'sent')
    }
    const places = new Set(placesBetween(messages, before, marks))
    const changed = messages.flatMap((one, place) => (stateAt(one, before) === stateAt(one, marks) ? [] : [place]))
    expect(changed.filter((place) => !places.has(place))).toEqual([])
    if (marks.threads.size > 0) moved++
    else same++
    before = marks
  }
  expect([moved, same].every((count) => count > 100)).toBe(true)
})

test('[STATUS1] a thread that is read on costs the answers in it that lie between, and none beside them', () => {
  const [root, other] = [messageId(1), messageId(2)]
  const messages = sent(300).map((one, index): StampedMessage =>
    index < 2 ? one : { ...one, thread: index % 2 === 0 ? root : other },
  )
  const at = (seq: number): ReceiptMarks => ({
    received: 5,
    read: 5,
    threads: new Map([[root, { received: seq, read: seq }]]),
  })
  const places = placesBetween(messages, at(30), at(60))
  expect(places).toEqual(
    messages.flatMap(({ seq, thread }, place) => (thread === root && seq > 30 && seq <= 60 ? [place] : [])),
  )
  expect(places.length).toBeGreaterThan(5)
})
