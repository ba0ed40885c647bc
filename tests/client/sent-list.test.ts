// Views of sent messages: what is looked at when the others' marks move, and that it is all that has to be.
import { expect, test } from 'vitest'

import type { ChatMessage } from '../../client/api.ts'
import { type ReceiptMarks, stateAt } from '../../client/delivery/receipt-marks.ts'
import { createSentList } from '../../client/delivery/sent-list.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import { ann, messageId } from '../helpers/client-rows.ts'
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
  let looked: number[] = []
  const list = createSentList(({ id, user, role, content, writtenAt, seq, createdAt }, marks): ChatMessage => {
    looked.push(seq)
    return { id, user, role, content, writtenAt, own: true, delivery: { state: stateAt(seq, marks), seq, createdAt } }
  })
  let messages = sent(200)
  let marks: ReceiptMarks = { received: -1, read: -1 }
  list(messages, marks)
  for (let round = 0; round < 500; round++) {
    const before = marks
    const read = random.between(-1, 320)
    marks = { read, received: Math.max(read, random.between(-1, 320)) }
    if (round % 50 === 0) messages = sent(200)
    looked = []
    const states = list(messages, marks).map(({ delivery }) => delivery.state)
    expect(states).toEqual(messages.map(({ seq }) => stateAt(seq, marks)))
    if (round % 50 === 0) continue
    const isBetween = (seq: number, one: keyof ReceiptMarks): boolean =>
      seq > Math.min(before[one], marks[one]) && seq <= Math.max(before[one], marks[one])
    const due = messages.map(({ seq }) => Number(isBetween(seq, 'read')) + Number(isBetween(seq, 'received')))
    expect(looked).toHaveLength(due.reduce((sum, times) => sum + times, 0))
  }
  looked = []
  const same = list(messages, marks)
  expect([list(messages, marks) === same, looked]).toEqual([true, []])
})
