// `parseUpdate` against the naive reader of the same format, and what acceptance takes of it against a real Y.Doc.
import { parseUpdate, type Section } from '../../../shared/sync/chain-update/parse-update.ts'
import { splitUpdate } from '../../../shared/sync/chain-update/split-update.ts'
import { createStand } from '../../helpers/acceptance-stand.ts'
import { inventCast } from '../../helpers/adversarial-cast.ts'
import { forgeUpdate } from '../../helpers/adversarial-corpus.ts'
import { adversarialUpdates } from '../../helpers/adversarial-updates.ts'
import { hex } from '../../helpers/chain-doc.ts'
import { mutate } from '../../helpers/mutations.ts'
import { chainShape, type NaiveSection, readUpdate, rootOfSection } from '../../helpers/naive-update.ts'
import { createRandom } from '../../helpers/seeded-random.ts'
import { demand, type FuzzTarget, orderOf } from '../fuzz-target.ts'

const cast = inventCast(createRandom(1))
const stand = createStand(cast)
/** A limit that cuts nearly everything. */
const partBytes = 160
/** Longer ones are for the tests of time and memory. */
const longestSeedBytes = 2048

export const parseTarget: FuzzTarget = {
  name: 'parse',
  *seeds(random) {
    for (const { bytes } of adversarialUpdates(random, cast)) if (bytes.length <= longestSeedBytes) yield bytes
    for (let left = 100; left > 0; left--) yield forgeUpdate(random, cast)
    yield stand.base
  },
  mutate,
  run: (input) => {
    const parsed = parseUpdate(input)
    const naive = readNaively(input)
    demand((parsed.kind === 'update') === (naive !== undefined), 'the two readers agree on what an update is', parsed)
    if (parsed.kind === 'malformed') return parsed.why
    demand(parsed.sections.length === naive?.length, 'the two readers see the same sections')
    const kinds = parsed.sections.map((section, index) => compare(section, naive?.[index]))
    splitsEvenly(input)
    return `${[...new Set(kinds)].toSorted().join(' + ')} → ${integrate(input)}`
  },
  parse: (input) => void parseUpdate(input),
}

function readNaively(input: Uint8Array): NaiveSection[] | undefined {
  try {
    return readUpdate(input)
  } catch {
    // It says what it is by not being read.
    return undefined
  }
}

/** What kind of section it is. */
function compare(section: Section, naive: NaiveSection | undefined): string {
  if (naive === undefined) throw new Error('a section too many')
  const { client, clock, root, flaw, cut } = section
  const same = client === naive.client && clock === naive.clock && root === rootOfSection(naive)
  demand(same, 'the two readers see the same section', section, naive)
  const shape = chainShape(naive)
  demand((flaw === undefined) === (shape !== undefined), 'the two readers agree on what a chain is', section, naive)
  const structs = [...section.structs]
  const links = structs.map((struct) => (struct.kind === 'payload' ? struct.bytes : { deleted: struct.length }))
  demand(JSON.stringify(links) === JSON.stringify(shape ?? []), 'the two readers see the same links', links, shape)
  const hasSkip = naive.structs.some(({ kind }) => kind === 'skip')
  demand(cut === (hasSkip && shape !== undefined) || flaw !== undefined, 'a Skip cuts', section)
  const start = clock === 0 ? 'start' : 'middle'
  return `${start} ${flaw ?? [...new Set(structs.map(({ kind }) => kind))].toSorted().join()} ${cut ? 'cut' : ''}`
}

/** Cut into small parts it says the same: all of it that is a chain and fits into a part. */
function splitsEvenly(input: Uint8Array): void {
  if (input.length <= partBytes) return
  const parts = splitUpdate(input, partBytes)
  const whole = chainsOf([input])
  const cut = chainsOf(parts)
  demand(
    parts.every((part) => part.length <= partBytes),
    'no part is too long',
    parts.map(({ length }) => length),
  )
  for (const [client, links] of cut) {
    const before = whole.get(client)?.slice(0, links.length) ?? []
    const isSame = links.every(({ says }, index) => says === before[index]?.says)
    demand(isSame && links.length === before.length, 'parts say nothing else', client, links, before)
  }
  for (const [client, links] of whole) {
    const [first, ...rest] = links.slice(cut.get(client)?.length ?? 0)
    // A chain ends at what is too long for a part.
    const isCut = first === undefined || first.mayTakeBytes > partBytes
    demand(isCut, 'parts leave nothing out', client, first, rest.length)
  }
}

interface Link {
  readonly says: string
  /** At most, alone in an update: numbers of five and eight bytes. */
  readonly mayTakeBytes: number
}

/** Of each clientID that can be one: what its chain-shaped sections hold, clock by clock. */
function chainsOf(updates: readonly Uint8Array[]): Map<number, Link[]> {
  const chains = new Map<number, Link[]>()
  for (const section of updates.flatMap(readUpdate)) {
    const { client, clock } = section
    const root = rootOfSection(section) ?? ''
    if (client >= 2 ** 32 || (clock === 0 && root === '')) continue
    const links = chains.get(client) ?? []
    for (const [index, link] of (chainShape(section) ?? []).entries()) {
      const says = link instanceof Uint8Array ? hex(link) : `gone ${link.deleted}`
      const named = clock + index === 0 ? 3 * root.length : 0
      links.push({ says, mayTakeBytes: 50 + named + (link instanceof Uint8Array ? link.length : 0) })
    }
    if (links.length > 0) chains.set(client, links)
  }
  return chains
}

/** What is taken of it goes into a document whole, and into nobody else's chain. */
function integrate(input: Uint8Array): string {
  const outcome = stand.receive(input)
  if (outcome.kind === 'fault') return outcome.code
  if (outcome.fresh.length === 0) return outcome.gap ? 'gap' : 'nothing'
  const broken = stand.violations(stand.relayed(outcome.fresh), outcome.fresh)
  demand(broken.length === 0, 'what is taken integrates', broken)
  const gone = outcome.fresh.some(({ payload }) => payload === undefined)
  return `${orderOf(outcome.fresh.length)}${gone ? ' gone' : ''}${outcome.gap ? ' gap' : ''}`
}
