// The updates of the adversarial corpus: every attack on V1 updates named in the research on Yjs's security
// (parser, integration, authorship), each with what the server owes its sender. Knows no test runner.
import {
  type Cast,
  type CorpusCase,
  clientTaken,
  type Expected,
  freshClients,
  jsonPayload,
  malformed,
  messagePayload,
  nothing,
  rootOf,
  taken,
  unstated,
} from './adversarial-cast.ts'
import type { Random } from './seeded-random.ts'
import {
  any,
  type Bytes,
  chainItems,
  concat,
  type Content,
  content,
  deleteSet,
  type ForgedItem,
  gc,
  item,
  joined,
  paddedVarUint,
  section,
  skipStruct,
  update,
  utf8,
  varBytes,
  varText,
  varUint,
} from './update-forge.ts'

interface Stage {
  readonly cast: Cast
  readonly random: Random
  /** A clientID that nobody has. */
  readonly fresh: () => number
  /** A payload that is a valid message. */
  readonly message: () => Uint8Array
}

type Cases = Iterable<readonly [name: string, bytes: Uint8Array, expected: Expected]>

const groups: Readonly<Record<string, (stage: Stage) => Cases>> = {
  'count lie': countLies,
  differential: parserDifferentials,
  varint: varints,
  'own chain': brokenOwnChains,
  content: contents,
  'foreign chain': foreignChains,
  root: roots,
  'delete set': deleteSets,
  amplification: amplifications,
  payload: payloads,
  truncated: truncations,
}

/** Every hostile update by name; the same for the same random choices and cast. */
export function* adversarialUpdates(random: Random, cast: Cast): Iterable<CorpusCase> {
  const stage: Stage = { cast, random, fresh: freshClients(random), message: () => messagePayload(random) }
  for (const [group, cases] of Object.entries(groups)) {
    for (const [name, bytes, expected] of cases(stage))
      yield { name: `${group}: ${name}`, channel: 'update', bytes, expected }
  }
}

/** `payloads` on a chain of the attacker that begins with them. */
function newChain({ cast, fresh }: Stage, contentsOfIt: readonly Content[], client = fresh()): Uint8Array {
  const root = rootOf({ user: cast.own.user, client })
  return section(client, 0, chainItems(root, client, 0, contentsOfIt))
}

/** Structs behind what is stored of the attacker's chain. */
function behindOwn({ cast: { own } }: Stage, structs: readonly Bytes[], count?: number): Uint8Array {
  return section(own.client, own.payloads.length, structs, count)
}

/** What `push` would write next on the attacker's chain, with another content. */
function nextItem({ cast: { own } }: Stage, one: Content, after = 0): Uint8Array {
  return item({ origin: { client: own.client, clock: own.payloads.length - 1 + after }, content: one })
}

function* countLies(stage: Stage): Cases {
  const { own } = stage.cast
  const honest = nextItem(stage, content.binary(stage.message()))
  yield ['33,554,432 structs in 7 bytes', Uint8Array.of(1, 128, 128, 128, 16, 5, 0), malformed]
  yield ['33,554,432 structs before one', update([behindOwn(stage, [honest], 33_554_432)]), malformed]
  yield ['2^53 - 1 structs', update([behindOwn(stage, [honest], Number.MAX_SAFE_INTEGER)]), malformed]
  yield ['one struct more than there are', update([behindOwn(stage, [honest], 2)]), malformed]
  yield ['one struct fewer than there are', update([behindOwn(stage, [honest, honest], 1)]), malformed]
  yield ['no structs where there is one', update([behindOwn(stage, [honest], 0)]), malformed]
  yield ['33,554,432 sections', update([behindOwn(stage, [honest])], deleteSet(), 33_554_432), malformed]
  yield ['a section fewer than there are', update([behindOwn(stage, [honest])], deleteSet(), 0), malformed]
  yield ['33,554,432 clients in the delete set', update([], varUint(33_554_432)), malformed]
  yield ['33,554,432 ranges in the delete set', update([], concat([1, 5], varUint(33_554_432))), malformed]
  const lying: readonly (readonly [string, Content])[] = [
    ['payload', { ref: 3, bytes: varUint(2 ** 40) }],
    ['string', { ref: 4, bytes: varUint(2 ** 40) }],
    ['JSON values', { ref: 2, bytes: varUint(2 ** 40) }],
    ['any values', { ref: 8, bytes: varUint(2 ** 40) }],
    ['any array', { ref: 8, bytes: concat([1, 117], varUint(2 ** 40)) }],
    ['any object', { ref: 8, bytes: concat([1, 118], varUint(2 ** 40)) }],
    ['any string', { ref: 8, bytes: concat([1, 119], varUint(2 ** 40)) }],
  ]
  for (const [name, one] of lying)
    yield [`${name} of 2^40`, update([behindOwn(stage, [nextItem(stage, one)])]), malformed]
  const name = { ref: 3, bytes: varBytes(stage.message()) }
  const root = concat([3, 1], varUint(2 ** 40), name.bytes)
  yield ['root name of 2^40 bytes', update([section(own.client, 0, [root])]), malformed]
}

