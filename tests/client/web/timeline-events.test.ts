// Where what happened stands among the messages, and how it is told.
import { expect, test } from 'vitest'

import type { ChatEvent, ChatMessage } from '../../../client/api.ts'
import { eventWords, namedIn, placeEvents } from '../../../client/web/timeline-events.ts'
import { invitationAt } from '../../contract/store-rows.ts'
import { ann, bob, message, messageId, userId } from '../../helpers/client-rows.ts'

const messagesAt = (...seqs: readonly (number | undefined)[]): readonly ChatMessage[] =>
  seqs.map((seq, index) => {
    const { kind: _kind, at, ...rest } = message(index + 1)
    const delivery = seq === undefined ? { state: 'pending' as const } : { state: 'sent' as const, seq, createdAt: seq }
    return { ...rest, user: ann, writtenAt: at, own: true, delivery }
  })
const added = (seq: number): ChatEvent => ({
  seq,
  user: ann,
  timeMs: seq,
  entry: { kind: 'member', user: bob, access: 'writer' },
})
const waiting: ChatEvent = { user: ann, entry: { kind: 'pin', of: messageId(1), on: true }, pending: true }

test('[EVENT1] an event stands before the messages behind it, and what is pending behind all', () => {
  const messages = messagesAt(3, 5, 9, undefined)
  const events = [added(1), added(4), added(6), added(7), added(12), waiting]
  const placesIn = (part: { first: number; end: number }): unknown =>
    [...placeEvents(events, messages, part, true)].map(([place, lines]) => [place, lines.map(({ key }) => key)])
  expect(placesIn({ first: 0, end: 4 })).toEqual([
    [0, ['event-1']],
    [1, ['event-4']],
    [2, ['event-6', 'event-7']],
    [3, ['event-12']],
    [4, ['pending-5']],
  ])
  expect(placesIn({ first: 1, end: 2 })).toEqual([
    [0, ['event-4']],
    [1, ['event-6', 'event-7']],
  ])
  expect([...placeEvents(events, [], { first: 0, end: 0 }, true).keys()]).toEqual([0])
})

test('[EVENT1] it says who did what to whom, and nothing that is not known', () => {
  const name = (user: string): string => ({ ann: 'Ann', bob: 'Bob' })[user] ?? user
  const by = { user: ann, timeMs: 0 }
  const [cleo, invitation] = [userId('cleo'), invitationAt(1).id]
  const events: readonly ChatEvent[] = [
    added(1),
    { ...by, seq: 2, entry: { kind: 'member', user: bob, access: 'reader' } },
    { ...by, seq: 3, user: bob, entry: { kind: 'member', user: bob, access: null } },
    added(4),
    { ...by, seq: 5, entry: { kind: 'member', user: bob, access: null } },
    { ...by, seq: 6, entry: { kind: 'set', key: 'title', value: 'Tea' } },
    { ...by, seq: 7, entry: { kind: 'set', key: 'title', value: null } },
    { ...by, seq: 8, entry: { kind: 'set', key: 'metadata' } },
    { ...by, seq: 9, entry: { kind: 'member', user: cleo, access: 'writer', invitation } },
    waiting,
  ]
  const said = (isWhole: boolean): readonly string[] =>
    [...placeEvents(events, [], { first: 0, end: 0 }, isWhole).values()].flat().map((line) => eventWords(line, name))
  expect(said(true)).toEqual([
    'Ann added Bob',
    'Ann made Bob a reader',
    'Bob left',
    'Ann added Bob',
    'Ann removed Bob',
    'Ann changed the title to “Tea”',
    'Ann took the title away',
    'Ann changed a setting',
    'cleo joined with a link from Ann',
    'Ann pinned a message',
  ])
  expect(said(false)[0]).toBe('Ann made Bob a writer')
  expect(namedIn([...placeEvents(events, [], { first: 0, end: 0 }, true).values()].flat())).toEqual([ann, bob, cleo])
})
