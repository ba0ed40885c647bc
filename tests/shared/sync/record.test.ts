import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { encodeRecord, parseRecord, type ServerRecord, type Stamp } from '../../../shared/sync/record.ts'
import { jsonPayload } from '../../helpers/adversarial-cast.ts'
import { clientId, hex, userId } from '../../helpers/chain-doc.ts'
import { announceSeed } from '../../helpers/seeded-random.ts'
import { readSpecExamples, specJson } from '../../helpers/spec-examples.ts'
import { concat, paddedVarUint, utf8, varUint } from '../../helpers/update-forge.ts'

const id = '01890a5d-ac96-774b-bcce-b302099a8057'
const owner = userId('ann')
const client = clientId(7)

const spec = readSpecExamples()

/** What the examples of SPEC.md say. */
const examples: readonly Exclude<ServerRecord, Stamp>[] = [
  { kind: 'genesis', epoch: 0, owner, createdAt: 1_700_000_000_000 },
  { kind: 'void', client, clock: 3, reason: 'no-target' },
  { kind: 'erased', client, clock: 3, of: id, by: owner, left: { role: 'user', at: 1_700_000_000_000 } },
  {
    kind: 'checkpoint',
    through: 1023,
    state: { settings: [['title', 'Tea']], members: [['ann', 'owner']], reads: [['ann', 41, 42]], pins: [] },
  },
]

/** Those, and what they leave out. */
const literals: readonly (readonly [ServerRecord, string])[] = [
  ...examples.map((record) => [record, specJson(spec, record.kind)] as const),
  [
    { kind: 'erased', client, clock: 4, of: id, by: owner },
    `{"kind":"erased","client":7,"clock":4,"of":"${id}","by":"ann"}`,
  ],
]

const literalStamp: Stamp = {
  kind: 'stamp',
  seq: 300,
  timeMs: 1_700_000_000_000,
  runs: [
    { client, clock: 3, crcs: [0xcbf4_3926, 0] },
    { client: clientId(300), clock: 0, crcs: [1] },
  ],
}

const clients = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(clientId)
const crcs = fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 1, maxLength: 8 })
const stamps = fc.record({
  kind: fc.constant('stamp' as const),
  seq: fc.maxSafeNat(),
  timeMs: fc.maxSafeNat(),
  runs: fc.array(fc.record({ client: clients, clock: fc.maxSafeNat(), crcs }), { maxLength: 6 }),
})
const users = fc.constantFrom('ann', 'auth0|5f7c', '__proto__').map(userId)
const others = fc.oneof(
  fc.record({ kind: fc.constant('genesis' as const), epoch: fc.nat(), owner: users, createdAt: fc.maxSafeNat() }),
  fc.record({ kind: fc.constant('void' as const), client: clients, clock: fc.maxSafeNat(), reason: fc.string() }),
  fc.record({
    kind: fc.constant('erased' as const),
    client: clients,
    clock: fc.maxSafeNat(),
    of: fc.string(),
    by: users,
  }),
  fc.record({
    kind: fc.constant('superseded' as const),
    runs: fc.array(fc.record({ client: clients, clock: fc.maxSafeNat(), length: fc.integer({ min: 1, max: 100 }) }), {
      maxLength: 6,
    }),
  }),
  fc.record({
    kind: fc.constant('checkpoint' as const),
    through: fc.maxSafeNat(),
    state: fc.dictionary(fc.string(), fc.string()),
  }),
)