function* parserDifferentials(stage: Stage): Cases {
  const { own, victim } = stage.cast
  const one = (): Uint8Array => behindOwn(stage, [nextItem(stage, content.binary(stage.message()))])
  yield ['two sections of one client', update([one(), one()]), malformed]
  yield ['two sections of one client, the first empty', update([behindOwn(stage, []), one()]), malformed]
  const victimSection = section(victim.client, 0, [item({ parent: rootOf(victim), content: content.binary([1]) })])
  yield ['two sections of the victim', update([victimSection, victimSection]), malformed]
  for (const info of [0x8a, 0x4a, 0x2a, 0xea, 0x80, 0x40, 0x20]) {
    const kind = (info & 31) === 10 ? 'skip' : 'gc'
    const structs = [Uint8Array.of(info, 1)]
    yield [`${kind} with info 0x${info.toString(16)} on the own chain`, update([behindOwn(stage, structs)]), malformed]
    yield [`${kind} with info 0x${info.toString(16)} elsewhere`, update([section(7, 0, structs)]), malformed]
  }
  for (let ref = 11; ref < 32; ref++) {
    yield [`content ${ref}`, update([behindOwn(stage, [nextItem(stage, { ref, bytes: varUint(0) })])]), malformed]
  }
  yield ['1,000 trailing bytes', concat(update([one()]), new Uint8Array(1000)), malformed]
  yield ['one trailing byte', concat(update([one()]), [0]), malformed]
  yield ['an update in front of an update', concat(update([one()]), update([one()])), malformed]
  yield ['no bytes', new Uint8Array(), malformed]
  for (let byte = 0; byte < 256; byte++) yield [`the byte ${byte}`, Uint8Array.of(byte), malformed]
  yield ['the empty update', update([]), nothing]
  // yjs#687: 27 bytes at which mergeUpdatesV2 never ends.
  const hang = '00010000000001000100010200001602000001fdffffffff7f0000'
  yield ['the V2 hang', Uint8Array.from(hang.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16)), malformed]
  yield ['a section without structs', update([section(own.client, own.payloads.length, [])]), nothing]
}

