// The chain-update codec against the real Yjs: what Y.Array.push emits is read exactly, what is written here is taken
// whole. The model beside the documents is a list of payloads for each chain.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { type ChainStruct, type ClockRange, structLength } from '../../../shared/sync/chain-update/chain-struct.ts'
import { type ChainPart, emptyUpdate, encodeUpdate } from '../../../shared/sync/chain-update/encode-update.ts'
import { parseUpdate, type Section } from '../../../shared/sync/chain-update/parse-update.ts'
import type { ClientId } from '../../../shared/sync/ids.ts'
import { chainRoot, serverRoot } from '../../../shared/sync/roots.ts'
import {
  clientId,
  createDoc,
  docOf,
  hex,
  isSettled,
  rootContents,
  stateVectorOf,
  userId,
} from '../../helpers/chain-doc.ts'
import { content, gc, item, section, update as forgedUpdate } from '../../helpers/update-forge.ts'
import { announceSeed, forSeeds, type Random } from '../../helpers/seeded-random.ts'

/** One chain of the model. A payload that was deleted is undefined. */
interface ModelChain {
  readonly client: ClientId
  readonly root: string
  readonly items: (Uint8Array | undefined)[]
}

interface Device {
  readonly doc: Y.Doc
  readonly root: string
}

/** Devices that write, a document that has everything, and what they should contain. */
interface World {
  readonly random: Random
  readonly chains: Map<number, ModelChain>
  readonly devices: readonly Device[]
  readonly whole: Y.Doc
  /** Every update that a transaction emitted, in order. */
  readonly emitted: Uint8Array[]
}

function createWorld(random: Random): World {
  const chains = new Map<number, ModelChain>()
  const emitted: Uint8Array[] = []
  const taken = new Set<number>()
  const devices = Array.from({ length: random.between(1, 5) }, (_, index): Device => {
    let client = clientId(0)
    do client = clientId(random.chance(0.3) ? random.below(300) : random.below(2 ** 32))
    while (taken.has(client))
    taken.add(client)
    const root =
      index === 0 ? serverRoot(client) : chainRoot(client, userId(random.pick(['ann', 'bob', 'a'.repeat(128)])))
    chains.set(client, { client, root, items: [] })
    const doc = createDoc(client)
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'remote') emitted.push(update)
    })
    return { doc, root }
  })
  return { random, chains, devices, whole: new Y.Doc(), emitted }
}

function chainOf(world: World, client: number): ModelChain {
  const chain = world.chains.get(client)
  if (chain === undefined) throw new Error('no such chain')
  return chain
}

/** One transaction with several pushes of several payloads. Returns what was pushed. */
function push(world: World, device: Device): Uint8Array[] {
  const { random } = world
  const array = device.doc.getArray<Uint8Array>(device.root)
  const pushed: Uint8Array[] = []
  device.doc.transact(() => {
    for (let pushes = random.between(1, 3); pushes > 0; pushes--) {
      const payloads = Array.from({ length: random.between(1, 3) }, () => random.bytes(random.pick([0, 1, 5, 40, 200])))
      array.push(payloads)
      pushed.push(...payloads)
    }
  })
  chainOf(world, device.doc.clientID).items.push(...pushed)
  return pushed
}

function catchUp(to: Y.Doc, from: Y.Doc): void {
  Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)), 'remote')
}

function gatherAll(world: World): void {
  for (const { doc } of world.devices) catchUp(world.whole, doc)
}

/** Deletes a run of a chain in the whole document, as the server does when it archives. */
function archive(world: World): void {
  const { random } = world
  const chain = random.pick([...world.chains.values()])
  const live = chain.items.flatMap((payload, clock) => (payload === undefined ? [] : [clock]))
  if (live.length === 0) return
  const start = random.chance(0.4) ? 0 : random.below(live.length)
  const length = random.between(1, live.length - start)
  world.whole.getArray(chain.root).delete(start, length)
  for (const clock of live.slice(start, start + length)) chain.items[clock] = undefined
}