describe('records', () => {
  test('[CODEC4] every record comes back as it went out', () => {
    fc.assert(
      fc.property(fc.oneof(stamps, others), (record) => {
        expect(JSON.stringify(parseRecord(encodeRecord(record)))).toBe(JSON.stringify(record))
      }),
      { seed: announceSeed('CODEC4 records'), numRuns: 1_000 },
    )
  })

  test.each(literals)('[CODEC4] the literal $kind', (record, json) => {
    expect(hex(encodeRecord(record))).toBe(`01${hex(utf8(json))}`)
    expect(parseRecord(jsonPayload(json))).toEqual(record)
  })

  test('[CODEC4] the literal stamp of SPEC.md', () => {
    expect(hex(encodeRecord(literalStamp))).toBe(spec.stamp)
    expect(parseRecord(encodeRecord(literalStamp))).toEqual(literalStamp)
  })

  test('[CODEC4] the literal superseded places of SPEC.md, and what is none', () => {
    const bytes = Uint8Array.of(4, 7, 3, 2)
    const record = { kind: 'superseded', runs: [{ client, clock: 3, length: 2 }] } as const
    expect(encodeRecord(record)).toEqual(bytes)
    expect(parseRecord(bytes)).toEqual(record)
    // Without an end, without a length, and longer than anybody would want to walk.
    for (const bad of [bytes.subarray(0, 3), Uint8Array.of(4, 7, 3, 0), concat([4, 7, 3], varUint(1025))])
      expect(parseRecord(bad)).toBeUndefined()
  })

  test('[CODEC4] unknown fields of a record are ignored', () => {
    for (const [record, json] of literals) {
      expect(
        parseRecord(jsonPayload(json.replace('}', ',"later":{"x":1}}').replace(/^\{/, '{"first":[],'))),
      ).toMatchObject({ kind: record.kind })
    }
  })

  test('[CODEC4] what is no record, or one of a later version, is undefined', () => {
    const bad: readonly Uint8Array[] = [
      new Uint8Array(),
      Uint8Array.of(0),
      Uint8Array.of(1),
      Uint8Array.of(2, 123, 125),
      Uint8Array.of(255),
      jsonPayload('null'),
      jsonPayload('[]'),
      jsonPayload('7'),
      jsonPayload('{'),
      jsonPayload('{}'),
      jsonPayload('{"kind":"later"}'),
      jsonPayload('{"kind":"stamp","seq":0,"timeMs":0,"runs":[]}'),
      jsonPayload('{"kind":"genesis","epoch":-1,"owner":"ann","createdAt":0}'),
      jsonPayload('{"kind":"genesis","epoch":0,"owner":"a/b","createdAt":0}'),
      jsonPayload('{"kind":"genesis","epoch":0,"owner":"ann","createdAt":0.5}'),
      jsonPayload('{"kind":"void","client":-1,"clock":0,"reason":"x"}'),
      jsonPayload('{"kind":"void","client":1,"clock":1e300,"reason":"x"}'),
      jsonPayload('{"kind":"void","client":1,"clock":0}'),
      jsonPayload('{"kind":"erased","client":1,"clock":0,"of":"x","by":""}'),
      jsonPayload('{"kind":"erased","client":1,"clock":0,"of":1,"by":"ann"}'),
      jsonPayload('{"kind":"checkpoint","through":0,"state":null}'),
      jsonPayload('{"kind":"checkpoint","through":"0","state":{}}'),
      concat([1, 0x22], [0xff], [0x22]),
    ]
    for (const bytes of bad) expect(parseRecord(bytes)).toBeUndefined()
  })

  test('[CODEC4] a stamp that is cut short or lies is undefined', () => {
    const whole = encodeRecord(literalStamp)
    // Behind its seq and time, and behind each of its runs, a stamp may end.
    const ends = new Set([9, 20, 28])
    for (let length = 0; length <= whole.length; length++) {
      expect(parseRecord(whole.subarray(0, length)) !== undefined).toBe(ends.has(length))
    }
    expect(parseRecord(concat(whole, [0]))).toBeUndefined()
    const header = [3, 0, 1]
    expect(parseRecord(concat(header, varUint(2 ** 32), [0, 1], [0, 0, 0, 0]))).toBeUndefined()
    expect(parseRecord(concat(header, [7, 0], varUint(2 ** 40), [0, 0, 0, 0]))).toBeUndefined()
    expect(parseRecord(concat([3], paddedVarUint(0, 200), [1]))).toBeUndefined()
    expect(parseRecord(concat([3, 0], varUint(2n ** 53n)))).toBeUndefined()
    expect(parseRecord(concat(header, [7], varUint(2n ** 60n), [1], [0, 0, 0, 0]))).toBeUndefined()
  })
})
