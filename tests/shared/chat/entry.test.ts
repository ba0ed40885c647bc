// Entries: every kind comes back as it went out, and the literal examples of SPEC.md freeze the format. A change that
// breaks a literal breaks every document there is.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import {
  type Entry,
  encodeEntry,
  entryTime,
  isTitle,
  type KnownEntry,
  type MessageId,
  parseEntry,
  parseMessageId,
  saysSomething,
  type Unreadable,
} from '../../../shared/chat/entry.ts'
import { parseInvitationId } from '../../../shared/chat/invitation.ts'
import { limits } from '../../../shared/limits.ts'
import { jsonPayload } from '../../helpers/adversarial-cast.ts'
import { hex, userId } from '../../helpers/chain-doc.ts'
import { announceSeed } from '../../helpers/seeded-random.ts'
import { readSpecExamples, specJson } from '../../helpers/spec-examples.ts'
import { concat, utf8 } from '../../helpers/update-forge.ts'

function messageId(text: string): MessageId {
  const id = parseMessageId(text)
  if (id === undefined) throw new Error(`not a message id: ${text}`)
  return id
}

const id = messageId('01890a5d-ac96-774b-bcce-b302099a8057')
const other = messageId('01890a5d-ac97-7000-8000-000000000001')
const invitation = parseInvitationId(other)
if (invitation === undefined) throw new Error('not an invitation')
const at = 1_700_000_000_000

const spec = readSpecExamples()

/** What the examples of SPEC.md say. */
const examples: readonly KnownEntry[] = [
  { kind: 'message', id, role: 'user', content: 'Tea?', at },
  { kind: 'edit', of: id, content: 'Coffee?', at },
  { kind: 'redact', of: id },
  { kind: 'react', of: id, emoji: '👍🏽', on: true },
  { kind: 'read', through: 41, received: 42 },
  { kind: 'set', key: 'title', value: 'Tea' },
  { kind: 'member', user: userId('bob'), access: 'writer' },
  { kind: 'pin', of: id, on: false },
  { kind: 'delta', of: id, text: 'Te' },
  { kind: 'stop', of: id },
]

/** Those, and what they leave out. */
const literals: readonly (readonly [KnownEntry, string])[] = [
  ...examples.map((entry) => [entry, specJson(spec, entry.kind)] as const),
  [
    {
      kind: 'message',
      id,
      role: 'assistant',
      content: 'Grün 🍵 “now”',
      at,
      replyTo: other,
      thread: other,
      parent: other,
      mentions: [userId('bob')],
      parts: [{ type: 'tool', input: { cups: 2 } }],
      status: 'interrupted',
    },
    `{"kind":"message","id":"${id}","role":"assistant","content":"Grün 🍵 “now”","at":${at},"replyTo":"${other}",` +
      `"thread":"${other}","parent":"${other}","mentions":["bob"],"parts":[{"type":"tool","input":{"cups":2}}],"status":"interrupted"}`,
  ],
  [{ kind: 'read', through: 41, thread: other }, `{"kind":"read","through":41,"thread":"${other}"}`],
  [{ kind: 'member', user: userId('bob'), access: null }, '{"kind":"member","user":"bob","access":null}'],
  [
    { kind: 'member', user: userId('bob'), access: 'writer', invitation },
    `{"kind":"member","user":"bob","access":"writer","invitation":"${other}"}`,
  ],
]

const ids = fc
  .tuple(fc.nat({ max: 0xffff_ffff }), fc.nat({ max: 0xffff_ffff }))
  .map(([a, b]) => messageId(`${a.toString(16).padStart(8, '0')}-0000-7000-8000-${b.toString(16).padStart(12, '0')}`))
const texts = fc.oneof(fc.string(), fc.string({ unit: 'binary' }))
const said = texts.filter((content) => content.trim() !== '')
const users = fc.constantFrom('ann', 'auth0|5f7c', '__proto__', 'x'.repeat(128)).map(userId)
const values = fc.jsonValue({ maxDepth: 4 })
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })

const entries: fc.Arbitrary<object> = fc.oneof(
  fc.record({
    kind: fc.constant('message'),
    id: ids,
    role: fc.constantFrom('user', 'assistant'),
    content: said,
    at: fc.maxSafeNat(),
    replyTo: optional(ids),
    thread: optional(ids),
    parent: optional(ids),
    mentions: optional(fc.array(users, { maxLength: 4 })),
    parts: optional(fc.array(fc.dictionary(fc.string(), values), { maxLength: 3 })),
    status: optional(texts),
  }),
  fc.record({ kind: fc.constant('edit'), of: ids, content: said, at: fc.maxSafeNat() }),
  fc.record({ kind: fc.constantFrom('redact', 'stop'), of: ids }),
  fc.record({ kind: fc.constant('react'), of: ids, emoji: fc.constantFrom('👍', '❤️', '👩‍👩‍👧‍👦', ':)'), on: fc.boolean() }),
  fc.record({
    kind: fc.constant('read'),
    through: fc.maxSafeNat(),
    received: optional(fc.maxSafeNat()),
    thread: optional(ids),
  }),
  fc.record({ kind: fc.constant('read'), received: fc.maxSafeNat() }),
  fc.record({
    kind: fc.constant('set'),
    key: fc.constantFrom('metadata', '__proto__', 'x'.repeat(128)),
    value: values,
  }),
  fc.record({ kind: fc.constant('set'), key: fc.constant('title'), value: fc.option(fc.string({ maxLength: 60 })) }),
  fc.record({
    kind: fc.constant('member'),
    user: users,
    access: fc.constantFrom('owner', 'admin', 'writer', 'reader', null),
    invitation: optional(ids),
  }),
  fc.record({ kind: fc.constant('pin'), of: ids, on: fc.boolean() }),
  fc.record({ kind: fc.constant('delta'), of: ids, text: texts }),
)

function parsed(json: string): Entry | Unreadable {
  const result = parseEntry(jsonPayload(json))
  return result.kind === 'entry' ? result.entry : result.reason
}

/** The JSON text of a message with some fields replaced. */
function messageWith(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ kind: 'message', id, role: 'user', content: 'x', at, ...fields })
}

describe('known kinds', () => {
  test.each(literals)('[ENTRY1] the literal $kind', (entry, json) => {
    expect(hex(encodeEntry(entry))).toBe(`01${hex(utf8(json))}`)
    expect(parsed(json)).toEqual(entry)
  })

  test('[ENTRY1] SPEC.md has an example of every kind, and counts its bytes', () => {
    const records = ['genesis', 'void', 'erased', 'checkpoint']
    expect(spec.table.map(({ kind }) => kind)).toEqual([...examples.map(({ kind }) => kind), ...records])
    for (const { json, bytes } of spec.table) expect(jsonPayload(json)).toHaveLength(bytes)
  })

  test('[ENTRY1] every entry comes back as it went out', () => {
    fc.assert(
      fc.property(entries, (given) => {
        const payload = encodeEntry(given as KnownEntry)
        expect(payload.constructor).toBe(Uint8Array)
        const result = parseEntry(payload)
        expect(result).toEqual({ kind: 'entry', entry: JSON.parse(JSON.stringify(given)) as unknown })
      }),
      { seed: announceSeed('ENTRY1 round trip'), numRuns: 2_000 },
    )
  })

  test('[ENTRY1] the order of the fields is that of the table, however an entry was made', () => {
    fc.assert(
      fc.property(entries, (given) => {
        const turned = Object.fromEntries(Object.entries(given).toReversed())
        expect(hex(encodeEntry(turned as KnownEntry))).toBe(hex(encodeEntry(given as KnownEntry)))
      }),
      { seed: announceSeed('ENTRY1 field order') },
    )
  })

  test('[ENTRY1] only known fields are written', () => {
    const given = { kind: 'redact', of: id, secret: 'x' } as const
    expect(hex(encodeEntry(given))).toBe(hex(jsonPayload(`{"kind":"redact","of":"${id}"}`)))
  })

  test('[ENTRY1] half a character survives', () => {
    const half = { kind: 'delta', of: id, text: '\ud83c' } as const
    expect(parseEntry(encodeEntry(half))).toEqual({ kind: 'entry', entry: half })
  })

  test('[ENTRY1] only a message, an edit and what is unknown tell a time', () => {
    for (const [entry] of literals)
      expect(entryTime(entry)).toBe(entry.kind === 'message' || entry.kind === 'edit' ? at : undefined)
    expect(entryTime({ kind: 'unknown', name: 'poll', at })).toBe(at)
    expect(entryTime({ kind: 'unknown', name: 'poll' })).toBeUndefined()
  })
})