function* varints(stage: Stage): Cases {
  const { own } = stage.cast
  const { length } = own.payloads
  for (const width of [2, 5, 8, 9, 100]) {
    const client = stage.fresh()
    const number = (value: number): Uint8Array => paddedVarUint(value, Math.max(width, varUint(value).length))
    const name = utf8(rootOf({ user: own.user, client }))
    const payload = stage.message()
    const struct = concat([3], number(1), number(name.length), name, number(payload.length), payload)
    const bytes = concat(number(1), number(1), number(client), number(0), struct, number(0))
    yield [`numbers padded to ${width} bytes`, bytes, width < 9 ? taken(1) : unstated]
  }
  // 128 ** 146 is Infinity, and 0 * Infinity is NaN: that is what lib0 reads here.
  const notANumber = paddedVarUint(0, 200)
  const beyond: readonly (readonly [string, Uint8Array])[] = [
    ['200 bytes of padding', notANumber],
    ['2^53', varUint(2n ** 53n)],
    ['2^56 - 1 in 8 bytes', varUint(2n ** 56n - 1n)],
    ['2^63', varUint(2n ** 63n)],
    ['2^70', varUint(2n ** 70n)],
    ['an endless number', new Uint8Array(64).fill(255)],
  ]
  const honest = nextItem(stage, content.binary([1]))
  for (const [name, number] of beyond) {
    yield [`${name} as sections`, concat(number, [0]), malformed]
    yield [`${name} as structs`, concat([1], number, varUint(own.client), varUint(length), honest, [0]), malformed]
    yield [`${name} as client`, concat([1, 1], number, varUint(length), honest, [0]), malformed]
    yield [`${name} as clock`, concat([1, 1], varUint(own.client), number, honest, [0]), malformed]
    yield [`${name} as clock of nothing`, concat([1, 0], varUint(own.client), number, [0]), malformed]
    yield [
      `${name} as deleted run`,
      update([behindOwn(stage, [nextItem(stage, { ref: 1, bytes: number })])]),
      malformed,
    ]
    yield [
      `${name} as payload length`,
      update([behindOwn(stage, [nextItem(stage, { ref: 3, bytes: number })])]),
      malformed,
    ]
    yield [`${name} as skip`, update([behindOwn(stage, [concat([10], number)])]), malformed]
    yield [`${name} as gc`, update([section(7, 0, [concat([0], number)])]), malformed]
    yield [`${name} as deletes`, concat([0], number), malformed]
    yield [`${name} as deleted client`, concat([0, 1], number, [1, 0, 1]), malformed]
    yield [`${name} as deleted length`, concat([0, 1, 5, 1, 0], number), malformed]
  }
  const last = Number.MAX_SAFE_INTEGER
  const beyondAll = item({ origin: { client: own.client, clock: last - 1 }, content: content.binary([1]) })
  yield ['own clock 2^53 - 1', update([section(own.client, last, [beyondAll])]), malformed]
}

