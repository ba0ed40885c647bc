// What acceptance makes of the sections of an update, one table of cases: real Yjs where Yjs can write it, forged bytes
// where it cannot.
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { type Binding, bindSections, type BoundChain, type ChainTable } from '../../../server/sync/acceptance.ts'
import { limits } from '../../../shared/limits.ts'
import { parseUpdate } from '../../../shared/sync/chain-update/parse-update.ts'
import { crc32 } from '../../../shared/sync/crc32.ts'
import { append, createDoc, userId } from '../../helpers/chain-doc.ts'
import { chainItems, content, gc, item, section, skipStruct, update } from '../../helpers/update-forge.ts'

const server = 900
const held = 800
/** Chains that are known: ann's with three entries, bob's with five, ann's held one with two. */
const known: ReadonlyMap<number, BoundChain> = new Map([
  [1, { user: userId('ann'), held: false, next: 3 }],
  [2, { user: userId('bob'), held: false, next: 5 }],
  [held, { user: userId('ann'), held: true, next: 2 }],
])
const table: ChainTable = { chain: (client) => known.get(client), isServer: (client) => client === server }

function payload(clock: number): Uint8Array {
  return Uint8Array.of(1, clock)
}

function bind(bytes: Uint8Array, sender = 'ann'): Binding {
  const parsed = parseUpdate(bytes)
  if (parsed.kind === 'malformed') throw new Error(parsed.why)
  return bindSections(parsed.sections, userId(sender), table)
}

/** A binding as short as it can be said. */
function say(binding: Binding): unknown {
  if (binding.kind === 'fault') return binding.code
  const { parts, gap } = binding
  const fresh = parts.flatMap((part) => [...part.fresh])
  const overlaps = parts.flatMap((part) => [...part.overlaps])
  return {
    fresh: fresh.map(({ client, clock, payload: bytes }) => `${client}/${clock}${bytes === undefined ? ' gone' : ''}`),
    overlaps: overlaps.map(({ client, clock }) => `${client}/${clock}`),
    gap,
  }
}

/** The chain of `client`, named after `user`, from `from` up to `to`, as `push` writes it. */
function chain(client: number, user: string, from: number, to: number): Uint8Array {
  const clocks = Array.from({ length: to - from }, (_, index) => from + index)
  const contents = clocks.map((clock) => content.binary(payload(clock)))
  return section(client, from, chainItems(`chain/${client}/${user}`, client, from, contents))
}

const nothing = { fresh: [], overlaps: [], gap: false }

