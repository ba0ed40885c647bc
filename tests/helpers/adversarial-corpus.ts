// Everything hostile that a socket of the stock protocol can be sent: named cases with what the server owes their sender,
// and generators of endless more. Deterministic in its seed. Knows no test runner: a live server is fed from here too.
import {
  type Cast,
  type CastChain,
  type CorpusCase,
  type Expected,
  inventCast,
  malformed,
  messagePayload,
  nothing,
  rootOf,
} from './adversarial-cast.ts'
import { adversarialUpdates } from './adversarial-updates.ts'
import { createRandom, type Random } from './seeded-random.ts'
import {
  any,
  type Bytes,
  chainItems,
  concat,
  type Content,
  content,
  deleteSet,
  gc,
  item,
  joined,
  paddedVarUint,
  type Place,
  section,
  skipStruct,
  stateVector,
  update,
  varBytes,
  varText,
  varUint,
} from './update-forge.ts'

export { type Cast, type CorpusCase, inventCast } from './adversarial-cast.ts'
export { mutate } from './mutations.ts'

/**
 * The whole corpus. Its attacker is `cast.own.user`; the chain `cast.own` must hold at least two entries. No case appends
 * to it: entries that are taken are on new chains, fewer than 50 in all.
 */
export function* adversarialCorpus(seed: number, cast: Cast = inventCast(createRandom(seed))): Iterable<CorpusCase> {
  const random = createRandom(seed)
  yield* adversarialUpdates(random, cast)
  for (const [name, bytes, expected] of stateVectors(cast))
    yield { name: `state vector: ${name}`, channel: 'state-vector', bytes, expected }
  for (const [name, bytes, expected] of frames()) yield { name: `frame: ${name}`, channel: 'frame', bytes, expected }
}

/** The message of the stock protocol that carries a case; updates go as updates. */
export function frameOf({ channel, bytes }: CorpusCase): Uint8Array {
  if (channel === 'frame') return bytes
  return concat([0, channel === 'update' ? 2 : 0], varBytes(bytes))
}

type Cases = Iterable<readonly [name: string, bytes: Uint8Array, expected: Expected]>

function* stateVectors({ own, held, serverClient, serverNext }: Cast): Cases {
  const behind: Expected = { kind: 'fault', code: 'server-behind' }
  yield ['no bytes', new Uint8Array(), malformed]
  yield ['empty', stateVector([]), nothing]
  yield ['33,554,432 entries in 4 bytes', varUint(33_554_432), malformed]
  yield [
    'one entry fewer than there are',
    stateVector(
      [
        [1, 1],
        [2, 2],
      ],
      1,
    ),
    malformed,
  ]
  yield ['one entry more than there are', stateVector([[1, 1]], 2), malformed]
  yield ['1,000 trailing bytes', concat(stateVector([[1, 1]]), new Uint8Array(1000)), malformed]
  yield [
    'one client twice',
    stateVector([
      [own.client, 1],
      [own.client, 2],
    ]),
    nothing,
  ]
  yield ['not a number', concat([1, 5], paddedVarUint(0, 200)), malformed]
  yield ['a client that is not a number', concat([1], paddedVarUint(0, 200), [1]), malformed]
  yield ['a count that is not a number', paddedVarUint(0, 200), malformed]
  yield ['the clock 2^53', stateVector([[5, 2n ** 53n]]), malformed]
  yield ['the client 2^70', stateVector([[2n ** 70n, 1]]), malformed]
  yield [
    'clocks that nobody has',
    stateVector([
      [own.client, 2 ** 53 - 1],
      [2 ** 53 - 1, 5],
    ]),
    nothing,
  ]
  yield ["ahead of the server's chain", stateVector([[serverClient, serverNext + 1_000_000]]), behind]
  yield ['ahead of the held chain', stateVector([[held.client, held.payloads.length + 1_000_000]]), behind]
  const bomb = Array.from({ length: 200_000 }, (_, index) => [index * 3, 1] as const)
  yield ['200,000 entries', stateVector(bomb), malformed]
}

function* frames(): Cases {
  const empty = Uint8Array.of(0, 0)
  yield ['no bytes', new Uint8Array(), malformed]
  yield ['only a type', Uint8Array.of(0), malformed]
  yield ['only types', Uint8Array.of(0, 2), malformed]
  for (const type of [4, 5, 127, 128, 2 ** 40]) yield [`type ${type}`, concat(varUint(type), [0]), malformed]
  for (const type of [3, 127, 2 ** 40])
    yield [`sync type ${type}`, concat([0], varUint(type), varBytes(empty)), malformed]
  for (const type of [0, 1, 2]) {
    yield [`sync type ${type} with a length of 2^40`, concat([0, type], varUint(2 ** 40), empty), malformed]
    yield [`sync type ${type} with a length too short`, concat([0, type, 1], empty), malformed]
    yield [`sync type ${type} with a length too long`, concat([0, type, 3], empty), malformed]
    yield [`sync type ${type} with a length of NaN`, concat([0, type], paddedVarUint(0, 200), empty), malformed]
    yield [`sync type ${type} with trailing bytes`, concat([0, type], varBytes(empty), [0]), malformed]
    yield [
      `sync type ${type} within itself`,
      concat([0, type], varBytes(concat([0, type], varBytes(empty)))),
      malformed,
    ]
  }
  yield ['a type of NaN', paddedVarUint(0, 200), malformed]
  yield ['a padded type', concat(paddedVarUint(0, 8), [2], varBytes(empty)), nothing]
  const fakes = Array.from({ length: 20_000 }, (_, index) => concat(varUint(index), [1], varText('{"a":1}')))
  yield ['awareness of 20,000 fake clients', concat([1], varBytes(joined([varUint(fakes.length), ...fakes]))), nothing]
  const pinned = concat([1], varUint(5), varUint(2 ** 53 - 1), varText('{"user":"alice"}'))
  yield ['awareness with the clock 2^53 - 1', concat([1], varBytes(pinned)), nothing]
  yield ['awareness with another length than it says', Uint8Array.of(1, 255, 255), malformed]
  yield ['awareness that is no awareness', Uint8Array.of(1, 2, 255, 255), nothing]
  yield ['an auth message', concat([2, 0], varText('permission denied')), nothing]
  yield ['a query for awareness', Uint8Array.of(3), nothing]
}