function* brokenOwnChains(stage: Stage): Cases {
  const { own, victim, held } = stage.cast
  const next = own.payloads.length
  const payload = content.binary(stage.message())
  const last = { client: own.client, clock: next - 1 }
  const items: readonly (readonly [string, ForgedItem])[] = [
    ['origin at itself', { origin: { client: own.client, clock: next }, content: payload }],
    ['origin in the future', { origin: { client: own.client, clock: next + 5 }, content: payload }],
    ['origin two before', { origin: { client: own.client, clock: next - 2 }, content: payload }],
    [
      "origin at the victim's end",
      { origin: { client: victim.client, clock: victim.payloads.length - 1 }, content: payload },
    ],
    ["origin in the victim's middle", { origin: { client: victim.client, clock: 1 }, content: payload }],
    [
      "origin at the victim's entry of the clock before",
      { origin: { client: victim.client, clock: next - 1 }, content: payload },
    ],
    ['origin in the held chain', { origin: { client: held.client, clock: 0 }, content: payload }],
    [
      "right origin in front of the victim's first",
      { rightOrigin: { client: victim.client, clock: 0 }, content: payload },
    ],
    [
      'right origin beside a right origin',
      { origin: last, rightOrigin: { client: victim.client, clock: 2 }, content: payload },
    ],
    ['right origin at itself', { origin: last, rightOrigin: { client: own.client, clock: next }, content: payload }],
    [
      'right origin in the own chain',
      { origin: last, rightOrigin: { client: own.client, clock: 0 }, content: payload },
    ],
    ["parent by id of the victim's item", { parent: { client: victim.client, clock: 0 }, content: payload }],
    ["the victim's root after clock 0", { parent: rootOf(victim), content: payload }],
    ['the own root after clock 0', { parent: rootOf(own), content: payload }],
    ['a parentSub bit', { origin: last, parentSub: 'x', content: payload }],
    ['a parentSub', { parent: rootOf(own), parentSub: 'x', content: payload }],
    ['a __proto__ parentSub', { parent: rootOf(victim), parentSub: '__proto__', content: payload }],
  ]
  for (const [name, forged] of items) yield [name, update([behindOwn(stage, [item(forged)])]), malformed]
  const good = nextItem(stage, payload)
  yield ['gc', update([behindOwn(stage, [gc(1)])]), malformed]
  yield ['gc of length 2^53 - 1', update([behindOwn(stage, [gc(Number.MAX_SAFE_INTEGER), good])]), malformed]
  yield ['an item after a gc', update([behindOwn(stage, [gc(1), nextItem(stage, payload, 1)])]), malformed]
  yield ['a bad struct behind a good one', update([behindOwn(stage, [good, gc(1)])]), malformed]
  yield ['deleted run of length 0', update([behindOwn(stage, [nextItem(stage, content.deleted(0))])]), malformed]
  for (const length of [1025, 2 ** 31, 2 ** 53 - 1 - next, 2 ** 53 - 1]) {
    yield [
      `deleted run of length ${length}`,
      update([behindOwn(stage, [nextItem(stage, content.deleted(length))])]),
      malformed,
    ]
  }
  yield ['deleted run of length 1,024', update([newChain(stage, [content.deleted(1024)])]), taken(1024)]
  yield ['skip', update([behindOwn(stage, [skipStruct(3), good])]), nothing]
  yield ['skip of length 2^53 - 1', update([behindOwn(stage, [skipStruct(Number.MAX_SAFE_INTEGER), good])]), nothing]
  const client = stage.fresh()
  const [first, second] = chainItems(rootOf({ user: own.user, client }), client, 0, [payload, payload])
  yield ['skip in the middle', update([section(client, 0, [first ?? [], skipStruct(1), second ?? []])]), taken(1)]
  yield ['a gap', update([section(own.client, next + 1, [nextItem(stage, payload, 1)])]), nothing]
  for (let gap = 2; gap < 6; gap++) {
    yield [
      `a gap of ${10 ** gap}`,
      update([section(own.client, next + 10 ** gap, [nextItem(stage, payload, 10 ** gap)])]),
      nothing,
    ]
  }
  const born = stage.fresh()
  const keyed = item({ parent: rootOf({ user: own.user, client: born }), parentSub: 'x', content: payload })
  yield ['a parentSub at clock 0', update([section(born, 0, [keyed])]), malformed]
  const reroot = (root: string): Uint8Array =>
    update([section(own.client, 0, [item({ parent: root, content: payload })])])
  yield ["the victim's root at clock 0", reroot(rootOf(victim)), malformed]
  yield ["the server's root at clock 0", reroot(`server/${own.client}`), malformed]
  yield ['another root of the sender at clock 0', reroot(rootOf({ user: own.user, client: own.client + 1 })), malformed]
  yield ['no root at clock 0', update([section(own.client, 0, [good])]), malformed]
  yield ['other bytes at clock 0 (equivocation)', reroot(rootOf(own)), { kind: 'fault', code: 'forked' }]
  const again = own.payloads.map((bytes) => content.binary(bytes))
  yield ['all of it again', update([section(own.client, 0, chainItems(rootOf(own), own.client, 0, again))]), nothing]
}