/** A world after some random work; with `archived` parts of the whole document are deleted. */
function workedWorld(random: Random, options: { readonly archived: boolean }): World {
  const world = createWorld(random)
  for (let step = random.between(1, 12); step > 0; step--) {
    const device = random.pick(world.devices)
    push(world, device)
    if (random.chance(0.3)) catchUp(device.doc, random.pick(world.devices).doc)
    if (!options.archived || !random.chance(0.4)) continue
    gatherAll(world)
    archive(world)
  }
  gatherAll(world)
  return world
}

/** What stands at each clock of a section: hex of the payload, or `gone`. */
function expanded(structs: readonly ChainStruct[]): string[] {
  return structs.flatMap((struct) =>
    struct.kind === 'payload' ? [hex(struct.bytes)] : Array.from({ length: struct.length }, () => 'gone'),
  )
}

function shown(items: readonly (Uint8Array | undefined)[]): string[] {
  return items.map((payload) => (payload === undefined ? 'gone' : hex(payload)))
}

type WholeSection = Omit<Section, 'structs'> & { readonly structs: readonly ChainStruct[] }

/** The parser's answer with every struct read. */
function parseAll(
  update: Uint8Array,
):
  | { readonly kind: 'update'; readonly sections: readonly WholeSection[]; readonly deletes: boolean }
  | { readonly kind: 'malformed'; readonly why: string } {
  const parsed = parseUpdate(update)
  if (parsed.kind === 'malformed') return parsed
  const sections = parsed.sections.map((one) => ({ ...one, structs: [...one.structs] }))
  return { kind: 'update', sections, deletes: parsed.deletes }
}

function sectionsOf(update: Uint8Array): readonly WholeSection[] {
  const parsed = parseAll(update)
  if (parsed.kind === 'malformed') throw new Error(`malformed: ${parsed.why}`)
  expect(parsed.sections.filter(({ flaw }) => flaw !== undefined)).toEqual([])
  return parsed.sections
}

/** For some chains nothing, for others a random clock, the end, or beyond it. */
function someStateVector({ random, chains }: World): Map<number, number> {
  const known = new Map<number, number>()
  for (const { client, items } of chains.values()) {
    const clock = random.pick([0, random.below(items.length + 1), items.length, items.length + 3])
    if (clock > 0) known.set(client, clock)
  }
  return known
}

function yjsStateVector(known: ReadonlyMap<number, number>): Uint8Array {
  return Y.encodeStateVector(new Map(known))
}

/** The model's chains as parts, from what `known` has; merged as rows are. */
function partsBeyond({ chains }: World, known: ReadonlyMap<number, number> = new Map()): ChainPart[] {
  return [...chains.values()].map(({ client, root, items }) => {
    const clock = known.get(client) ?? 0
    return { client, root, clock, structs: structsOf(items.slice(clock)) }
  })
}

function structsOf(items: readonly (Uint8Array | undefined)[]): ChainStruct[] {
  const structs: ChainStruct[] = []
  for (const payload of items) {
    const last = structs.at(-1)
    if (payload !== undefined) structs.push({ kind: 'payload', bytes: payload })
    else if (last?.kind === 'deleted') structs.splice(-1, 1, { kind: 'deleted', length: last.length + 1 })
    else structs.push({ kind: 'deleted', length: 1 })
  }
  return structs
}

/** The deleted runs of every chain. */
function deletesOf({ chains }: World): Map<ClientId, ClockRange[]> {
  const deletes = new Map<ClientId, ClockRange[]>()
  for (const { client, items } of chains.values()) {
    let clock = 0
    for (const struct of structsOf(items)) {
      const length = structLength(struct)
      if (struct.kind === 'deleted') deletes.set(client, [...(deletes.get(client) ?? []), { clock, length }])
      clock += length
    }
  }
  return deletes
}