/** What random updates are made of; grows as tests find new shapes. */
interface Forge {
  readonly cast: Cast
  readonly random: Random
}

/**
 * A random update in the grammar of Yjs, honest here and hostile there: sections of any of the cast, structs that link
 * well or badly. Often enough well: a fuzzer of which nothing is accepted proves nothing.
 */
export function forgeUpdate(random: Random, cast: Cast): Uint8Array {
  const forge = { cast, random }
  const sections = Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, () => forgeSection(forge))
  const ranges = Array.from({ length: random.pick([0, 0, 1, 3]) }, () => ({
    ...somePlace(forge),
    length: random.below(9),
  }))
  return update(sections, deleteSet(ranges))
}

function someChain({ cast, random }: Forge): CastChain {
  const stranger = {
    user: random.pick([cast.own.user, cast.victim.user, 'zoe']),
    client: random.between(20_000, 2 ** 32),
    payloads: [],
  }
  const server = { user: cast.own.user, client: cast.serverClient, payloads: [] }
  return random.pick([cast.own, cast.own, cast.own, cast.victim, cast.held, stranger, stranger, server])
}

function somePlace(forge: Forge): Place {
  const { client, payloads } = someChain(forge)
  return { client, clock: forge.random.below(payloads.length + 3) }
}

function someRoot(forge: Forge, chain: CastChain): string {
  const other = someChain(forge)
  return forge.random.pick([rootOf(chain), rootOf(chain), rootOf(chain), rootOf(other), `server/${chain.client}`, 'r'])
}

function forgeSection(forge: Forge): Uint8Array {
  const { random } = forge
  const chain = someChain(forge)
  const start = random.pick([0, chain.payloads.length, chain.payloads.length, random.below(chain.payloads.length + 3)])
  const structs: Bytes[] = []
  const isHonest = random.chance(0.5)
  let clock = start
  for (let left = random.below(5); left > 0; left--) {
    const stored = random.chance(0.9) ? chain.payloads[clock] : undefined
    const one = isHonest && stored !== undefined ? content.binary(stored) : someContent(forge, isHonest)
    const length = one.ref === content.deleted(1).ref ? (one.bytes[0] ?? 0) : 1
    if (isHonest) structs.push(...chainItems(rootOf(chain), chain.client, clock, [one]))
    else structs.push(someStruct(forge, chain, clock, one))
    clock += length
  }
  return section(chain.client, start, structs, random.chance(0.05) ? random.below(8) : structs.length)
}

function someContent({ random, cast }: Forge, isHonest: boolean): Content {
  const honest = content.binary(random.chance(0.8) ? messagePayload(random) : random.bytes(random.below(20)))
  const gone = content.deleted(random.below(isHonest ? 4 : 100) + (isHonest ? 1 : 0))
  if (isHonest || random.chance(0.6)) return random.chance(0.85) ? honest : gone
  return random.pick<Content>([
    content.any(any.object([['__proto__', any.null]]), any.integer(random.below(64))),
    content.json('1', '"two"'),
    content.string('text'),
    content.type(random.below(8)),
    content.embed('{}'),
    content.format('bold', 'true'),
    content.doc('sub', any.undefined),
    content.binary(concat([3], random.bytes(9), varUint(cast.own.client))),
  ])
}

function someStruct(forge: Forge, chain: CastChain, clock: number, one: Content): Bytes {
  const { random } = forge
  const before = { client: chain.client, clock: clock - 1 }
  switch (random.below(10)) {
    case 0:
      return gc(random.below(4))
    case 1:
      return skipStruct(random.below(4))
    case 2:
      return item({ origin: somePlace(forge), content: one })
    case 3:
      return item({ rightOrigin: somePlace(forge), content: one })
    case 4:
      return item({ parent: random.chance(0.5) ? somePlace(forge) : someRoot(forge, chain), content: one })
    case 5:
      return item({ parent: someRoot(forge, chain), parentSub: 'key', content: one })
    default:
      return clock === 0
        ? item({ parent: someRoot(forge, chain), content: one })
        : item({ origin: before, content: one })
  }
}
