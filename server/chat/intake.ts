/**
 * What comes from sockets: an update is parsed, bound to its sender's chains, put in order, judged and staged. Returns
 * faults of the sender; entries that are wrong become void and do not stop what stands behind them.
 */

import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import { parseUpdate, type Section } from '../../shared/sync/chain-update/parse-update.ts'
import { crc32 } from '../../shared/sync/crc32.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { bindSections, type Overlap, type OwnPart } from '../sync/acceptance.ts'
import type { Taken } from '../sync/sync-target.ts'
import { type Candidate, nextCandidates, readCandidates } from './candidate.ts'
import { type Compared, overlapsAgree } from './fork.ts'
import type { LiveConversation } from './live-conversation.ts'
import { type LookedUp, lookUp } from './looked-up.ts'

const dayMs = 24 * 60 * 60 * 1000

/** Resolves when everything is staged; a long backlog goes in slices, each behind the commit before it. */
export async function takeUpdate(live: LiveConversation, sender: UserId, update: Uint8Array): Promise<Taken> {
  const parsed = parseUpdate(update)
  if (parsed.kind === 'malformed') return { kind: 'fault', code: 'malformed', why: parsed.why }
  if (parsed.sections.length === 0) return { kind: 'taken', gap: false, entries: 0 }
  const compared: Compared = { entries: 0 }
  // Sections that bring nothing are work as well.
  const cost = (entries: number): number => Math.max(parsed.sections.length, compared.entries + entries)
  try {
    const bound = await bindInTurn(live, sender, parsed.sections, compared)
    if (bound.kind === 'fault') return { ...bound, entries: cost(0) }
    const later = await stageRest(live, sender, bound.rest)
    if (live.uncommittedBytes > limits.uncommittedBytes) await live.commit()
    return { kind: 'taken', gap: bound.gap, entries: cost(bound.entries + later) }
  } catch (error) {
    if (error instanceof Fault) return { kind: 'fault', code: error.code, why: error.message, entries: cost(0) }
    throw error
  }
}

type Bound =
  | Extract<Taken, { kind: 'fault' }>
  /** The first slice is staged; `rest` brings the others. */
  | { readonly kind: 'bound'; readonly gap: boolean; readonly entries: number; readonly rest: Iterator<Candidate> }

async function bindInTurn(
  live: LiveConversation,
  sender: UserId,
  sections: readonly Section[],
  compared: Compared,
): Promise<Bound> {
  for (;;) {
    const lookedUp = await lookUp(live, sender, sections, compared)
    const bound = await live.serially(async () => {
      live.assertMember(sender)
      return lookedUp.epoch === live.ledger.epoch ? bindAndStage(live, sender, sections, lookedUp, compared) : undefined
    })
    if (bound !== undefined) return bound
  }
}

async function bindAndStage(
  live: LiveConversation,
  sender: UserId,
  sections: readonly Section[],
  { table, agrees }: LookedUp,
  compared: Compared,
): Promise<Bound> {
  const binding = bindSections(sections, sender, table)
  if (binding.kind === 'fault') return binding
  const { parts, gap } = binding
  if (!agrees || !(await overlapsAgree(live, overlapsIn(parts), compared))) {
    return { kind: 'fault', code: 'forked', why: 'other bytes at a clock that is taken' }
  }
  const born = parts.filter(({ isNew }) => isNew)
  if (born.length > 0 && chainsOfToday(live, sender) + born.length > limits.newChainsPerUserPerDay) {
    return { kind: 'fault', code: 'overloaded', why: 'too many new chains today' }
  }
  const createdMs = live.deps.now()
  for (const { client } of born) live.ledger.addChain({ client, user: sender, held: false, createdMs })
  const rest = readCandidates(parts)
  const first = nextCandidates(rest)
  await stageSlice(live, sender, first)
  return { kind: 'bound', gap, entries: first.length, rest }
}

async function stageSlice(live: LiveConversation, sender: UserId, slice: readonly Candidate[]): Promise<void> {
  if (slice.length === 0) return
  await live.withTargets(sender, slice, (targets) => live.stage(sender, slice, targets))
}

/**
 * The later slices: other jobs run in between, so what another socket of the sender has brought meanwhile is left out.
 * Returns how many entries they had.
 */
async function stageRest(live: LiveConversation, sender: UserId, rest: Iterator<Candidate>): Promise<number> {
  let entries = 0
  for (let slice = nextCandidates(rest); slice.length > 0; slice = nextCandidates(rest)) {
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

/** Without bytes there is nothing to compare: deleted content is never a fork. */
function asOverlap({ client, clock, payload }: Candidate): Overlap[] {
  return payload === undefined ? [] : [{ client, clock, crc: crc32(payload) }]
}

function* overlapsIn(parts: readonly OwnPart[]): Generator<Overlap> {
  for (const { overlaps } of parts) yield* overlaps
}

function chainsOfToday(live: LiveConversation, user: UserId): number {
  const since = live.deps.now() - dayMs
  let count = 0
  for (const chain of live.ledger.chains()) if (chain.user === user && !chain.held && chain.createdMs > since) count++
  return count
}