function* contents(stage: Stage): Cases {
  const { own } = stage.cast
  const proto = any.object([['__proto__', any.object([['isAdmin', any.true]])]])
  const every = any.array([
    any.undefined,
    any.null,
    any.integer(5),
    any.float32,
    any.float64,
    any.bigint,
    any.false,
    any.true,
  ])
  const nest = (levels: number, open: Bytes): Uint8Array => {
    const bytes = new Uint8Array(levels * open.length)
    for (let level = 0; level < levels; level++) bytes.set(open, level * open.length)
    return concat(bytes, [126])
  }
  const foreign: readonly (readonly [string, Content])[] = [
    ['ContentAny', content.any(every, any.string('text'), any.bytes([1, 2, 3]))],
    ['ContentAny with __proto__', content.any(proto)],
    ['ContentAny nested 1,000 deep', content.any(nest(1_000, [117, 1]))],
    ['ContentJSON', content.json('{"__proto__":{"isAdmin":true}}', 'undefined', 'not json')],
    ['ContentString', content.string('text')],
    ['ContentString of 1 MiB', content.string('x'.repeat(1 << 20))],
    ['ContentEmbed', content.embed('{"__proto__":1}')],
    ['ContentFormat', content.format('__proto__', 'true')],
    ['ContentType array', content.type(0)],
    ['ContentType map', content.type(1)],
    ['ContentType text', content.type(2)],
    ['ContentType xml element', content.type(3, 'script')],
    ['ContentType xml hook', content.type(5, '__proto__')],
    [
      'ContentDoc',
      content.doc(
        'sub',
        any.object([
          ['autoLoad', any.true],
          ['gcFilter', any.string('x')],
          ['__proto__', any.null],
        ]),
      ),
    ],
    ['ContentDoc without options', content.doc('sub', any.undefined)],
  ]
  for (const [name, one] of foreign) {
    yield [`${name} on the own chain`, update([behindOwn(stage, [nextItem(stage, one)])]), malformed]
    yield [
      `${name} in a root of its own`,
      update([section(stage.fresh(), 0, [item({ parent: 'r', content: one })])]),
      nothing,
    ]
    yield [`${name} on a new own chain`, update([newChain(stage, [one])]), malformed]
  }
  const deep: readonly (readonly [string, Content])[] = [
    ['ContentAny nested 4,000 deep', content.any(nest(4_000, [117, 1]))],
    ['ContentAny nested 400 KB deep', content.any(nest(200_000, [117, 1]))],
    ['ContentAny of objects nested 400 KB deep', content.any(nest(133_333, [118, 1, 0]))],
  ]
  for (const [name, one] of deep) {
    yield [`${name} on the own chain`, update([behindOwn(stage, [nextItem(stage, one)])]), malformed]
    yield [
      `${name} in a root of its own`,
      update([section(stage.fresh(), 0, [item({ parent: 'r', content: one })])]),
      malformed,
    ]
  }
  yield ['an unknown type', update([section(7, 0, [item({ parent: 'r', content: content.type(7) })])]), malformed]
  yield ['an unknown any', update([section(7, 0, [item({ parent: 'r', content: content.any([5]) })])]), malformed]
  const open = { ref: 8, bytes: concat([1], new Uint8Array(200_000).fill(117)) }
  yield ['ContentAny that nests and ends', update([section(7, 0, [item({ parent: 'r', content: open })])]), malformed]
  const client = stage.fresh()
  const inside = item({ parent: { client, clock: 0 }, content: content.binary(stage.message()) })
  const holder = item({ parent: rootOf({ user: own.user, client }), content: content.type(0) })
  yield ['a type on the own chain and an item in it', update([section(client, 0, [holder, inside])]), malformed]
}

function* foreignChains(stage: Stage): Cases {
  const { own, victim, held, serverClient, serverNext } = stage.cast
  const payload = content.binary(stage.message())
  const end = victim.payloads.length
  const forge = (client: number, root: string, clock: number): Uint8Array =>
    update([section(client, clock, chainItems(root, client, clock, [payload]))])
  yield ["the next of the victim's chain", forge(victim.client, rootOf(victim), end), nothing]
  yield ["the first of the victim's chain", forge(victim.client, rootOf(victim), 0), nothing]
  yield ["a gap in the victim's chain", forge(victim.client, rootOf(victim), end + 7), nothing]
  yield [
    "the victim's clientID with the own name",
    forge(victim.client, rootOf({ ...victim, user: own.user }), 0),
    clientTaken,
  ]
  yield ["the victim's clientID with the own chain's root", forge(victim.client, rootOf(own), 0), nothing]
  yield ['a new chain of the victim', forge(stage.fresh(), `chain/77/${victim.user}`, 0), nothing]
  const born = stage.fresh()
  yield ['a new chain of the victim, well named', forge(born, rootOf({ user: victim.user, client: born }), 0), nothing]
  yield ["an own new clientID in the victim's root", forge(stage.fresh(), rootOf(victim), 0), nothing]
  yield ['the next of the held chain', forge(held.client, rootOf(held), held.payloads.length), nothing]
  yield ['the first of the held chain', forge(held.client, rootOf(held), 0), nothing]
  const stamp = content.binary(concat([3], varUint(0), varUint(1), varUint(own.client), varUint(0), [1], [0, 0, 0, 0]))
  const server = `server/${serverClient}`
  yield [
    "the next of the server's chain",
    update([section(serverClient, serverNext, chainItems(server, serverClient, serverNext, [stamp]))]),
    nothing,
  ]
  yield ["the first of the server's chain", forge(serverClient, server, 0), nothing]
  yield [
    "the server's clientID with the own name",
    forge(serverClient, rootOf({ user: own.user, client: serverClient }), 0),
    clientTaken,
  ]
  const usurper = stage.fresh()
  const genesis = content.binary(jsonPayload(`{"kind":"genesis","epoch":99,"owner":"${own.user}","createdAt":1}`))
  yield [
    'a second server chain of a higher epoch',
    update([section(usurper, 0, chainItems(`server/${usurper}`, usurper, 0, [genesis]))]),
    nothing,
  ]
  yield ['an unknown chain from its middle', forge(stage.fresh(), '', 5), nothing]
  const wide = 2 ** 32
  yield ['a clientID of 33 bits', forge(wide, rootOf({ user: own.user, client: wide }), 0), nothing]
  yield ['a clientID of 2^53 - 1', forge(2 ** 53 - 1, rootOf({ user: own.user, client: 2 ** 53 - 1 }), 0), nothing]
  const mine = newChain(stage, [content.binary(stage.message()), content.binary(stage.message())])
  const victims = section(victim.client, end, chainItems(rootOf(victim), victim.client, end, [payload]))
  yield ["own entries beside the victim's", update([victims, mine]), taken(2)]
  yield ['gc of length 2^53 - 1 elsewhere', update([section(7, 0, [gc(Number.MAX_SAFE_INTEGER), gc(1)])]), nothing]
}

