import { expect, test } from 'vitest'

import { parseMessageId } from '../../../shared/chat/entry.ts'
import { parseUserId } from '../../../shared/sync/ids.ts'
import type { ChatMessage } from '../../../client/api.ts'
import {
  firstMessages,
  holdPart,
  isHeld,
  mostMessages,
  partAround,
  partOf,
  stepMessages,
  withNewer,
  withOlder,
} from '../../../client/web/shown-part.ts'
import { indexOfUnread, timelineRows } from '../../../client/web/timeline-rows.ts'

const [me, bob] = [parseUserId('me'), parseUserId('bob')]

/** Messages with the seqs `from` to `to`, the last one aside; every tenth is one's own. */
function messagesOf(from: number, to: number): readonly ChatMessage[] {
  return Array.from({ length: to - from }, (_, index) => {
    const seq = from + index
    const own = seq % 10 === 9
    const id = parseMessageId(`01890a5d-ac96-774b-bcce-${String(seq).padStart(12, '0')}`)
    const user = own ? me : bob
    if (id === undefined || user === undefined) throw new Error('not an id')
    const createdAt = 1_700_000_000_000 + seq * 1000
    const delivery = { state: 'sent', seq, createdAt } as const
    return { id, user, role: 'user', content: `${seq}`, writtenAt: createdAt, own, delivery }
  })
}

test('[PAGE3] at the end the newest are rendered, however many are loaded', () => {
  expect(partOf(messagesOf(0, 50), undefined)).toEqual({ first: 0, end: 50 })
  expect(partOf(messagesOf(0, 5000), undefined)).toEqual({ first: 5000 - firstMessages, end: 5000 })
})

test('[PAGE3] what is held stays while messages come on both sides, and never more is rendered than stays quick', () => {
  const before = messagesOf(1000, 1500)
  const held = holdPart(before, { first: 100, end: 400 })
  const after = messagesOf(0, 9000)
  expect(partOf(after, held)).toEqual({ first: 1100, end: 1400 })
  const open = holdPart(before, { first: 100, end: 500 })
  expect(open.to).toBeUndefined()
  expect(partOf(after, open)).toEqual({ first: 1100, end: 1100 + mostMessages })
  expect(isHeld(after, held)).toBe(true)
  expect(isHeld(messagesOf(5000, 9000), held)).toBe(false)
})

test('[PAGE3] step by step up and down again every message is rendered, and what is in view stays rendered', () => {
  const messages = messagesOf(0, 3000)
  let part = partOf(messages, undefined)
  while (part.first > 0) {
    const next = withOlder(part)
    expect(next.first).toBe(Math.max(0, part.first - stepMessages))
    expect(next.end).toBeGreaterThan(part.first)
    expect(next.end - next.first).toBeLessThanOrEqual(mostMessages)
    part = partOf(messages, holdPart(messages, next))
    expect(part).toEqual(next)
  }
  while (part.end < messages.length) {
    const next = withNewer(part, messages.length)
    expect(next.first).toBeLessThan(part.end)
    expect(next.end - next.first).toBeLessThanOrEqual(mostMessages)
    part = partOf(messages, holdPart(messages, next))
    expect(part).toEqual(next)
  }
  expect(partAround(10, 3000)).toEqual({ first: 0, end: 10 + firstMessages })
})

test('[UNREAD1] the line stands before the first message of somebody else that is unread, and apart from its group', () => {
  const messages = messagesOf(0, 30)
  expect(indexOfUnread(messages, 19)).toBe(20)
  expect(indexOfUnread(messages, undefined)).toBe(-1)
  expect(indexOfUnread(messages, 30)).toBe(-1)
  const rows = timelineRows(messages, { first: 5, end: 25 }, 22)
  expect(rows.length).toBe(20)
  expect(rows.filter(({ beginsUnread }) => beginsUnread).map(({ message }) => message.content)).toEqual(['22'])
  expect(rows.filter(({ heads }) => heads).map(({ message }) => message.content)).toEqual([
    '5',
    '9',
    '10',
    '19',
    '20',
    '22',
  ])
})