describe('what Y.Array.push emits', () => {
  test('[CODEC1] each transaction parses to exactly what it pushed', () => {
    forSeeds('CODEC1 transactions', 200, (random) => {
      const world = createWorld(random)
      for (let step = 0; step < 10; step++) {
        const device = random.pick(world.devices)
        const { client, root, items } = chainOf(world, device.doc.clientID)
        const clock = items.length
        world.emitted.length = 0
        const pushed = push(world, device)
        expect(world.emitted).toHaveLength(1)
        const structs = pushed.map((bytes): ChainStruct => ({ kind: 'payload', bytes }))
        expect(sectionsOf(world.emitted[0] ?? emptyUpdate)).toEqual([
          { client, clock, root: clock === 0 ? root : undefined, flaw: undefined, structs, cut: false },
        ])
      }
    })
  })

  test('[CODEC1] a document parses from any state vector, whatever was deleted in it', () => {
    forSeeds('CODEC1 state vectors', 300, (random) => {
      const world = workedWorld(random, { archived: random.chance(0.7) })
      const known = random.chance(0.3) ? new Map<number, number>() : someStateVector(world)
      const update = Y.encodeStateAsUpdate(world.whole, yjsStateVector(known))
      const lacking = [...world.chains.values()]
        .filter(({ client, items }) => items.length > (known.get(client) ?? 0))
        .toSorted((a, b) => b.client - a.client)
      const sections = sectionsOf(update)
      expect(sections.map(({ client, clock, root, cut }) => ({ client, clock, root, cut }))).toEqual(
        lacking.map(({ client, root }) => {
          const clock = known.get(client) ?? 0
          return { client, clock, root: clock === 0 ? root : undefined, cut: false }
        }),
      )
      for (const [index, { client, items }] of lacking.entries()) {
        expect(expanded(sections[index]?.structs ?? [])).toEqual(shown(items.slice(known.get(client) ?? 0)))
      }
    })
  })

  test('[CODEC1] merged updates parse up to the first gap', () => {
    let gaps = 0
    let whole = 0
    forSeeds('CODEC1 merged updates', 300, (random) => {
      const world = workedWorld(random, { archived: false })
      const chosen = random.shuffled(world.emitted.filter(() => random.chance(0.8)))
      const update =
        chosen.length === 0 ? emptyUpdate : Y.mergeUpdates(random.chance(0.5) ? chosen : [...chosen, ...chosen])
      const present = new Map<number, Set<number>>()
      for (const one of chosen) {
        for (const { client, clock, structs } of sectionsOf(one)) {
          const clocks = present.get(client) ?? new Set<number>()
          present.set(client, clocks)
          for (const index of structs.keys()) clocks.add(clock + index)
        }
      }
      const sections = sectionsOf(update)
      expect(new Set(sections.map(({ client }) => client))).toEqual(new Set(present.keys()))
      for (const { client, clock, root, structs, cut } of sections) {
        const clocks = present.get(client) ?? new Set<number>()
        let end = clock
        while (clocks.has(end)) end++
        const chain = chainOf(world, client)
        expect(clock).toBe(Math.min(...clocks))
        expect(root).toBe(clock === 0 ? chain.root : undefined)
        expect(expanded(structs)).toEqual(shown(chain.items.slice(clock, end)))
        expect(cut).toBe(end <= Math.max(...clocks))
        if (cut) gaps++
        else whole++
      }
    })
    console.log(`CODEC1 merged updates: ${gaps} sections with a gap, ${whole} without`)
    expect(gaps).toBeGreaterThan(20)
    expect(whole).toBeGreaterThan(20)
  })

  test('[CODEC1] merging updates with deletions in the middle of a chain changes nothing else', () => {
    forSeeds('CODEC1 merged deletions', 200, (random) => {
      const world = createWorld(random)
      const updates: Uint8Array[] = []
      world.whole.on('update', (update: Uint8Array) => updates.push(update))
      for (let step = 0; step < 8; step++) {
        push(world, random.pick(world.devices))
        gatherAll(world)
        if (random.chance(0.5)) archive(world)
      }
      const known = someStateVector(world)
      const merged = Y.mergeUpdates(random.shuffled(updates))
      const diff = Y.diffUpdate(Y.mergeUpdates([merged, Y.encodeStateAsUpdate(world.whole)]), yjsStateVector(known))
      for (const { client, clock, structs, cut } of [...sectionsOf(merged), ...sectionsOf(diff)]) {
        const { items } = chainOf(world, client)
        const parsed = expanded(structs)
        expect(cut).toBe(false)
        expect(clock + parsed.length).toBe(items.length)
        // Merged updates keep the bytes of what was deleted later; the delete set beside them says so.
        const certain = parsed.map((one, index) => (items[clock + index] === undefined ? 'gone' : one))
        expect(certain).toEqual(shown(items.slice(clock)))
        expect(parsed.every((one, index) => one !== 'gone' || items[clock + index] === undefined)).toBe(true)
      }
    })
  })

  test('[CODEC1] the bytes of one push, of a deletion and of nothing', () => {
    const doc = createDoc(300)
    const updates: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => updates.push(update))
    const chain = doc.getArray<Uint8Array>('chain/300/ann')
    chain.push([Uint8Array.of(1, 123, 125)])
    chain.push([Uint8Array.of(9)])
    chain.delete(0, 1)
    expect(updates.map(hex)).toEqual(
      [
        '01 01ac0200 03 01 0d636861696e2f3330302f616e6e 03017b7d 00',
        '01 01ac0201 83 ac0200 0109 00',
        '00 01 ac02 01 0001',
      ].map((bytes) => bytes.replaceAll(' ', '')),
    )
    expect(updates.map((update) => parseAll(update))).toMatchObject([
      { kind: 'update', deletes: false, sections: [{ client: 300, clock: 0, root: 'chain/300/ann' }] },
      { kind: 'update', deletes: false, sections: [{ client: 300, clock: 1, root: undefined }] },
      { kind: 'update', deletes: true, sections: [] },
    ])
    expect(parseAll(emptyUpdate)).toEqual({ kind: 'update', sections: [], deletes: false })
    expect(parseAll(Y.encodeStateAsUpdate(new Y.Doc()))).toEqual({ kind: 'update', sections: [], deletes: false })
  })

  test('[CODEC1] roots of strangers and every kind of content are read over, and named as flaws', () => {
    const doc = createDoc(7)
    const text = doc.getText('text')
    text.insert(0, 'plain ')
    text.insert(6, 'bold', { bold: true })
    text.insertEmbed(0, { image: 'x' })
    doc
      .getMap('map')
      .set('key', { nested: [1, -1, 1.5, 2 ** 40, 0.1, 10n, null, undefined, true, false, 'x', Uint8Array.of(1)] })
    doc.getMap('map').set('key', new Y.Array())
    doc.getMap('map').set('doc', new Y.Doc({ guid: 'sub', autoLoad: true }))
    const xml = doc.getXmlFragment('xml')
    xml.insert(0, [new Y.XmlElement('p'), new Y.XmlText()])
    xml.delete(1, 1)
    doc.getArray('list').insert(0, [1, 2])
    doc.getArray('list').insert(1, [Uint8Array.of(5)])
    const stranger = parseAll(Y.encodeStateAsUpdate(doc))
    expect(stranger).toMatchObject({
      kind: 'update',
      deletes: true,
      sections: [{ client: 7, clock: 0, root: 'text', structs: [] }],
    })
    expect(stranger.kind === 'update' && stranger.sections[0]?.flaw).toBeTypeOf('string')
  })
})