function* roots(stage: Stage): Cases {
  const { own, victim } = stage.cast
  const named = (parent: string | Uint8Array, client = stage.fresh()): Uint8Array =>
    update([section(client, 0, [item({ parent, content: content.binary(stage.message()) })])])
  const client = stage.fresh()
  const lookAlikes = [
    '',
    '/',
    '__proto__',
    'constructor',
    'toString',
    'chain',
    'chain/',
    `chain/${client}`,
    `chain/${client}/`,
    `chain/0${client}/${own.user}`,
    `chain/+${client}/${own.user}`,
    `chain/${client}.0/${own.user}`,
    `chain/${client}/${own.user}/`,
    `chain/${client}/${own.user}/x`,
    `chain/${client}/${own.user} `,
    `chain/${client}/${own.user}\0`,
    `chain/${client}/${own.user.toUpperCase()}`,
    `chain/${client}/${own.user}\u200b`,
    `Chain/${client}/${own.user}`,
    `chain//${client}/${own.user}`,
    `/chain/${client}/${own.user}`,
    `chain/${client}/${victim.user}`,
    `chain/${client}/m\u0430llory`,
    `server/${client}`,
    `server/${client}/${own.user}`,
    `u/${client}`,
    `chain/${client}/${'m'.repeat(200)}`,
    'x'.repeat(100_000),
  ]
  for (const root of lookAlikes) yield [`"${root.slice(0, 40)}"`, named(root, client), nothing]
  const invalid = utf8(rootOf({ user: own.user, client }))
  invalid[invalid.length - 1] = 0xff
  yield ['invalid UTF-8', named(invalid, client), malformed]
  yield ['an overlong encoding of /', named(concat(utf8('chain'), [0xc0, 0xaf], utf8(`${client}/x`))), malformed]
  yield ['invalid UTF-8, too long to be ours', named(new Uint8Array(200).fill(0xff)), nothing]
  const thousand = Array.from({ length: 1000 }, (_, index) =>
    section(index + 1, 0, [item({ parent: `root ${index}`, content: content.binary([1]) })]),
  )
  yield ['1,000 of them', update(thousand), nothing]
}

function* deleteSets(stage: Stage): Cases {
  const { own, victim, held, serverClient } = stage.cast
  const all = (client: number, length: number): { client: number; clock: number; length: number } => ({
    client,
    clock: 0,
    length,
  })
  yield ["all of the victim's", update([], deleteSet([all(victim.client, victim.payloads.length)])), nothing]
  yield [
    "the victim's before they are written",
    update([], deleteSet([{ client: victim.client, clock: 5, length: 1e6 }])),
    nothing,
  ]
  yield [
    'of everybody for ever',
    update([], deleteSet([victim.client, own.client, held.client, serverClient].map((one) => all(one, 2 ** 53 - 1)))),
    nothing,
  ]
  yield ["the server's first record", update([], deleteSet([{ client: serverClient, clock: 0, length: 1 }])), nothing]
  yield ['the own first entry', update([], deleteSet([all(own.client, 1)])), nothing]
  yield ['with a range of length 0', update([], deleteSet([all(victim.client, 0)])), nothing]
  const mine = newChain(stage, [content.binary(stage.message())])
  yield ['beside an own entry', update([mine], deleteSet([all(victim.client, 5)])), taken(1)]
  const ranges = Array.from({ length: 60_000 }, (_, index) => concat(varUint(index * 2), [1]))
  yield [
    '191 KB of ranges',
    update([], joined([[1], varUint(victim.client), varUint(ranges.length), ...ranges])),
    nothing,
  ]
  const merged = content.any(...Array.from({ length: 60_000 }, () => any.null))
  const target = section(stage.fresh(), 0, [item({ parent: 'r', content: merged })])
  yield [
    '191 KB over one merged ContentAny',
    update([target], joined([[1], varUint(7), varUint(ranges.length), ...ranges])),
    nothing,
  ]
}

