// Updates cut into pieces: whoever applies all of them has what the whole one says.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { type DeleteSet, emptyUpdate, encodeUpdate } from '../../../shared/sync/chain-update/encode-update.ts'
import { parseUpdate } from '../../../shared/sync/chain-update/parse-update.ts'
import { splitUpdate } from '../../../shared/sync/chain-update/split-update.ts'
import { splitMessage } from '../../../shared/sync/split-message.ts'
import { encodeStep1, encodeStep2, encodeUpdateMessage, parseWireMessage } from '../../../shared/sync/wire.ts'
import { append, clientId, createDoc, docOf, hex, isSettled, rootContents } from '../../helpers/chain-doc.ts'
import { announceSeed } from '../../helpers/seeded-random.ts'

/** Chains with payloads of these lengths; of each, every `nth` entry and the one behind it are deleted again. */
interface Chains {
  readonly lengths: readonly (readonly number[])[]
  readonly nth: number
}

const chains: fc.Arbitrary<Chains> = fc.record({
  lengths: fc.array(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 30 }), { minLength: 1, maxLength: 6 }),
  nth: fc.integer({ min: 2, max: 9 }),
})

function build({ lengths, nth }: Chains): Y.Doc {
  const whole = new Y.Doc()
  for (const [index, sizes] of lengths.entries()) {
    const doc = createDoc(index * 0x1234_567 + 1)
    const payloads = sizes.map((size, clock) => new Uint8Array(size).fill(clock))
    append(doc, 'ann', payloads)
    const chain = doc.getArray(`chain/${doc.clientID}/ann`)
    for (let at = sizes.length - 1; at >= 0; at--) if (at % nth < 2) chain.delete(at, 1)
    Y.applyUpdate(whole, Y.encodeStateAsUpdate(doc))
  }
  return whole
}

