// Bounds on what is read at all: refused for what it claims, before it costs anything.
import { describe, expect, test } from 'vitest'

import { limits } from '../../../shared/limits.ts'
import { parseUpdate } from '../../../shared/sync/chain-update/parse-update.ts'
import { encodeRecord, parseRecord } from '../../../shared/sync/record.ts'
import { parseStateVector } from '../../../shared/sync/state-vector.ts'
import { clientId } from '../../helpers/chain-doc.ts'
import {
  any,
  type Bytes,
  chainItems,
  concat,
  content,
  item,
  joined,
  section,
  stateVector,
  update,
} from '../../helpers/update-forge.ts'

describe('state vectors', () => {
  const entries = (count: number): readonly (readonly [number, number])[] =>
    Array.from({ length: count }, (_, client) => [client, 1])

  test(`[CODEC3] ${limits.stateVectorEntries} entries are read, one more is malformed`, () => {
    const full = parseStateVector(stateVector(entries(limits.stateVectorEntries)))
    expect(full.kind === 'state-vector' && full.clocks.size).toBe(limits.stateVectorEntries)
    expect(parseStateVector(stateVector(entries(limits.stateVectorEntries + 1)))).toEqual({
      kind: 'malformed',
      why: 'state vector: too long',
    })
  })

  test('[CODEC3] too many are refused before they are read: what follows the count does not matter', () => {
    expect(parseStateVector(stateVector([], limits.stateVectorEntries + 1))).toEqual({
      kind: 'malformed',
      why: 'state vector: too long',
    })
  })
})

describe('sections', () => {
  const one = (client: number): Uint8Array => section(client, 0, chainItems('x', client, 0, [content.deleted(1)]))

  test(`[CODEC3] ${limits.sectionsPerUpdate} are read, one more is malformed`, () => {
    const sections = Array.from({ length: limits.sectionsPerUpdate + 1 }, (_, client) => one(client))
    const full = parseUpdate(update(sections.slice(1)))
    expect(full.kind === 'update' && full.sections.length).toBe(limits.sectionsPerUpdate)
    expect(parseUpdate(update(sections))).toEqual({ kind: 'malformed', why: 'too many sections' })
  })

  test('[CODEC3] too many are refused before they are read', () => {
    const claim = update([one(1)], undefined, limits.sectionsPerUpdate + 1)
    expect(parseUpdate(claim)).toEqual({ kind: 'malformed', why: 'too many sections' })
  })
})

describe('values in sections that are none of ours', () => {
  const wrapped = {
    array: (inner: Bytes): Bytes => any.array([inner]),
    object: (inner: Bytes): Bytes => any.object([['k', inner]]),
  }

  /** `depth` values, each in the one before; built from the inside so that nothing is copied a thousand times. */
  function nested(kind: keyof typeof wrapped, depth: number): Uint8Array {
    const whole = wrapped[kind](any.null)
    const open = whole.slice(0, whole.length - any.null.length)
    return joined([...Array.from({ length: depth }, () => open), any.null])
  }

  function inUpdate(value: Bytes): Uint8Array {
    return update([section(7, 0, [item({ parent: 'foreign', content: content.any(value) })])])
  }

  /** The list of values is a level too. */
  const deepest = limits.foreignValueDepth - 1

  test.each(['array', 'object'] as const)(
    `[CODEC3] an %s nested ${limits.foreignValueDepth} deep is read over, one deeper is malformed`,
    (kind) => {
      expect(parseUpdate(inUpdate(nested(kind, deepest))).kind).toBe('update')
      for (const depth of [deepest + 1, 100 * deepest]) {
        expect(parseUpdate(inUpdate(nested(kind, depth)))).toEqual({ kind: 'malformed', why: 'nested too deeply' })
      }
    },
  )

  test('[CODEC3] the options of a subdocument nest no deeper', () => {
    const withOptions = (options: Bytes): Uint8Array =>
      update([section(7, 0, [item({ parent: 'foreign', content: content.doc('guid', options) })])])
    expect(parseUpdate(withOptions(nested('object', deepest))).kind).toBe('update')
    expect(parseUpdate(withOptions(nested('object', deepest + 1))).kind).toBe('malformed')
  })

  test('[CODEC3] many values beside each other are no nesting', () => {
    const wide = any.array(Array.from({ length: 100 }, () => any.array([any.null])))
    const values = Array.from({ length: 10_000 }, () => any.object([['k', any.string('v')]]))
    const struct = item({ parent: 'foreign', content: content.any(wide, ...values) })
    expect(parseUpdate(update([section(7, 0, [struct])])).kind).toBe('update')
  })
})

describe('stamps', () => {
  test('[CODEC3][CODEC4] a run without entries is no record, wherever it stands', () => {
    const header = [3, 0, 1]
    const run = concat([7, 0, 1], [1, 2, 3, 4])
    const empty = [8, 5, 0]
    expect(parseRecord(concat(header, run))).toMatchObject({
      kind: 'stamp',
      runs: [{ client: 7, crcs: [0x0403_0201] }],
    })
    for (const runs of [
      empty,
      concat(empty, run),
      concat(run, empty),
      joined(Array.from({ length: 50 }, () => empty)),
    ]) {
      expect(parseRecord(concat(header, runs))).toBeUndefined()
    }
    // Also as our own encoder would write it.
    const runs = [{ client: clientId(7), clock: 0, crcs: [] }]
    expect(parseRecord(encodeRecord({ kind: 'stamp', seq: 0, timeMs: 1, runs }))).toBeUndefined()
  })
})
