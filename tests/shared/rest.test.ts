import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { parseMessageId } from '../../shared/chat/entry.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import { parseRestMessage, restMessage, restTime } from '../../shared/rest.ts'
import { parseConversationId } from '../../shared/sync/ids.ts'
import { userId } from '../helpers/chain-doc.ts'
import { announceSeed } from '../helpers/seeded-random.ts'

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('not an id')
  return value
}

const conversation = known(parseConversationId('01890a5d-ac96-774b-bcce-b302099a8057'))
const id = known(parseMessageId('01890a5d-ac97-7000-8000-000000000001'))
const other = known(parseMessageId('01890a5d-ac97-7000-8000-000000000002'))
const user = userId('ann')

test('times are RFC 3339, UTC, with milliseconds', () => {
  expect(restTime(0)).toBe('1970-01-01T00:00:00.000Z')
  expect(restTime(1_700_000_000_007)).toBe('2023-11-14T22:13:20.007Z')
  fc.assert(
    fc.property(fc.maxSafeNat(), (ms) => {
      const text = restTime(ms)
      expect(text).toMatch(/^(\d{4}|\+\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      expect(Date.parse(text)).toBe(Math.min(ms, 8_640_000_000_000_000))
    }),
    { seed: announceSeed('REST times') },
  )
})

test('a message in snake_case, with the fields it has and no others', () => {
  const plain: StampedMessage = {
    id,
    user,
    role: 'user',
    content: 'Tea?',
    writtenAt: 1,
    seq: 7,
    createdAt: 1_700_000_000_000,
    revision: 7,
  }
  const shown = {
    id,
    conversation_id: conversation,
    user_id: 'ann',
    role: 'user',
    content: 'Tea?',
    created_at: '2023-11-14T22:13:20.000Z',
    written_at: '1970-01-01T00:00:00.001Z',
    seq: 7,
    revision: 7,
  }
  expect(restMessage(conversation, plain)).toEqual(shown)
  expect(Object.keys(restMessage(conversation, plain))).toEqual(Object.keys(shown))
  const more = { thread: other, parent: other, mentions: [user], parts: [{ a: 1 }], status: 'interrupted' }
  expect(restMessage(conversation, { ...plain, replyTo: other, ...more })).toEqual({
    ...shown,
    reply_to: other,
    ...more,
  })
})

test('[TOUCH1] what was changed comes back as it was, and what is no message does not', () => {
  const changed: StampedMessage = {
    id,
    user,
    role: 'user',
    content: '',
    writtenAt: 1,
    seq: 7,
    createdAt: 1_700_000_000_000,
    revision: 11,
    editedAt: 1_700_000_000_001,
    redactedAt: 1_700_000_000_002,
    redactedBy: userId('bob'),
    reactions: [{ emoji: '👍🏽', users: [user] }],
    pinned: true,
    replyTo: other,
  }
  const shown = restMessage(conversation, changed)
  expect(shown).toMatchObject({ edited_at: '2023-11-14T22:13:20.001Z', redacted_by: 'bob', revision: 11, pinned: true })
  expect(parseRestMessage(JSON.parse(JSON.stringify(shown)))).toEqual(changed)
  for (const broken of [{ seq: -1 }, { revision: 'x' }, { created_at: 'never' }, { edited_at: '' }, { id: 'x' }]) {
    expect(parseRestMessage({ ...shown, ...broken })).toBeUndefined()
  }
  expect([null, 'text', [], {}].map(parseRestMessage)).toEqual([undefined, undefined, undefined, undefined])
})