describe('what is no chain', () => {
  const before = { client: 5, clock: 2 }
  const payload = content.binary([1])
  const flaws: readonly (readonly [flaw: string, clock: number, struct: Uint8Array])[] = [
    ['gc', 3, gc(1)],
    ['origin is not the clock before', 3, item({ origin: { client: 5, clock: 1 }, content: payload })],
    ['origin is not the clock before', 3, item({ origin: { client: 6, clock: 2 }, content: payload })],
    ['origin is not the clock before', 0, item({ origin: { client: 5, clock: 0 }, content: payload })],
    ['right origin', 3, item({ origin: before, rightOrigin: { client: 6, clock: 0 }, content: payload })],
    ['right origin', 0, item({ rightOrigin: { client: 6, clock: 0 }, content: payload })],
    ['parentSub', 3, item({ origin: before, parentSub: 'x', content: payload })],
    ['parentSub', 0, item({ parent: 'r', parentSub: 'x', content: payload })],
    ['parent is not a root', 0, item({ parent: before, content: payload })],
    ['parent named after clock 0', 3, item({ parent: 'r', content: payload })],
    ['content is neither binary nor deleted', 0, item({ parent: 'r', content: content.string('x') })],
    ['content is neither binary nor deleted', 0, item({ parent: 'r', content: content.type(5, 'hook') })],
    ['deleted run of length 0', 3, item({ origin: before, content: content.deleted(0) })],
  ]

  test.each(flaws)('[CODEC1] %s, at clock %i', (flaw, clock, struct) => {
    const good = item({ origin: { client: 5, clock }, content: payload })
    const parsed = parseAll(forgedUpdate([section(5, clock, [struct, good])]))
    expect(parsed).toMatchObject({ kind: 'update', sections: [{ client: 5, clock, flaw, structs: [], cut: false }] })
    const behind = item({ parent: 'r', content: payload })
    const late = parseAll(forgedUpdate([section(5, 0, [behind, gc(1)])]))
    expect(late).toMatchObject({ kind: 'update', sections: [{ root: 'r', flaw: 'gc', structs: [] }] })
  })

  test('[CODEC1] clocks end at 2^53 - 1', () => {
    const run = (clock: number, length: number): Uint8Array =>
      forgedUpdate([
        section(5, clock, [item({ origin: { client: 5, clock: clock - 1 }, content: content.deleted(length) })]),
      ])
    expect(parseAll(run(1, Number.MAX_SAFE_INTEGER - 1))).toMatchObject({
      kind: 'update',
      sections: [{ flaw: undefined }],
    })
    expect(parseAll(run(1, Number.MAX_SAFE_INTEGER))).toEqual({ kind: 'malformed', why: 'clock overflow' })
    expect(parseAll(run(Number.MAX_SAFE_INTEGER, 1))).toEqual({ kind: 'malformed', why: 'clock overflow' })
  })
})