function* amplifications(stage: Stage): Cases {
  const { own } = stage.cast
  const next = own.payloads.length
  const anys = Array.from({ length: 7_000 }, (_, index) => nextItem(stage, content.any(any.integer(1)), index))
  yield ['112 KB of unmerged ContentAny', update([behindOwn(stage, anys)]), malformed]
  const rights = Array.from({ length: 3_500 }, (_, index) =>
    item({ rightOrigin: { client: own.client, clock: next + index - 1 }, content: content.any(any.null) }),
  )
  yield ['56 KB of right origins', update([behindOwn(stage, rights)]), malformed]
  const hollow = Array.from({ length: 50 }, () => newChain(stage, [content.deleted(1024)]))
  yield ['50 own chains of 1,024 deleted clocks', update(hollow), malformed]
  const empties = Array.from({ length: 20_000 }, (_, index) => section(index + 10_000, 0, []))
  yield ['20,000 sections without structs', update(empties), nothing]
  const tiny = section(
    7,
    1,
    Array.from({ length: 20_000 }, (_, index) =>
      item({ origin: { client: 7, clock: index }, content: content.binary([]) }),
    ),
  )
  yield ['20,000 empty payloads of a chain nobody knows', update([tiny]), nothing]
}

function* payloads(stage: Stage): Cases {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  const odd: readonly (readonly [string, Uint8Array])[] = [
    ['no bytes', new Uint8Array()],
    ['only a format byte', Uint8Array.of(1)],
    ['format 0', Uint8Array.of(0, 1, 2)],
    ['sealed', Uint8Array.of(2, 9, 9)],
    ['a stamp', Uint8Array.of(3, 0, 1)],
    ['format 255', Uint8Array.of(255)],
    ['invalid UTF-8', Uint8Array.of(1, 0x22, 0xff, 0x22)],
    ['a byte order mark', concat([1, 0xef, 0xbb, 0xbf], utf8('{"kind":"x"}'))],
    ['JSON nested 100,000 deep', jsonPayload(`{"kind":"x","v":${deep}}`)],
    ['an unclosed nest', jsonPayload('['.repeat(200_000))],
    [
      '__proto__',
      jsonPayload('{"kind":"set","key":"__proto__","value":{"__proto__":{"isAdmin":true}},"__proto__":{"at":1}}'),
    ],
    ['more than an entry may have', jsonPayload(`{"kind":"x","v":"${'x'.repeat(256 * 1024)}"}`)],
  ]
  for (const [name, payload] of odd) yield [name, update([newChain(stage, [content.binary(payload)])]), taken(1)]
}

function* truncations(stage: Stage): Cases {
  const { own, victim } = stage.cast
  const mine = behindOwn(stage, [
    nextItem(stage, content.binary(stage.message())),
    nextItem(stage, content.deleted(3), 1),
  ])
  const theirs = section(victim.client, 0, chainItems(rootOf(victim), victim.client, 0, [content.binary([1, 2, 3])]))
  const honest = update([mine, theirs], deleteSet([{ client: own.client, clock: own.payloads.length + 1, length: 3 }]))
  for (let length = 0; length < honest.length; length++)
    yield [`after ${length} bytes`, honest.subarray(0, length), malformed]
  const name = concat(varText('r'), [0])
  yield ['inside a root name', concat([1, 1, 7, 0, 3, 1, 50], name), malformed]
}
