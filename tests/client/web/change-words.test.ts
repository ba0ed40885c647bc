// What did not come about, and why, in the words of the page.
import { expect, test } from 'vitest'

import type { FailedChange } from '../../../client/api.ts'
import { type ChangeContext, changeWords, namedInChanges, whyNotTaken } from '../../../client/web/change-words.ts'
import { ann, bob, messageId, userId } from '../../helpers/client-rows.ts'

const cleo = userId('cleo')
const context: ChangeContext = {
  user: ann,
  access: 'writer',
  members: [
    { user: ann, access: 'writer' },
    { user: bob, access: 'owner' },
  ],
  nameOf: (user) => ({ ann: 'Ann', bob: 'Bob' })[user as string] ?? user,
}
const say = (entry: FailedChange['entry'], more: Partial<ChangeContext> = {}): string => {
  const change: FailedChange = { entry, reason: 'access' }
  return `${changeWords(change, { ...context, ...more })} ${whyNotTaken(change, { ...context, ...more })}`
}
const set = (key: string, value: unknown): string =>
  changeWords({ entry: { kind: 'set', key, value }, reason: 'access' }, context)

test('[OUTBOX4] each setting and each change of a member is told as what did not come about', () => {
  expect([
    set('title', 'Plans'),
    set('title', null),
    set('history', 'from-join'),
    set('history', null),
    set('wipe', true),
    set('wipe', null),
    set('topic', 1),
    say({ kind: 'member', user: cleo, access: 'writer' }),
    say({ kind: 'member', user: bob, access: 'admin' }),
    say({ kind: 'member', user: bob, access: null }),
    say({ kind: 'member', user: ann, access: null }, { access: undefined }),
  ]).toEqual([
    'The title was not changed to “Plans”.',
    'The title was not taken away.',
    'Whoever joins was not kept from seeing what was written before.',
    'Whoever joins was not allowed to see what was written before.',
    'It was not set that the devices of removed members delete this conversation.',
    'It still holds that the devices of removed members delete this conversation.',
    'The setting “topic” was not changed.',
    'cleo was not added. Only owners and admins may do this.',
    'Bob was not made an admin. Only an owner may do this.',
    'Bob was not removed. Only an owner may do this.',
    'You have not left. You are no longer a member of this conversation.',
  ])
})

test('[TOUCH2] each touch is told as what did not come about, with the reason', () => {
  const of = messageId(1)
  expect([
    say({ kind: 'edit', of, content: 'Tea', at: 1 }),
    say({ kind: 'redact', of }),
    say({ kind: 'react', of, emoji: '👍', on: true }),
    say({ kind: 'pin', of, on: true }),
    say({ kind: 'pin', of, on: false }),
  ]).toEqual([
    'Your edit was not taken: “Tea” You may not write in this conversation.',
    'A message you deleted is still there. You may not write in this conversation.',
    'Your reaction 👍 was not taken. You may not write in this conversation.',
    'The message was not pinned. Only owners and admins may do this.',
    'The message is still pinned. Only owners and admins may do this.',
  ])
  expect(whyNotTaken({ entry: { kind: 'redact', of }, reason: 'too-many' }, context)).toBe(
    'There are as many as there may be.',
  )
  const change: FailedChange = { entry: { kind: 'member', user: cleo, access: null }, reason: 'access' }
  expect(namedInChanges([change, { entry: { kind: 'redact', of }, reason: 'access' }])).toEqual([cleo])
})