describe('what the encoder writes', () => {
  /** A document that has exactly what `known` says of the whole world. */
  function docThatKnows(world: World, known: ReadonlyMap<number, number>): Y.Doc {
    const parts = [...world.chains.values()].map(({ client, root, items }) => {
      return { client, root, clock: 0, structs: structsOf(items.slice(0, known.get(client) ?? 0)) }
    })
    return docOf(encodeUpdate(parts))
  }

  function expectSame(doc: Y.Doc, world: World): void {
    expect(isSettled(doc)).toBe(true)
    expect(stateVectorOf(doc)).toEqual(stateVectorOf(world.whole))
    expect(rootContents(doc)).toEqual(rootContents(world.whole))
    expect(hex(Y.encodeStateAsUpdate(doc))).toBe(hex(Y.encodeStateAsUpdate(world.whole)))
  }

  test('[CODEC2] a whole document is byte for byte what Yjs itself writes', () => {
    forSeeds('CODEC2 whole', 300, (random) => {
      const world = workedWorld(random, { archived: random.chance(0.6) })
      const ours = encodeUpdate(partsBeyond(world), deletesOf(world))
      expect(hex(ours)).toBe(hex(Y.encodeStateAsUpdate(world.whole)))
      expectSame(docOf(ours), world)
    })
  })

  test('[CODEC2] what a device lacks, from any state vector, makes it whole with nothing pending', () => {
    let deleted = 0
    forSeeds('CODEC2 partial', 400, (random) => {
      const world = workedWorld(random, { archived: random.chance(0.6) })
      const known = new Map(
        [...someStateVector(world)].map(([client, clock]) => [
          client,
          Math.min(clock, chainOf(world, client).items.length),
        ]),
      )
      const deletes = deletesOf(world)
      deleted += deletes.size
      const ours = encodeUpdate(partsBeyond(world, known), deletes)
      expect(hex(ours)).toBe(hex(Y.encodeStateAsUpdate(world.whole, yjsStateVector(known))))
      const device = docThatKnows(world, known)
      Y.applyUpdate(device, ours)
      expectSame(device, world)
    })
    expect(deleted).toBeGreaterThan(50)
  })

  test('[CODEC2] a device that still has the bytes loses them by the delete set', () => {
    forSeeds('CODEC2 archived', 200, (random) => {
      const world = workedWorld(random, { archived: false })
      const device = docOf(Y.encodeStateAsUpdate(world.whole))
      for (let runs = random.between(1, 3); runs > 0; runs--) archive(world)
      Y.applyUpdate(device, encodeUpdate(partsBeyond(world, stateVectorOf(device)), deletesOf(world)))
      expect(isSettled(device)).toBe(true)
      expectSame(device, world)
    })
  })

  test('[CODEC2] pieces arrive in any order, some twice', () => {
    let early = 0
    forSeeds('CODEC2 any order', 250, (random) => {
      const world = workedWorld(random, { archived: random.chance(0.5) })
      const pieces = random.shuffled([...cut(world), ...cut(world).filter(() => random.chance(0.3))])
      const device = new Y.Doc()
      for (const piece of pieces) {
        Y.applyUpdate(device, piece)
        if (!isSettled(device)) early++
      }
      expect(isSettled(device)).toBe(true)
      expect(stateVectorOf(device)).toEqual(stateVectorOf(world.whole))
      expect(rootContents(device)).toEqual(rootContents(world.whole))
    })
    expect(early).toBeGreaterThan(50)
  })

  /** The whole world in small updates, each with the deletes of its own clocks. */
  function cut(world: World): Uint8Array[] {
    const { random } = world
    const pieces: Uint8Array[] = []
    for (const { client, root, items } of world.chains.values()) {
      for (let clock = 0; clock < items.length;) {
        const end = Math.min(items.length, clock + random.between(1, 5))
        const structs = structsOf(items.slice(clock, end))
        const gone = items.slice(clock, end).flatMap((payload, index) => (payload === undefined ? [clock + index] : []))
        const ranges = gone.map((one) => ({ clock: one, length: 1 }))
        pieces.push(encodeUpdate([{ client, root, clock, structs }], new Map([[client, ranges]])))
        clock = end
      }
    }
    return pieces
  }

  const payload = fc.uint8Array({ maxLength: 40 }).map((bytes): ChainStruct => ({ kind: 'payload', bytes }))
  const gone = fc.integer({ min: 1, max: 2 ** 40 }).map((length): ChainStruct => ({ kind: 'deleted', length }))
  const part = fc.record({
    client: fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(clientId),
    root: fc.string({ maxLength: 30, unit: 'grapheme' }),
    clock: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 40 })),
    structs: fc.array(fc.oneof(payload, gone), { maxLength: 6 }),
  })

  test('[CODEC2] parts come out of the parser as they went in', () => {
    const parts = fc.uniqueArray(part, { selector: ({ client }) => client, maxLength: 5 })
    fc.assert(
      fc.property(parts, (given) => {
        const filled = given.filter(({ structs }) => structs.length > 0).toSorted((a, b) => b.client - a.client)
        expect(parseAll(encodeUpdate(given))).toEqual({
          kind: 'update',
          deletes: false,
          sections: filled.map(({ client, root, clock, structs }) => {
            return { client, clock, root: clock === 0 ? root : undefined, flaw: undefined, structs, cut: false }
          }),
        })
      }),
      { seed: announceSeed('CODEC2 round trip'), numRuns: 500 },
    )
  })

  test('[CODEC2] nothing at all is the empty update, and empty parts and ranges are left out', () => {
    const client = clientId(5)
    expect(encodeUpdate([])).toEqual(emptyUpdate)
    expect(encodeUpdate([{ client, root: 'r', clock: 0, structs: [] }], new Map([[client, []]]))).toEqual(emptyUpdate)
  })

  test('[CODEC2] an item after an archived run survives, which after a GC it would not', () => {
    const client = clientId(5)
    const root = 'chain/5/ann'
    const last = Uint8Array.of(1, 2)
    const structs: ChainStruct[] = [
      { kind: 'deleted', length: 3 },
      { kind: 'payload', bytes: last },
    ]
    const doc = docOf(
      encodeUpdate([{ client, root, clock: 0, structs }], new Map([[client, [{ clock: 0, length: 3 }]]])),
    )
    expect(doc.getArray(root).toArray()).toEqual([last])
    doc.clientID = client
    doc.getArray<Uint8Array>(root).push([Uint8Array.of(7)])
    expect(sectionsOf(Y.encodeStateAsUpdate(doc, yjsStateVector(new Map([[client, 4]]))))).toMatchObject([
      { client, clock: 4, structs: [{ kind: 'payload', bytes: Uint8Array.of(7) }] },
    ])
  })
})
