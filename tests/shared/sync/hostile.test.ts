// Hostile bytes: the named corpus and tens of thousands of mutated and forged updates, thrown at every parser of shared/
// and at acceptance. The honest updates they are made from are taken whole.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'

import { parseEntry } from '../../../shared/chat/entry.ts'
import { limits } from '../../../shared/limits.ts'
import { parseUpdate } from '../../../shared/sync/chain-update/parse-update.ts'
import { parseRecord } from '../../../shared/sync/record.ts'
import { parseStateVector } from '../../../shared/sync/state-vector.ts'
import { parseWireMessage } from '../../../shared/sync/wire.ts'
import { createStand, type Outcome, type Stand } from '../../helpers/acceptance-stand.ts'
import { jsonPayload, messagePayload, rootOf } from '../../helpers/adversarial-cast.ts'
import {
  adversarialCorpus,
  type Cast,
  type CorpusCase,
  forgeUpdate,
  frameOf,
  inventCast,
  mutate,
} from '../../helpers/adversarial-corpus.ts'
import { append, docOf, hex } from '../../helpers/chain-doc.ts'
import { announcedRandom, announceSeed, createRandom, type Random } from '../../helpers/seeded-random.ts'
import {
  chainItems,
  concat,
  content,
  item,
  joined,
  section,
  stateVector,
  update,
  varUint,
} from '../../helpers/update-forge.ts'

const parsers: readonly ((bytes: Uint8Array) => unknown)[] = [
  parseUpdate,
  parseStateVector,
  parseWireMessage,
  parseRecord,
  parseEntry,
]

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function heapBytes(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** The least time of three, in ms: a pause of the collector is nobody's fault. */
function leastMs(run: () => unknown): number {
  let least = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < 3; attempt++) {
    const start = performance.now()
    run()
    least = Math.min(least, performance.now() - start)
  }
  return least
}

/** How much is kept of these bytes, in structs or entries, by the parser that keeps most: never more than there are bytes. */
function keptOf(bytes: Uint8Array): number {
  const parsed = parseUpdate(bytes)
  const sections = parsed.kind === 'update' ? parsed.sections : []
  const vector = parseStateVector(bytes)
  return Math.max(
    sections.reduce((count, { structs }) => count + 1 + [...structs].length, 0),
    vector.kind === 'state-vector' ? vector.clocks.size : 0,
  )
}

/** Far more than these take on an idle machine: a timeout here means a hang. */
const longMs = 120_000

describe('every parser', () => {
  test(
    '[CODEC3] survives the whole corpus in time and memory of the order of its input',
    () => {
      const seed = announceSeed('CODEC3 corpus')
      for (const one of adversarialCorpus(seed)) {
        const frame = frameOf(one)
        for (const parse of parsers) {
          for (const bytes of [one.bytes, frame]) {
            const ms = leastMs(() => parse(bytes))
            if (ms > 100 + bytes.length / 2_000) throw new Error(`${one.name}: ${parse.name} took ${ms} ms`)
            collectGarbageSometimes()
            const before = heapBytes()
            const parsed = parse(bytes)
            // Not collected, so that what was thrown away at once counts too.
            const grown = heapBytes() - before
            if (grown > 2_000_000 + bytes.length * 100)
              throw new Error(`${one.name}: ${parse.name} took ${grown} bytes`)
            expect(parsed === undefined || typeof parsed === 'object').toBe(true)
          }
        }
        expect(keptOf(one.bytes)).toBeLessThanOrEqual(one.bytes.length)
      }
    },
    longMs,
  )

  let calls = 0
  function collectGarbageSometimes(): void {
    if (calls++ % 100 === 0) collectGarbage()
  }

  test('[CODEC3] survives random bytes', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 60, max: 12 }))
    fc.assert(
      fc.property(
        bytes,
        fc.constantFrom<readonly number[]>([], [0], [0, 0], [0, 2], [1], [3], [1, 1, 5, 0]),
        (tail, head) => {
          const whole = concat(head, tail)
          for (const parse of parsers) parse(whole)
          expect(keptOf(whole)).toBeLessThanOrEqual(whole.length)
        },
      ),
      { seed: announceSeed('CODEC3 random bytes'), numRuns: 5_000 },
    )
  })

  test(
    '[CODEC3] takes time in proportion to its input',
    () => {
      const times = (size: number, struct: Uint8Array): Uint8Array[] => Array.from({ length: size }, () => struct)
      const right = item({ rightOrigin: { client: 5, clock: 0 }, content: content.any([126]) })
      const families: Readonly<Record<string, (size: number) => Uint8Array>> = {
        payloads: (size) => {
          const payloads = Array.from({ length: size }, () => content.binary([]))
          return update([section(5, 0, chainItems('r', 5, 0, payloads))])
        },
        sections: (size) => update(Array.from({ length: size }, (_, index) => section(index, 0, []))),
        'right origins': (size) => update([section(5, 0, times(size, right))]),
        nesting: (size) => {
          const nested = joined([...times(size, Uint8Array.of(117, 1)), [126]])
          return update([section(5, 0, [item({ parent: 'r', content: content.any(nested) })])])
        },
        deletes: (size) => update([], concat([1, 5], varUint(size), new Uint8Array(size * 2).fill(1))),
        'state vector': (size) => stateVector(Array.from({ length: size }, (_, index) => [index, 1] as const)),
        stamp: (size) => joined([[3, 0, 1], ...times(size, Uint8Array.of(5, 1, 1, 0, 0, 0, 0))]),
        'JSON entry': (size) => jsonPayload(`{"kind":"x","v":${'['.repeat(size / 4)}${']'.repeat(size / 4)}}`),
      }
      const slow: string[] = []
      for (const [name, make] of Object.entries(families)) {
        const [small, large] = [make(8_000), make(256_000)]
        const run = (bytes: Uint8Array) => (): void => parsers.forEach((parse) => void parse(bytes))
        run(small)()
        const ratio = leastMs(run(large)) / Math.max(1, leastMs(run(small)))
        // 32 when it is linear, eight times that when the collector has to move all of it, 1024 when it is quadratic.
        if (ratio > 500) slow.push(`${name}: 32 times the bytes took ${ratio} times as long`)
      }
      expect(slow).toEqual([])
    },
    longMs,
  )
})

