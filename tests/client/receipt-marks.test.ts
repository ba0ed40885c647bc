// Which messages are looked at when the others' marks move, and that it is all that have to be.
import { expect, test } from 'vitest'

import { placesBetween, type ReceiptMarks, stateAt } from '../../client/delivery/receipt-marks.ts'
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
  const messages = sent(200)
  let marks: ReceiptMarks = { received: -1, read: -1 }
  for (let round = 0; round < 500; round++) {
    const before = marks
    const read = random.between(-1, 320)
    marks = { read, received: Math.max(read, random.between(-1, 320)) }
    const places = placesBetween(messages, before, marks)
    const changed = messages.flatMap(({ seq }, place) => (stateAt(seq, before) === stateAt(seq, marks) ? [] : [place]))
    expect(new Set([...places, ...changed])).toEqual(new Set(places))
    const isBetween = (seq: number, one: keyof ReceiptMarks): boolean =>
      seq > Math.min(before[one], marks[one]) && seq <= Math.max(before[one], marks[one])
    const due = messages.map(({ seq }) => Number(isBetween(seq, 'read')) + Number(isBetween(seq, 'received')))
    expect(places).toHaveLength(due.reduce((sum, times) => sum + times, 0))
  }
  expect(placesBetween(messages, marks, marks)).toEqual([])
})
