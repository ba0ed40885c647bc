import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import {
  isUuidV7,
  maxClientId,
  parseClientId,
  parseClientIdText,
  parseConversationId,
  parseUserId,
} from '../../../shared/sync/ids.ts'
import { announceSeed } from '../../helpers/seeded-random.ts'

const goodId = '01890a5d-ac96-774b-bcce-b302099a8057'

test('[IDS1] a clientID is an unsigned 32-bit integer and nothing else', () => {
  for (const good of [0, 1, 0x7fff_ffff, 0x8000_0000, maxClientId]) expect(parseClientId(good)).toBe(good)
  const bad = [
    -1,
    0.5,
    maxClientId + 1,
    2 ** 53,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '5',
    5n,
    null,
    undefined,
    [5],
    {},
    true,
  ]
  for (const value of bad) expect(parseClientId(value)).toBeUndefined()
})

test('[IDS1] a written clientID has one form', () => {
  const clients = fc.integer({ min: 0, max: maxClientId })
  fc.assert(
    fc.property(clients, (client) => {
      expect(parseClientIdText(String(client))).toBe(client)
    }),
    { seed: announceSeed('IDS1 written clientIDs') },
  )
  const bad = [
    '',
    '00',
    '01',
    '+1',
    '-1',
    '-0',
    ' 1',
    '1 ',
    '1.0',
    '1e3',
    '0x1',
    '1_000',
    '4294967296',
    '99999999999',
    '٣',
    '1\n',
  ]
  for (const text of bad) expect(parseClientIdText(text)).toBeUndefined()
})

test('[IDS1] a conversation has a UUIDv7 in lower case', () => {
  expect(parseConversationId(goodId)).toBe(goodId)
  expect(isUuidV7(goodId)).toBe(true)
  const bad: readonly unknown[] = [
    '',
    goodId.toUpperCase(),
    goodId.replaceAll('-', ''),
    `{${goodId}}`,
    `${goodId}\n`,
    ` ${goodId}`,
    '01890a5d-ac96-474b-bcce-b302099a8057',
    '01890a5d-ac96-774b-7cce-b302099a8057',
    '01890a5d-ac96-774b-ccce-b302099a8057',
    '01890a5d-ac96-774b-bcce-b302099a805',
    '00000000-0000-0000-0000-000000000000',
    null,
    undefined,
    7,
    [goodId],
  ]
  for (const value of bad) {
    expect(parseConversationId(value)).toBeUndefined()
    expect(isUuidV7(value)).toBe(false)
  }
})

test('[IDS1] a user id is 1 to 128 visible ASCII characters other than a slash', () => {
  for (let code = 0; code < 0x180; code++) {
    const text = String.fromCodePoint(code)
    const isGood = code > 0x20 && code < 0x7f && text !== '/'
    expect(parseUserId(text)).toBe(isGood ? text : undefined)
    expect(parseUserId(`a${text}b`)).toBe(isGood ? `a${text}b` : undefined)
  }
  for (const good of ['ann', 'auth0|5f7c', 'ann@example.com', '__proto__', 'x'.repeat(128)])
    expect(parseUserId(good)).toBe(good)
  for (const bad of [
    '',
    'x'.repeat(129),
    'änn',
    'ann\n',
    'ann\u200b',
    '😀',
    7,
    null,
    undefined,
    ['ann'],
    { toString: () => 'ann' },
  ]) {
    expect(parseUserId(bad)).toBeUndefined()
  }
})