describe('own chains', () => {
  test.each<readonly [string, Uint8Array, unknown]>([
    ['what is behind the stored end', chain(1, 'ann', 3, 5), { ...nothing, fresh: ['1/3', '1/4'] }],
    ['what is stored already', chain(1, 'ann', 1, 3), { ...nothing, overlaps: ['1/1', '1/2'] }],
    [
      'a whole chain with something new',
      chain(1, 'ann', 0, 4),
      { ...nothing, fresh: ['1/3'], overlaps: ['1/0', '1/1', '1/2'] },
    ],
    ['a new chain', chain(7, 'ann', 0, 2), { ...nothing, fresh: ['7/0', '7/1'] }],
    ['a gap behind the stored end', chain(1, 'ann', 4, 6), { ...nothing, gap: true }],
    ['the middle of a chain that nobody knows', chain(7, 'ann', 1, 3), { ...nothing, gap: true }],
    ['no structs', section(1, 3, []), nothing],
    ['no structs beyond the end', section(1, 9, []), { ...nothing, gap: true }],
    ['no structs of a new chain', section(7, 0, []), nothing],
  ])('[ACCEPT2][SYNC5] %s', (_name, one, expected) => {
    expect(say(bind(update([one])))).toEqual(expected)
  })

  test('[ACCEPT2] payloads and their checksums are those that were sent', () => {
    const binding = bind(update([chain(1, 'ann', 2, 4)]))
    const [part] = binding.kind === 'bound' ? binding.parts : []
    expect([...(part?.fresh ?? [])]).toEqual([{ client: 1, clock: 3, payload: payload(3) }])
    expect([...(part?.overlaps ?? [])]).toEqual([{ client: 1, clock: 2, crc: crc32(payload(2)) }])
  })

  test('[ACCEPT2] a chain that was begun and has no entries yet is not new', () => {
    const begun: ChainTable = { ...table, chain: () => ({ user: userId('ann'), held: false, next: 0 }) }
    const parsed = parseUpdate(update([chain(7, 'ann', 0, 1)]))
    if (parsed.kind === 'malformed') throw new Error(parsed.why)
    const binding = bindSections(parsed.sections, userId('ann'), begun)
    expect(say(binding)).toEqual({ ...nothing, fresh: ['7/0'] })
    expect(binding.kind === 'bound' && binding.parts.map(({ isNew }) => isNew)).toEqual([false])
  })

  test('[ACCEPT2] what a real document of several devices of one user holds, each chain by ascending clock', () => {
    const laptop = createDoc(70)
    append(laptop, 'ann', [payload(0), payload(1)])
    const phone = createDoc(71)
    append(phone, 'ann', [payload(0)])
    Y.applyUpdate(laptop, Y.encodeStateAsUpdate(phone))
    append(laptop, 'ann', [payload(2)])
    const binding = bind(Y.encodeStateAsUpdate(laptop))
    expect(say(binding)).toEqual({ ...nothing, fresh: ['71/0', '70/0', '70/1', '70/2'] })
    expect(binding.kind === 'bound' && binding.parts.map(({ isNew }) => isNew)).toEqual([true, true])
  })

  const after = (clock: number, one: Parameters<typeof item>[0]['content']): Uint8Array =>
    item({ origin: { client: 1, clock: clock - 1 }, content: one })

  test.each<readonly [string, Uint8Array, unknown]>([
    ['deleted clocks', section(1, 3, [after(3, content.deleted(2))]), { ...nothing, fresh: ['1/3 gone', '1/4 gone'] }],
    ['deleted clocks that are stored', section(1, 1, [after(1, content.deleted(2))]), nothing],
    [
      'deleted clocks across the stored end',
      section(1, 1, [after(1, content.deleted(3)), after(4, content.binary(payload(4)))]),
      { ...nothing, fresh: ['1/3 gone', '1/4'] },
    ],
    [
      'what stands before a Skip',
      section(1, 3, [after(3, content.binary(payload(3))), skipStruct(2), after(6, content.binary(payload(6)))]),
      { ...nothing, fresh: ['1/3'] },
    ],
    [
      'as many deleted clocks as may be claimed',
      section(1, 3, [after(3, content.deleted(limits.deletedClocksPerUpdate))]),
      {
        ...nothing,
        fresh: Array.from({ length: limits.deletedClocksPerUpdate }, (_, index) => `1/${index + 3} gone`),
      },
    ],
    [
      'one more deleted clock',
      section(1, 3, [after(3, content.deleted(limits.deletedClocksPerUpdate + 1))]),
      'malformed',
    ],
    [
      'one more deleted clock, in two runs',
      section(1, 3, [after(3, content.deleted(limits.deletedClocksPerUpdate)), after(1027, content.deleted(1))]),
      'malformed',
    ],
    [
      'a run of deleted clocks that is stored, however long',
      section(1, 0, [item({ parent: 'chain/1/ann', content: content.deleted(3) })]),
      nothing,
    ],
  ])('[SYNC5] %s', (_name, one, expected) => {
    expect(say(bind(update([one])))).toEqual(expected)
  })

  test('[CODEC3] deleted clocks are counted over all chains of an update', () => {
    const half = limits.deletedClocksPerUpdate / 2
    const gone = (client: number, length: number): Uint8Array =>
      section(client, 0, [item({ parent: `chain/${client}/ann`, content: content.deleted(length) })])
    expect(bind(update([gone(7, half), gone(8, half)])).kind).toBe('bound')
    expect(say(bind(update([gone(7, half), gone(8, half + 1)])))).toBe('malformed')
  })

  test.each<readonly [string, Uint8Array]>([
    ['gc', section(1, 3, [gc(1)])],
    ['text', section(1, 3, [after(3, content.string('x'))])],
    ['an origin that is not the clock before', section(1, 3, [after(2, content.binary([1]))])],
    ['another root at clock 0', section(1, 0, [item({ parent: 'x', content: content.binary([1]) })])],
    ["another user's root at clock 0", section(1, 0, [item({ parent: 'chain/1/bob', content: content.binary([1]) })])],
    ['a root of another clientID', section(1, 0, [item({ parent: 'chain/2/ann', content: content.binary([1]) })])],
    [
      'a map behind the stored end',
      section(1, 3, [item({ parent: 'x', parentSub: 'k', content: content.any([126]) })]),
    ],
    [
      'a flaw in a new chain that names the sender',
      section(7, 0, [item({ parent: 'chain/7/ann', content: content.string('x') })]),
    ],
  ])('[ACCEPT1] %s: malformed', (_name, one) => {
    expect(say(bind(update([one])))).toBe('malformed')
  })
})

