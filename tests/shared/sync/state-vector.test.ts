import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'

import { encodeStateVector, parseStateVector } from '../../../shared/sync/state-vector.ts'
import { append, createDoc, hex } from '../../helpers/chain-doc.ts'
import { announceSeed } from '../../helpers/seeded-random.ts'
import { concat, paddedVarUint, stateVector, varUint } from '../../helpers/update-forge.ts'

const clocks = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.maxSafeNat()), {
  selector: ([client]) => client,
  maxLength: 60,
})

test('[CODEC4] a state vector comes back as it went out, with the bytes of Yjs', () => {
  fc.assert(
    fc.property(clocks, (entries) => {
      const vector = new Map(entries)
      const bytes = encodeStateVector(vector)
      expect(parseStateVector(bytes)).toEqual({ kind: 'state-vector', clocks: vector })
      expect(hex(bytes)).toBe(hex(Y.encodeStateVector(vector)))
      expect(Y.decodeStateVector(bytes)).toEqual(vector)
    }),
    { seed: announceSeed('CODEC4 state vectors'), numRuns: 500 },
  )
})

test('[CODEC4] the state vector of a document', () => {
  const doc = createDoc(300)
  append(doc, 'ann', [Uint8Array.of(1), Uint8Array.of(2)])
  const bytes = Y.encodeStateVector(doc)
  expect(hex(bytes)).toBe('01ac0202')
  expect(parseStateVector(bytes)).toEqual({ kind: 'state-vector', clocks: new Map([[300, 2]]) })
  expect(encodeStateVector(new Map())).toEqual(Uint8Array.of(0))
})

test('[CODEC4] what is no state vector has a reason', () => {
  const good = stateVector([[300, 2]])
  const bad: readonly Uint8Array[] = [
    new Uint8Array(),
    good.subarray(0, 1),
    good.subarray(0, 3),
    concat(good, [0]),
    stateVector([[300, 2]], 2),
    stateVector([[300, 2n ** 53n]]),
    stateVector([[2n ** 64n, 2]]),
    concat([1, 5], paddedVarUint(0, 200)),
    varUint(2 ** 40),
  ]
  for (const bytes of bad)
    expect(parseStateVector(bytes)).toEqual({ kind: 'malformed', why: expect.any(String) as string })
})
