// What stands in a document without a stamp.
import { expect, test } from 'vitest'

import { encodeEntry } from '../../../shared/chat/entry.ts'
import { PendingEntries } from '../../../shared/chat/pending.ts'
import { PendingFold } from '../../../shared/chat/pending-fold.ts'
import { emptyRoster } from '../../../shared/chat/roster.ts'
import { append, chainSource, createDoc } from '../../helpers/chain-doc.ts'
import { ann, message, messageId } from '../../helpers/client-rows.ts'

const roster = { ...emptyRoster, members: new Map([[ann, 'owner' as const]]) }

test('[ARCH3] what was archived is not read again, entry by entry or at all', () => {
  const doc = createDoc(1)
  append(
    doc,
    'ann',
    Array.from({ length: 50 }, (_, index) => encodeEntry(message(index + 1))),
  )
  doc.getArray('chain/1/ann').delete(0, 48)
  const source = chainSource(doc)
  let reads = 0
  const counting: typeof source = { ...source, payloadAt: (...place) => (reads++, source.payloadAt(...place)) }
  const pending = new PendingEntries()
  expect(pending.read(counting, () => 0).entries.map(({ clock }) => clock)).toEqual([48, 49])
  expect(reads).toBe(2)
  append(doc, 'ann', [encodeEntry(message(51))])
  expect(pending.read(counting, () => 0).entries).toHaveLength(3)
  expect(reads).toBe(3)
})

test('[TOUCH1] touches are told by their messages, in fold order, and what is no message changes the roster', () => {
  const doc = createDoc(1)
  const of = messageId(9)
  append(
    doc,
    'ann',
    [
      message(1),
      { kind: 'react', of, emoji: '👍', on: true } as const,
      { kind: 'edit', of, content: 'x', at: 2 } as const,
      { kind: 'pin', of, on: true } as const,
      { kind: 'read', through: 3 } as const,
    ].map(encodeEntry),
  )
  const waiting = new PendingEntries().read(chainSource(doc), () => 0)
  const folded = new PendingFold().take(waiting, roster, () => false)
  expect(folded.pending.map(({ id }) => id)).toEqual([messageId(1)])
  expect(folded.touches.get(of)?.map(({ entry }) => entry.kind)).toEqual(['react', 'edit', 'pin'])
  expect(folded.roster.pins.has(of)).toBe(true)
  expect(folded.roster.reads.get(ann)).toEqual({ through: 3, received: 3 })
  expect(new PendingFold().take(waiting, roster, (id) => id === messageId(1)).pending).toEqual([])
  expect(roster.pins.size).toBe(0)
})
