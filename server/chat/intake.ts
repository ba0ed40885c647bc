/**
 * What comes from sockets: an update is parsed, bound to its sender's chains, put in order, judged and staged. Returns
 * faults of the sender; entries that are wrong become void and do not stop what stands behind them.
 */

import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import { parseUpdate, type Section } from '../../shared/sync/chain-update/parse-update.ts'
import { crc32 } from '../../shared/sync/crc32.ts'
import type { ClientId, UserId } from '../../shared/sync/ids.ts'
import { bindSections, type ChainTable, type Overlap, unknownClients } from '../sync/acceptance.ts'
import type { Taken } from '../sync/sync-target.ts'
import { type Candidate, readCandidates, touchedIds } from './candidate.ts'
import type { LiveConversation } from './live-conversation.ts'

const dayMs = 24 * 60 * 60 * 1000

/** Resolves when everything is staged; a long backlog goes in slices, each behind the commit before it. */
export async function takeUpdate(live: LiveConversation, sender: UserId, update: Uint8Array): Promise<Taken> {
  const parsed = parseUpdate(update)
  if (parsed.kind === 'malformed') return { kind: 'fault', code: 'malformed', why: parsed.why }
  if (parsed.sections.length === 0) return { kind: 'taken', gap: false, entries: 0 }
  try {
    const bound = await live.serially(() => bindAndStage(live, sender, parsed.sections))
    if (bound.kind === 'fault') return bound
    const later = await stageRest(live, sender, bound.rest)
    if (live.uncommittedBytes > limits.uncommittedBytes) await live.commit()
    return { kind: 'taken', gap: bound.gap, entries: bound.entries + later }
  } catch (error) {
    if (error instanceof Fault) return { kind: 'fault', code: error.code, why: error.message }
    throw error
  }
}

type Bound =
  | Extract<Taken, { kind: 'fault' }>
  /** The first slice is staged; `rest` brings the others. */
  | { readonly kind: 'bound'; readonly gap: boolean; readonly entries: number; readonly rest: Iterator<Candidate> }

async function bindAndStage(live: LiveConversation, sender: UserId, sections: readonly Section[]): Promise<Bound> {
  live.assertMember(sender)
  const binding = bindSections(sections, sender, await withDropped(live, sender, sections))
  if (binding.kind === 'fault') return binding
  const { parts, gap } = binding
  for (const { overlaps } of parts) {
    if (!(await overlapsAgree(live, overlaps))) {
      return { kind: 'fault', code: 'forked', why: 'other bytes at a clock that is taken' }
    }
  }
  const born = parts.filter(({ isNew }) => isNew)
  if (born.length > 0 && chainsOfToday(live, sender) + born.length > limits.newChainsPerUserPerDay) {
    return { kind: 'fault', code: 'overloaded', why: 'too many new chains today' }
  }
  const createdMs = live.deps.now()
  for (const { client } of born) live.ledger.addChain({ client, user: sender, held: false, createdMs })
  const rest = readCandidates(parts)
  const first = nextSlice(rest)
  await stageSlice(live, sender, first)
  return { kind: 'bound', gap, entries: first.length, rest }
}

/** The chains that there are and, of those that the sections name, the dropped ones, which are not kept in memory. */
async function withDropped(live: LiveConversation, sender: UserId, sections: readonly Section[]): Promise<ChainTable> {
  const { ledger } = live
  const dropped = await live.dropped(unknownClients(sections, sender, ledger))
  if (dropped.size === 0) return ledger
  return {
    chain: (client) => {
      const row = dropped.get(client)
      return row === undefined ? ledger.chain(client) : { ...row, held: false, dropped: true }
    },
    isServer: (client) => ledger.isServer(client),
  }
}

async function stageSlice(live: LiveConversation, sender: UserId, slice: readonly Candidate[]): Promise<void> {
  if (slice.length === 0) return
  const claims = await live.claims(touchedIds(slice))
  live.stage(sender, slice, claims)
}

/**
 * The later slices: other jobs run in between, so what another socket of the sender has brought meanwhile is left out.
 * Returns how many entries they had.
 */
async function stageRest(live: LiveConversation, sender: UserId, rest: Iterator<Candidate>): Promise<number> {
  let entries = 0
  for (let slice = nextSlice(rest); slice.length > 0; slice = nextSlice(rest)) {
    const candidates = slice
    await live.commit()
    await live.serially(async () => {
      live.assertMember(sender)
      // A new epoch may have done without the chain, all of it being void so far.
      if (candidates.some(({ client }) => live.ledger.chain(client) === undefined)) throw new Fault('restart')
      const next = new Map(candidates.map(({ client }) => [client, live.ledger.chain(client)?.next ?? 0]))
      const isFresh = ({ client, clock }: Candidate): boolean => clock >= (next.get(client) ?? 0)
      const overlaps = candidates.flatMap((candidate) => (isFresh(candidate) ? [] : asOverlap(candidate)))
      if (!(await overlapsAgree(live, overlaps))) throw new Fault('forked')
      await stageSlice(live, sender, candidates.filter(isFresh))
    })
    entries += candidates.length
  }
  return entries
}

function nextSlice<T>(items: Iterator<T>): T[] {
  const slice: T[] = []
  while (slice.length < limits.entriesPerSlice) {
    const read = items.next()
    if (read.done === true) break
    slice.push(read.value)
  }
  return slice
}

async function overlapsAgree(live: LiveConversation, overlaps: Iterable<Overlap>): Promise<boolean> {
  const all = overlaps[Symbol.iterator]()
  for (let slice = nextSlice(all); slice.length > 0; slice = nextSlice(all)) {
    const stored: Overlap[] = []
    for (const overlap of slice) {
      const crc = live.ledger.uncommittedCrc(overlap.client, overlap.clock)
      if (crc === undefined) stored.push(overlap)
      else if (!agree(crc, overlap)) return false
    }
    for (const client of new Set(stored.map((overlap) => overlap.client))) {
      const ofOne = stored.filter((overlap) => overlap.client === client)
      if (!(await storedAgree(live, client, ofOne))) return false
    }
  }
  return true
}

/** Without bytes there is nothing to compare: deleted content is never a fork. */
function asOverlap({ client, clock, payload }: Candidate): Overlap[] {
  return payload === undefined ? [] : [{ client, clock, crc: crc32(payload) }]
}

async function storedAgree(live: LiveConversation, client: ClientId, overlaps: readonly Overlap[]): Promise<boolean> {
  const clocks = overlaps.map(({ clock }) => clock)
  const places = await live.deps.store.places(live.id, client, clocks)
  return overlaps.every((overlap, index) => agree(places[index]?.crc, overlap))
}

/**
 * Where no bytes were accepted any will do: after a restore, what was void may come first from another device of the same
 * user, which no longer has the bytes, and then from its author, who still has.
 */
function agree(accepted: number | undefined, { crc }: Overlap): boolean {
  return accepted === 0 || accepted === crc
}

function chainsOfToday(live: LiveConversation, user: UserId): number {
  const since = live.deps.now() - dayMs
  let count = 0
  for (const chain of live.ledger.chains()) if (chain.user === user && !chain.held && chain.createdMs > since) count++
  return count
}