describe("what is not the sender's", () => {
  test.each<readonly [string, Uint8Array, unknown]>([
    ["another's chain from its beginning", chain(2, 'bob', 0, 7), nothing],
    ["what is behind the stored end of another's chain", chain(2, 'bob', 5, 7), nothing],
    ["a gap behind another's chain", chain(2, 'bob', 9, 10), nothing],
    ["another's chain that nobody knows", chain(7, 'bob', 0, 2), nothing],
    ['the middle of one, whose it is does not show yet', chain(7, 'bob', 1, 2), { ...nothing, gap: true }],
    ['a held chain from its beginning', chain(held, 'ann', 0, 4), nothing],
    ['what is behind a held chain', chain(held, 'ann', 2, 4), nothing],
    ['a held chain with a flaw', section(held, 2, [gc(1)]), nothing],
    ['a clientID beyond 32 bits', chain(2 ** 32, 'ann', 0, 2), nothing],
    [
      'the server chain',
      section(server, 0, [item({ parent: `server/${server}`, content: content.binary([3]) })]),
      nothing,
    ],
    ['what is behind the server chain', chain(server, 'x', 5, 6), nothing],
    ['an unknown root', section(7, 0, [item({ parent: 'notes', content: content.string('x') })]), nothing],
    [
      'a map of another application',
      section(7, 0, [item({ parent: 'settings', parentSub: 'theme', content: content.any([126]) })]),
      nothing,
    ],
    [
      'what is behind an unknown root',
      section(7, 3, [item({ origin: { client: 7, clock: 2 }, content: content.string('x') })]),
      nothing,
    ],
    ["another's chain with a flaw", section(2, 5, [gc(3)]), nothing],
  ])('[SYNC6][ACCEPT1] %s is left out', (_name, one, expected) => {
    expect(say(bind(update([one])))).toEqual(expected)
    // And does not disturb what stands beside it.
    expect(say(bind(update([one, chain(1, 'ann', 3, 4)])))).toEqual({
      ...nothing,
      ...(expected as object),
      fresh: ['1/3'],
    })
  })

  test.each<readonly [string, Uint8Array]>([
    ["another's chain", chain(2, 'ann', 0, 1)],
    ['the server chain', chain(server, 'ann', 0, 1)],
  ])("[ACCEPT1] the sender's name on the clientID of %s: client-taken", (_name, one) => {
    expect(say(bind(update([one])))).toBe('client-taken')
    expect(say(bind(update([chain(1, 'ann', 3, 4), one])))).toBe('client-taken')
  })

  test('[SYNC6] delete sets have no effect', () => {
    const parsed = parseUpdate(Uint8Array.of(0, 1, 2, 1, 0, 5))
    expect(parsed).toEqual({ kind: 'update', sections: [], deletes: true, deletesAt: 1 })
    expect(say(bindSections([], userId('ann'), table))).toEqual(nothing)
  })

  test('[ACCEPT1] a user whose name is the beginning of another is another user', () => {
    expect(say(bind(update([chain(7, 'anna', 0, 1)])))).toEqual(nothing)
    expect(say(bind(update([chain(1, 'ann', 3, 4)]), 'an'))).toEqual(nothing)
  })
})