/** What a stand did, as the corpus states it. */
function summed(outcome: Outcome): CorpusCase['expected'] {
  if (outcome.kind === 'taken') return { kind: 'taken', entries: outcome.fresh.length }
  return outcome as CorpusCase['expected']
}

/** Throws what a stand finds wrong with an update, naming it. */
function expectInnocent(stand: Stand, bytes: Uint8Array, name: string): Outcome {
  const outcome = stand.receive(bytes)
  if (outcome.kind === 'fault' || outcome.fresh.length === 0) return outcome
  const broken = stand.violations(stand.relayed(outcome.fresh), outcome.fresh)
  if (broken.length > 0) throw new Error(`${name}: ${broken.join('; ')}\n${hex(bytes)}`)
  return outcome
}

describe('acceptance', () => {
  test('[ACCEPT1] each attack of the corpus gets what the corpus says, and nobody else is touched', () => {
    const seed = announceSeed('ACCEPT1 corpus')
    const cast = inventCast(createRandom(seed))
    const stand = createStand(cast)
    const wrong: string[] = []
    const counts = { cases: 0, refused: 0, taken: 0, ignored: 0 }
    for (const { name, channel, bytes, expected } of adversarialCorpus(seed, cast)) {
      if (channel !== 'update') continue
      const outcome = expectInnocent(stand, bytes, name)
      counts.cases++
      if (outcome.kind === 'fault') counts.refused++
      else if (outcome.fresh.length > 0) counts.taken++
      else counts.ignored++
      if (expected.kind === 'unstated') continue
      const got = JSON.stringify(summed(outcome))
      if (got !== JSON.stringify(expected)) wrong.push(`${name}: ${got}, not ${JSON.stringify(expected)}`)
    }
    console.log(`ACCEPT1 corpus: ${JSON.stringify(counts)}`)
    expect(wrong).toEqual([])
  })

  test('[CODEC3] the corpus of frames and state vectors gets what it says', () => {
    const seed = announceSeed('CODEC3 frames')
    const wrong: string[] = []
    for (const one of adversarialCorpus(seed)) {
      if (one.channel === 'update') continue
      const message = parseWireMessage(frameOf(one))
      const vector = message.kind === 'step1' ? parseStateVector(message.stateVector) : undefined
      const isRefused =
        message.kind === 'malformed' ||
        vector?.kind === 'malformed' ||
        (vector !== undefined && vector.clocks.size > limits.stateVectorEntries)
      const isInner =
        (message.kind === 'step2' || message.kind === 'update') && parseUpdate(message.update).kind === 'malformed'
      const mustBeRefused = one.expected.kind === 'fault' && one.expected.code === 'malformed'
      if ((isRefused || isInner) !== mustBeRefused) wrong.push(one.name)
    }
    expect(wrong).toEqual([])
  })

  test('[ACCEPT1][CODEC3] what is kept of an update never outgrows it', () => {
    const seed = announceSeed('ACCEPT1 amplification')
    const cast = inventCast(createRandom(seed))
    const stand = createStand(cast)
    const outgrown: string[] = []
    for (const { name, bytes } of adversarialCorpus(seed, cast)) {
      const outcome = stand.receive(bytes)
      const kept = outcome.kind === 'taken' ? outcome.fresh.length : 0
      const most = bytes.length + limits.deletedClocksPerUpdate
      if (kept > most) outgrown.push(`${name}: ${bytes.length} bytes make ${kept} entries`)
    }
    expect(outgrown).toEqual([])
  })

  /** Updates as Yjs writes them on the devices of the cast's attacker, here an honest member, and what is new in each. */
  function* honestUpdates(
    random: Random,
    cast: Cast,
    stand: Stand,
  ): Iterable<readonly [Uint8Array, readonly string[]]> {
    for (let round = 0; ; round++) {
      const doc = docOf(stand.base)
      const client = random.chance(0.7) ? cast.own.client : random.between(20_000, 2 ** 32 - 1)
      doc.clientID = client
      const updates: Uint8Array[] = []
      doc.on('update', (one: Uint8Array) => updates.push(one))
      const first = client === cast.own.client ? cast.own.payloads.length : 0
      const pushed = Array.from({ length: random.between(1, 6) }, () =>
        messagePayload(random, 'x'.repeat(random.below(60))),
      )
      let rest = pushed
      while (rest.length > 0) {
        const length = random.between(1, rest.length)
        append(doc, cast.own.user, rest.slice(0, length))
        rest = rest.slice(length)
      }
      const fresh = pushed.map((payload, index) => `${client}/${first + index}/${hex(payload)}`)
      yield [Y.mergeUpdates(updates), fresh]
      yield [Y.encodeStateAsUpdate(doc), fresh]
      yield [Y.encodeStateAsUpdate(doc, Y.encodeStateVector(docOf(stand.base))), fresh]
      // Another account of this browser has something unsent, and the server's deletes come along.
      const guest = docOf(Y.encodeStateAsUpdate(doc))
      guest.clientID = cast.victim.client
      append(guest, cast.victim.user, [messagePayload(random)])
      guest.getArray(rootOf(cast.victim)).delete(0, 2)
      yield [Y.encodeStateAsUpdate(guest), fresh]
      // A second device of the same user, seen by this one.
      const second = docOf(Y.encodeStateAsUpdate(doc))
      second.clientID = random.between(20_000, 2 ** 32 - 1)
      const own = messagePayload(random)
      append(second, cast.own.user, [own])
      yield [Y.encodeStateAsUpdate(second), [...fresh, `${second.clientID}/0/${hex(own)}`]]
    }
  }

  test(
    '[ACCEPT1][ACCEPT2] 24,000 honest, mutated and forged updates: all that is honest is taken, and nothing else is done',
    () => {
      const random = announcedRandom('ACCEPT1 fuzz')
      const cast = inventCast(random)
      const stand = createStand(cast)
      const honest = honestUpdates(random, cast, stand)[Symbol.iterator]()
      const counts = { honest: 0, honestTaken: 0, mutated: 0, mutatedTaken: 0, forged: 0, forgedTaken: 0 }
      const outgrown: string[] = []
      let donor = stand.base
      for (let round = 0; round < 4_000; round++) {
        const { value } = honest.next() as { readonly value: readonly [Uint8Array, readonly string[]] }
        const [bytes, entries] = value
        const outcome = expectInnocent(stand, bytes, 'honest')
        const taken = outcome.kind === 'taken' ? outcome.fresh : []
        const shown = taken.map(({ client, clock, payload }) => `${client}/${clock}/${hex(payload ?? Uint8Array.of())}`)
        counts.honest++
        if (shown.toSorted().join() === entries.toSorted().join()) counts.honestTaken++
        for (let left = 3; left > 0; left--) {
          const mutant = mutate(bytes, random, donor)
          const result = expectInnocent(stand, mutant, 'mutated')
          counts.mutated++
          if (result.kind === 'taken' && result.fresh.length > 0) counts.mutatedTaken++
          if (keptOf(mutant) > mutant.length) outgrown.push(hex(mutant))
        }
        for (let left = 2; left > 0; left--) {
          const forged = forgeUpdate(random, cast)
          const result = expectInnocent(stand, forged, 'forged')
          counts.forged++
          if (result.kind === 'taken' && result.fresh.length > 0) counts.forgedTaken++
          if (random.chance(0.1)) donor = forged
        }
      }
      console.log(`ACCEPT1 fuzz: ${JSON.stringify(counts)}, violations 0`)
      expect(outgrown).toEqual([])
      expect(counts.honestTaken).toBe(counts.honest)
      // A fuzzer of which nothing is taken proves nothing.
      expect(counts.mutatedTaken).toBeGreaterThan(counts.mutated / 50)
      expect(counts.forgedTaken).toBeGreaterThan(counts.forged / 50)
    },
    longMs,
  )

  test('[ACCEPT1] the same checks find the forgery when bytes go on as they came', () => {
    const seed = announceSeed('ACCEPT1 control')
    const cast = inventCast(createRandom(seed))
    const stand = createStand(cast)
    const known = new Set([
      "own chain: right origin in front of the victim's first",
      "own chain: origin in the victim's middle",
      "own chain: parent by id of the victim's item",
      "own chain: the victim's root after clock 0",
      'own chain: origin at itself',
      'own chain: a gap',
      "foreign chain: the next of the victim's chain",
      "foreign chain: the next of the server's chain",
      'foreign chain: a second server chain of a higher epoch',
      "delete set: all of the victim's",
      "delete set: the victim's before they are written",
      'root: 1,000 of them',
    ])
    const missed: string[] = []
    let seen = 0
    for (const { name, bytes } of adversarialCorpus(seed, cast)) {
      if (!known.has(name)) continue
      seen++
      if (stand.violations(bytes, []).length === 0) missed.push(name)
    }
    expect(missed).toEqual([])
    expect(seen).toBe(known.size)
  })

  test('[ACCEPT2] a gap takes nothing and asks; what closes it is taken whole', () => {
    const random = announcedRandom('ACCEPT2 gap')
    const cast = inventCast(random)
    const stand = createStand(cast)
    const doc = docOf(stand.base)
    doc.clientID = cast.own.client
    const updates: Uint8Array[] = []
    doc.on('update', (one: Uint8Array) => updates.push(one))
    for (let count = 0; count < 3; count++) append(doc, cast.own.user, [messagePayload(random)])
    const [first, second, third] = updates.map((one) => stand.receive(one))
    expect(first).toMatchObject({ kind: 'taken', gap: false, fresh: [{ clock: 3 }] })
    expect(second).toEqual({ kind: 'taken', gap: true, fresh: [] })
    expect(third).toEqual({ kind: 'taken', gap: true, fresh: [] })
    const skipped = Y.mergeUpdates([updates[0] ?? stand.base, updates[2] ?? stand.base])
    expect(stand.receive(skipped)).toMatchObject({ kind: 'taken', fresh: [{ clock: 3 }] })
    expect(stand.receive(Y.mergeUpdates(updates))).toMatchObject({ fresh: [{ clock: 3 }, { clock: 4 }, { clock: 5 }] })
  })

  test('[ACCEPT2] own entries that the device has deleted keep their clocks', () => {
    const random = announcedRandom('ACCEPT2 deleted')
    const cast = inventCast(random)
    const stand = createStand(cast)
    const doc = docOf(stand.base)
    doc.clientID = cast.own.client
    append(doc, cast.own.user, [messagePayload(random), messagePayload(random), messagePayload(random)])
    doc.getArray(rootOf(cast.own)).delete(1, 4)
    const outcome = expectInnocent(stand, Y.encodeStateAsUpdate(doc), 'deleted')
    expect(outcome).toMatchObject({
      kind: 'taken',
      fresh: [{ clock: 3, payload: undefined }, { clock: 4, payload: undefined }, { clock: 5 }],
    })
  })
})

describe('the corpus', () => {
  test('[CODEC3] is the same for the same seed, and its names are unique', () => {
    const describeCase = ({ name, channel, bytes }: CorpusCase): string =>
      `${channel} ${name} ${hex(bytes.subarray(0, 99))}`
    const names = [...adversarialCorpus(1)].map(({ name }) => name)
    expect([...adversarialCorpus(7)].map(describeCase)).toEqual([...adversarialCorpus(7)].map(describeCase))
    expect(names.length).toBeGreaterThan(700)
    expect(new Set(names).size).toBe(names.length)
  })
})
