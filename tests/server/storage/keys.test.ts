// The key codec: what comes back, what order it gives, and what ranges take in.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import {
  decodeKey,
  encodeKey,
  inboxRange,
  type Key,
  type KeyRange,
  numberedRange,
  pieceRange,
  rangeKinds,
  rangeOf,
  vanishingRange,
} from '../../../server/storage/level/keys.ts'
import { clientId, conversationId, invitationAt, messageId, userId } from '../../contract/store-rows.ts'
import {
  client,
  conversation,
  count,
  invitation,
  message,
  record,
  requestKey,
  settingKey,
  user,
} from './arbitrary-ids.ts'

const arbitraryKey: fc.Arbitrary<Key> = fc.oneof(
  fc.constantFrom({ kind: 'format' } as const, { kind: 'generation' } as const),
  record({ kind: fc.constant('head' as const), conversation }),
  record({ kind: fc.constantFrom('log' as const, 'message' as const), conversation, seq: count }),
  record({ kind: fc.constant('record' as const), conversation, clock: count }),
  record({ kind: fc.constant('id' as const), conversation, id: message }),
  record({ kind: fc.constantFrom('chain' as const, 'deleted' as const, 'dropped' as const), conversation, client }),
  record({ kind: fc.constant('place' as const), conversation, client, clock: count }),
  record({ kind: fc.constant('member' as const), conversation, user }),
  record({ kind: fc.constant('idempotency' as const), conversation, user, key: requestKey }),
  record({ kind: fc.constant('inbox' as const), user, conversation }),
  record({ kind: fc.constantFrom('touched' as const, 'erasing' as const), conversation, revision: count }),
  record({ kind: fc.constant('piece' as const), conversation, id: message, seq: count }),
  record({ kind: fc.constant('setting' as const), conversation, key: settingKey }),
  record({ kind: fc.constant('pin' as const), conversation, id: message }),
  record({ kind: fc.constant('purging' as const), conversation }),
  record({ kind: fc.constant('reply' as const), conversation, id: message, seq: count }),
  record({ kind: fc.constant('invitation' as const), conversation, id: invitation }),
  record({ kind: fc.constant('profile' as const), user }),
)

/** The kinds in the order of their tags, which is on disk and never changes. */
const kindsInOrder: readonly Key['kind'][] = [
  'format',
  'head',
  'log',
  'record',
  'message',
  'id',
  'chain',
  'deleted',
  'place',
  'member',
  'idempotency',
  'inbox',
  'generation',
  'dropped',
  'touched',
  'piece',
  'setting',
  'pin',
  'erasing',
  'purging',
  'reply',
  'invitation',
  'profile',
]

/** What a key means, most significant first; the arbitraries above list their fields so. */
function meaningOf({ kind, ...fields }: Key): (string | number)[] {
  return [kindsInOrder.indexOf(kind), ...Object.values<string | number>(fields)]
}

function compareMeaning(a: Key, b: Key): number {
  const theirs = meaningOf(b)
  for (const [index, mine] of meaningOf(a).entries()) {
    const other = theirs[index]
    if (other === undefined || mine > other) return 1
    if (mine < other) return -1
  }
  return 0
}

/** The last field of a numbered row. */
function numberOf(key: Key): number {
  if (key.kind === 'record') return key.clock
  if (key.kind === 'touched') return key.revision
  return key.kind === 'log' || key.kind === 'message' ? key.seq : -1
}

function isIn({ gte, lt }: KeyRange, key: Key): boolean {
  const bytes = encodeKey(key)
  return Buffer.compare(bytes, gte) >= 0 && Buffer.compare(bytes, lt) < 0
}