describe('what a later version writes', () => {
  test('[ENTRY2] an unknown kind is an entry without effect', () => {
    expect(parsed('{"kind":"poll","options":[1]}')).toEqual({ kind: 'unknown', name: 'poll' })
    expect(parsed(`{"kind":"poll","at":${at}}`)).toEqual({ kind: 'unknown', name: 'poll', at })
    expect(parsed('{"kind":"poll","at":"noon"}')).toEqual({ kind: 'unknown', name: 'poll' })
    expect(parsed('{"kind":"__proto__","at":-1}')).toEqual({ kind: 'unknown', name: '__proto__' })
    expect(parsed('{"kind":"constructor"}')).toEqual({ kind: 'unknown', name: 'constructor' })
    expect(parsed('{"kind":"unknown"}')).toEqual({ kind: 'unknown', name: 'unknown' })
  })

  test('[ENTRY2] unknown fields of a known kind are ignored', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...literals),
        fc.dictionary(
          fc.string({ minLength: 1 }).map((key) => `x-${key}`),
          values,
        ),
        ([entry, text], more) => {
          const known = JSON.parse(text) as object
          expect(parsed(JSON.stringify({ ...more, ...known }))).toEqual(entry)
          expect(parsed(JSON.stringify({ ...known, ...more }))).toEqual(entry)
        },
      ),
      { seed: announceSeed('ENTRY2 unknown fields') },
    )
    expect(parsed(`{"kind":"stop","of":"${id}","__proto__":{"of":"x"},"constructor":1}`)).toEqual({
      kind: 'stop',
      of: id,
    })
  })

  test('[ENTRY2] the parts of a message keep all their fields', () => {
    const part = '{"type":"later","__proto__":{"isAdmin":true},"deep":[[{}]]}'
    const entry = parsed(`{"kind":"message","id":"${id}","role":"user","content":"","at":0,"parts":[${part}]}`)
    expect(JSON.stringify(entry)).toContain(part)
    expect({}).not.toHaveProperty('isAdmin')
  })
})