describe('updates', () => {
  test('[MUX1] the pieces say together what the whole update says, and none is longer than it may be', () => {
    fc.assert(
      fc.property(chains, fc.integer({ min: 160, max: 2000 }), fc.boolean(), (given, maxBytes, known) => {
        const doc = build(given)
        const before = known
          ? Y.encodeStateVector(build({ ...given, lengths: given.lengths.map((l) => l.slice(0, 5)) }))
          : undefined
        const whole = Y.encodeStateAsUpdate(doc, before)
        const pieces = splitUpdate(whole, maxBytes)
        for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(maxBytes)
        const copy = new Y.Doc()
        const start = known ? build({ ...given, lengths: given.lengths.map((l) => l.slice(0, 5)) }) : new Y.Doc()
        Y.applyUpdate(copy, Y.encodeStateAsUpdate(start))
        for (const piece of pieces) {
          Y.applyUpdate(copy, piece)
          // Nothing ever waits for a later piece.
          expect(isSettled(copy)).toBe(true)
        }
        const expected = docOf(Y.encodeStateAsUpdate(start), whole)
        expect([...rootContents(copy)]).toEqual([...rootContents(expected)])
        expect(hex(Y.encodeStateVector(copy))).toBe(hex(Y.encodeStateVector(expected)))
      }),
      { seed: announceSeed('MUX1 split'), numRuns: 300 },
    )
  })

  test('[MUX1] what is short enough is passed on as it is', () => {
    const whole = Y.encodeStateAsUpdate(build({ lengths: [[3, 4]], nth: 2 }))
    expect(splitUpdate(whole, whole.length)).toEqual([whole])
    expect(splitUpdate(whole, whole.length)[0]).toBe(whole)
  })

  test('[MUX1] the delete set stands behind all structs, in pieces too when it is long', () => {
    const [client, root] = [clientId(7), 'chain/7/ann']
    const bytes = new Uint8Array(50)
    const structs = Array.from({ length: 40 }, () => ({ kind: 'payload', bytes }) as const)
    const ranges = Array.from({ length: 20 }, (_, index) => ({ clock: 2 * index, length: 1 }))
    const deletes: DeleteSet = new Map([[client, ranges]])
    const pieces = splitUpdate(encodeUpdate([{ client, root, clock: 0, structs }], deletes), 300)
    const flags = pieces.map((piece) => {
      const parsed = parseUpdate(piece)
      if (parsed.kind === 'malformed') throw new Error(parsed.why)
      return { structs: parsed.sections.length > 0, deletes: parsed.deletes }
    })
    const firstDelete = flags.findIndex((flag) => flag.deletes)
    expect(firstDelete).toBeGreaterThan(5)
    expect(flags.slice(firstDelete + 1)).toEqual(
      flags.slice(firstDelete + 1).map(() => ({ structs: false, deletes: true })),
    )
    expect(flags.length - firstDelete).toBeGreaterThan(1)
    expect(
      docOf(...pieces)
        .getArray(root)
        .toArray(),
    ).toHaveLength(20)
  })

  test('[MUX1] sections that have not the shape of a chain are left out', () => {
    const doc = createDoc(5)
    append(doc, 'ann', [new Uint8Array(200), new Uint8Array(200)])
    const other = createDoc(9)
    other.getText('note').insert(0, 'x'.repeat(500))
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(other))
    const copy = docOf(...splitUpdate(Y.encodeStateAsUpdate(doc), 300))
    expect([...copy.store.clients.keys()]).toEqual([5])
    expect(copy.getArray('chain/5/ann').length).toBe(2)
  })

  test('[MUX1] what stands behind a payload that no piece can hold is left out, and other chains are not', () => {
    const [one, two] = [createDoc(5), createDoc(6)]
    append(one, 'ann', [new Uint8Array(10), new Uint8Array(1000), new Uint8Array(10)])
    append(two, 'bob', [new Uint8Array(100), new Uint8Array(100)])
    const whole = docOf(Y.encodeStateAsUpdate(one), Y.encodeStateAsUpdate(two))
    const copy = docOf(...splitUpdate(Y.encodeStateAsUpdate(whole), 300))
    expect([Y.getState(copy.store, 5), Y.getState(copy.store, 6)]).toEqual([1, 2])
  })

  test('[MUX1] bytes that are no update come to nothing, whatever they are', () => {
    expect(splitUpdate(new Uint8Array(100).fill(0xff), 10)).toEqual([])
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 11, maxLength: 200 }), (bytes) => {
        for (const piece of splitUpdate(bytes, 10)) expect(piece.length).toBeLessThanOrEqual(10)
      }),
      { seed: announceSeed('MUX1 any bytes'), numRuns: 1000 },
    )
  })
})

describe('messages', () => {
  const long = Y.encodeStateAsUpdate(build({ lengths: [Array.from({ length: 100 }, () => 40)], nth: 200 }))

  test.each([
    ['step2', encodeStep2(long)],
    ['update', encodeUpdateMessage(long)],
  ] as const)('[MUX1] a long %s becomes updates, and the last keeps its kind', (kind, message) => {
    const messages = splitMessage(message, 600)
    const parsed = messages.map(parseWireMessage)
    expect(messages.length).toBeGreaterThan(5)
    for (const each of messages) expect(each.length).toBeLessThanOrEqual(600)
    expect(parsed.map((each) => each.kind)).toEqual([...messages.slice(1).map(() => 'update'), kind])
    const updates = parsed.flatMap((each) => ('update' in each ? [each.update] : []))
    expect(docOf(...updates).store.clients.get(1)?.length).toBe(docOf(long).store.clients.get(1)?.length)
  })

  test('[MUX1] short ones are passed on as they are, and what cannot be cut is not sent', () => {
    const short = encodeStep2(emptyUpdate)
    expect(splitMessage(short, 600)[0]).toBe(short)
    expect(splitMessage(encodeStep1(new Uint8Array(700)), 600)).toEqual([])
    expect(splitMessage(new Uint8Array(700).fill(9), 600)).toEqual([])
  })
})