describe('keys', () => {
  test('[STORE6] every key comes back as it was', () => {
    fc.assert(
      fc.property(arbitraryKey, (key) => {
        expect(decodeKey(encodeKey(key))).toStrictEqual(key)
      }),
      { numRuns: 3000 },
    )
  })

  test('[STORE6] the order of bytes is the order of meaning', () => {
    fc.assert(
      fc.property(arbitraryKey, arbitraryKey, (a, b) => {
        expect(Buffer.compare(encodeKey(a), encodeKey(b))).toBe(compareMeaning(a, b))
      }),
      { numRuns: 10_000 },
    )
  })

  test('[STORE6] a range of a conversation holds its rows of that kind, and no others', () => {
    fc.assert(
      fc.property(fc.constantFrom(...rangeKinds), conversation, arbitraryKey, (kind, id, key) => {
        const belongs = key.kind === kind && key.conversation === id
        expect(isIn(rangeOf(kind, id), key)).toBe(belongs)
      }),
      { numRuns: 10_000 },
    )
  })

  test('[STORE6] a range of numbers holds those from the first to before the last', () => {
    const kinds = fc.constantFrom('log' as const, 'record' as const, 'message' as const, 'touched' as const)
    fc.assert(
      fc.property(kinds, conversation, count, count, arbitraryKey, (kind, id, from, to, key) => {
        const number = numberOf(key)
        const belongs = key.kind === kind && key.conversation === id && number >= from && number < to
        expect(isIn(numberedRange(kind, id, { from, to }), key)).toBe(belongs)
      }),
      { numRuns: 10_000 },
    )
  })

  test('[STORE6] the range of an inbox holds one user, and none whose name begins the same', () => {
    fc.assert(
      fc.property(user, arbitraryKey, (who, key) => {
        expect(isIn(inboxRange(who), key)).toBe(key.kind === 'inbox' && key.user === who)
      }),
      { numRuns: 10_000 },
    )
  })

  test('[STORE6] the range of pieces holds those of one message, and what is to vanish lies by kind', () => {
    fc.assert(
      fc.property(conversation, message, fc.constantFrom('erasing', 'purging'), arbitraryKey, (id, of, kind, key) => {
        const belongs = key.kind === 'piece' && key.conversation === id && key.id === of
        expect(isIn(pieceRange(id, of), key)).toBe(belongs)
        expect(isIn(vanishingRange(kind), key)).toBe(key.kind === kind)
      }),
      { numRuns: 10_000 },
    )
  })

  test('[STORE6] bytes that are no key are told from keys', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const key = decodeKey(bytes)
        expect(key === undefined || Buffer.compare(encodeKey(key), bytes) === 0).toBe(true)
      }),
      { numRuns: 10_000 },
    )
    expect(decodeKey(Uint8Array.of())).toBeUndefined()
    expect(decodeKey(Uint8Array.of(99))).toBeUndefined()
    for (const key of literals.map(([one]) => encodeKey(one))) {
      expect(decodeKey(key.subarray(0, -1))).not.toEqual(decodeKey(key))
    }
  })

  test('a number that is no seq is a bug', () => {
    for (const seq of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => encodeKey({ kind: 'log', conversation: conversationId(1), seq })).toThrow(RangeError)
    }
  })

  const id = '0190a000000070008000000000000001'
  const literals: readonly (readonly [Key, string])[] = [
    [{ kind: 'format' }, '00'],
    [{ kind: 'head', conversation: conversationId(1) }, `01${id}`],
    [{ kind: 'log', conversation: conversationId(1), seq: 258 }, `02${id}0000000000000102`],
    [{ kind: 'record', conversation: conversationId(1), clock: 2 ** 53 - 1 }, `03${id}001fffffffffffff`],
    [{ kind: 'message', conversation: conversationId(1), seq: 0 }, `04${id}0000000000000000`],
    [{ kind: 'id', conversation: conversationId(1), id: messageId(2) }, `05${id}0190b000000070008000000000000002`],
    [{ kind: 'chain', conversation: conversationId(1), client: clientId(7) }, `06${id}00000007`],
    [{ kind: 'deleted', conversation: conversationId(1), client: clientId(2 ** 32 - 1) }, `07${id}ffffffff`],
    [
      { kind: 'place', conversation: conversationId(1), client: clientId(7), clock: 8 },
      `08${id}000000070000000000000008`,
    ],
    [{ kind: 'member', conversation: conversationId(1), user: userId('ann') }, `09${id}616e6e`],
    [
      { kind: 'idempotency', conversation: conversationId(1), user: userId('ann'), key: 'k/1' },
      `0a${id}616e6e006b2f31`,
    ],
    [{ kind: 'inbox', user: userId('ann'), conversation: conversationId(1) }, `0b616e6e00${id}`],
    [{ kind: 'generation' }, '0c'],
    [{ kind: 'dropped', conversation: conversationId(1), client: clientId(7) }, `0d${id}00000007`],
    [{ kind: 'touched', conversation: conversationId(1), revision: 258 }, `0e${id}0000000000000102`],
    [
      { kind: 'piece', conversation: conversationId(1), id: messageId(2), seq: 3 },
      `0f${id}0190b0000000700080000000000000020000000000000003`,
    ],
    [{ kind: 'setting', conversation: conversationId(1), key: 'a\u20ac\ud800' }, `10${id}006120acd800`],
    [{ kind: 'pin', conversation: conversationId(1), id: messageId(2) }, `11${id}0190b000000070008000000000000002`],
    [{ kind: 'erasing', conversation: conversationId(1), revision: 258 }, `12${id}0000000000000102`],
    [{ kind: 'purging', conversation: conversationId(1) }, `13${id}`],
    [
      { kind: 'invitation', conversation: conversationId(1), id: invitationAt(2).id },
      `15${id}0190b000000070008000000000000002`,
    ],
    [
      { kind: 'reply', conversation: conversationId(1), id: messageId(2), seq: 3 },
      `14${id}0190b0000000700080000000000000020000000000000003`,
    ],
    [{ kind: 'profile', user: userId('ann') }, '16616e6e'],
  ]

  test.each(literals)('[STORE6] the bytes of a key on disk do not change: %o', (key, hex) => {
    expect(Buffer.from(encodeKey(key)).toString('hex')).toBe(hex)
  })
})

test('[STORE6] the bytes of the key of an event do not change, and come back', () => {
  const key = { kind: 'event', conversation: conversationId(1), seq: 258 } as const
  const bytes = encodeKey(key)
  expect(Buffer.from(bytes).toString('hex')).toBe('170190a0000000700080000000000000010000000000000102')
  expect(decodeKey(bytes)).toEqual(key)
})