describe('what is no entry', () => {
  const bad: Readonly<Record<Exclude<Unreadable, 'bad-schema'>, readonly Uint8Array[]>> = {
    'bad-format': [
      new Uint8Array(),
      Uint8Array.of(0),
      Uint8Array.of(3, 0, 1),
      Uint8Array.of(4),
      Uint8Array.of(255),
      utf8('{"kind":"x"}'),
    ],
    sealed: [Uint8Array.of(2), Uint8Array.of(2, 1, 2, 3)],
    'bad-json': [
      Uint8Array.of(1),
      jsonPayload(' '),
      jsonPayload('null'),
      jsonPayload('7'),
      jsonPayload('"kind"'),
      jsonPayload('[]'),
      jsonPayload('[{"kind":"poll"}]'),
      jsonPayload('{"kind":"poll"'),
      jsonPayload('{"kind":"poll"}x'),
      jsonPayload("{'kind':'poll'}"),
      jsonPayload('{"kind":"poll","x":NaN}'),
      jsonPayload('\ufeff{"kind":"poll"}'),
      concat([1], utf8('{"kind":"'), [0xff], utf8('"}')),
      concat([1], utf8('{"kind":"'), [0xed, 0xa0, 0x80], utf8('"}')),
      jsonPayload('['.repeat(200_000)),
    ],
    'too-large': [new Uint8Array(limits.entryBytes + 1), concat([2], new Uint8Array(limits.entryBytes))],
  }

  test.each(Object.entries(bad))('[ENTRY2] %s', (reason, payloads) => {
    for (const payload of payloads) expect(parseEntry(payload)).toEqual({ kind: 'unreadable', reason })
  })

  const badSchema: readonly string[] = [
    '{}',
    '{"kind":null}',
    '{"kind":7}',
    '{"kind":["message"]}',
    messageWith({ id: undefined }),
    messageWith({ id: 'x' }),
    messageWith({ id: id.toUpperCase() }),
    messageWith({ role: 'system' }),
    messageWith({ role: undefined }),
    messageWith({ content: undefined }),
    messageWith({ content: 7 }),
    messageWith({ content: '' }),
    messageWith({ content: ' \n\t\u00a0' }),
    messageWith({ content: '', parts: [] }),
    messageWith({ at: undefined }),
    messageWith({ at: -1 }),
    messageWith({ at: 0.5 }),
    messageWith({ at: 2 ** 53 }),
    messageWith({ at: '0' }),
    messageWith({ replyTo: 'x' }),
    messageWith({ thread: 7 }),
    messageWith({ parent: null }),
    messageWith({ mentions: 'bob' }),
    messageWith({ mentions: ['a/b'] }),
    messageWith({ mentions: [7] }),
    messageWith({ mentions: Array.from({ length: limits.mentionsPerMessage + 1 }, () => 'bob') }),
    messageWith({ parts: {} }),
    messageWith({ parts: ['x'] }),
    messageWith({ parts: [null] }),
    messageWith({ parts: [[]] }),
    messageWith({ status: 7 }),
    `{"kind":"edit","of":"${id}","content":"x"}`,
    `{"kind":"edit","of":"${id}","content":" ","at":0}`,
    '{"kind":"edit","of":"x","content":"x","at":0}',
    '{"kind":"redact"}',
    '{"kind":"redact","of":null}',
    '{"kind":"stop","of":7}',
    `{"kind":"react","of":"${id}","emoji":"👍"}`,
    `{"kind":"react","of":"${id}","emoji":"","on":true}`,
    `{"kind":"react","of":"${id}","emoji":"${'👍'.repeat(9)}","on":true}`,
    `{"kind":"react","of":"${id}","emoji":7,"on":true}`,
    '{"kind":"react","of":"x","emoji":"👍","on":true}',
    '{"kind":"read"}',
    `{"kind":"read","thread":"${id}"}`,
    '{"kind":"read","through":-1}',
    '{"kind":"read","through":null}',
    '{"kind":"read","through":1,"received":0.5}',
    '{"kind":"read","through":1,"thread":"x"}',
    '{"kind":"set","key":"","value":1}',
    '{"kind":"set","key":7,"value":1}',
    '{"kind":"set","key":"metadata"}',
    `{"kind":"set","key":"${'k'.repeat(limits.settingKeyLength + 1)}","value":1}`,
    '{"kind":"set","key":"title","value":7}',
    `{"kind":"set","key":"title","value":"${'t'.repeat(limits.titleLength + 1)}"}`,
    '{"kind":"member","user":"bob"}',
    '{"kind":"member","user":"bob","access":"king"}',
    '{"kind":"member","user":"a b","access":"writer"}',
    '{"kind":"member","access":"writer"}',
    '{"kind":"member","user":"bob","access":"writer","invitation":"x"}',
    '{"kind":"member","user":"bob","access":"writer","invitation":null}',
    `{"kind":"pin","of":"${id}","on":1}`,
    '{"kind":"pin","of":"x","on":true}',
    `{"kind":"delta","of":"${id}"}`,
    '{"kind":"delta","of":"x","text":"y"}',
  ]

  test.each(badSchema)('[ENTRY2] bad-schema: %s', (json) => {
    expect(parsed(json)).toBe('bad-schema')
  })

  test('[ENTRY2] each limit holds at its last byte', () => {
    const fill = (length: number): Uint8Array => jsonPayload(`{"kind":"poll","v":"${'x'.repeat(length)}"}`)
    const shell = fill(0).length
    expect(parseEntry(fill(limits.entryBytes - shell))).toMatchObject({ kind: 'entry' })
    expect(parseEntry(fill(limits.entryBytes - shell + 1))).toEqual({ kind: 'unreadable', reason: 'too-large' })
    const nest = (levels: number): string => `{"kind":"poll","v":${'['.repeat(levels)}${']'.repeat(levels)}}`
    expect(parsed(nest(limits.jsonDepth - 1))).toMatchObject({ name: 'poll' })
    expect(parsed(nest(limits.jsonDepth))).toBe('bad-json')
    const objects = (levels: number): string => `{"kind":"poll","v":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}`
    expect(parsed(objects(limits.jsonDepth - 1))).toMatchObject({ name: 'poll' })
    expect(parsed(objects(limits.jsonDepth))).toBe('bad-json')
    expect(parsed(`{"kind":"react","of":"${id}","emoji":"${'👍'.repeat(8)}","on":true}`)).toMatchObject({
      kind: 'react',
    })
    expect(
      parsed(messageWith({ mentions: Array.from({ length: limits.mentionsPerMessage }, () => 'bob') })),
    ).toMatchObject({ kind: 'message' })
    expect(parsed(`{"kind":"set","key":"title","value":"${'t'.repeat(limits.titleLength)}"}`)).toMatchObject({
      kind: 'set',
    })
  })

  test('[ENTRY2] a title is a text of a line or null, and a message says something', () => {
    expect([null, '', 'Tea', 't'.repeat(200)].map(isTitle)).toEqual([true, true, true, true])
    expect([undefined, 7, {}, 't'.repeat(201)].map(isTitle)).toEqual([false, false, false, false])
    expect([saysSomething('x', undefined), saysSomething(' ', [{}])]).toEqual([true, true])
    expect([saysSomething(' \n', undefined), saysSomething('', [])]).toEqual([false, false])
  })
})
