/**
 * What comes from sockets: an update is parsed, bound to its sender's chains, put in order, judged and staged. Returns
 * faults of the sender; entries that are wrong become void and do not stop what stands behind them.
 */

import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import { parseUpdate, type Section } from '../../shared/sync/chain-update/parse-update.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { bindSections, newChains, type Overlap } from '../sync/acceptance.ts'
import type { Taken } from '../sync/sync-target.ts'
import { type Candidate, readCandidates, touchedIds } from './candidate.ts'
import type { LiveConversation } from './live-conversation.ts'

const dayMs = 24 * 60 * 60 * 1000

/** Resolves when everything is staged; a long backlog goes in slices, each behind the commit before it. */
export async function takeUpdate(live: LiveConversation, sender: UserId, update: Uint8Array): Promise<Taken> {
  const parsed = parseUpdate(update)
  if (parsed.kind === 'malformed') return { kind: 'fault', code: 'malformed', why: parsed.why }
  if (parsed.sections.length === 0) return { kind: 'taken', gap: false }
  try {
    const bound = await live.serially(() => bindAndStage(live, sender, parsed.sections))
    if (bound.kind === 'fault') return bound
    for (const slice of bound.later) await stageLater(live, sender, slice)
    if (live.uncommittedBytes > limits.uncommittedBytes) await live.commit()
    return { kind: 'taken', gap: bound.gap }
  } catch (error) {
    if (error instanceof Fault) return { kind: 'fault', code: error.code, why: error.message }
    throw error
  }
}

type Bound =
  | Extract<Taken, { kind: 'fault' }>
  | { readonly kind: 'bound'; readonly gap: boolean; readonly later: readonly (readonly Candidate[])[] }

async function bindAndStage(live: LiveConversation, sender: UserId, sections: readonly Section[]): Promise<Bound> {
  live.assertMember(sender)
  const binding = bindSections(sections, sender, live.ledger)
  if (binding.kind === 'fault') return binding
  if (!(await overlapsAgree(live, binding.overlaps))) {
    return { kind: 'fault', code: 'forked', why: 'other bytes at a clock that is taken' }
  }
  const { fresh } = binding
  if (fresh.length === 0) return { kind: 'bound', gap: binding.gap, later: [] }
  const born = newChains(fresh)
  if (born > 0 && chainsOfToday(live, sender) + born > limits.newChainsPerUserPerDay) {
    return { kind: 'fault', code: 'overloaded', why: 'too many new chains today' }
  }
  const createdMs = live.deps.now()
  for (const { client, clock } of fresh) {
    if (clock === 0) live.ledger.addChain({ client, user: sender, held: false, createdMs })
  }
  const slices = sliced(readCandidates(fresh), limits.entriesPerSlice)
  await stageSlice(live, sender, slices[0] ?? [])
  return { kind: 'bound', gap: binding.gap, later: slices.slice(1) }
}

async function stageSlice(live: LiveConversation, sender: UserId, slice: readonly Candidate[]): Promise<void> {
  const claims = await live.claims(touchedIds(slice))
  live.stage(sender, slice, claims)
}

/** A later slice: other jobs have run since, so what another socket of the sender has brought meanwhile is left out. */
async function stageLater(live: LiveConversation, sender: UserId, slice: readonly Candidate[]): Promise<void> {
  await live.commit()
  await live.serially(async () => {
    live.assertMember(sender)
    const next = new Map(slice.map(({ client }) => [client, live.ledger.chain(client)?.next ?? 0]))
    const fresh = slice.filter(({ client, clock }) => clock >= (next.get(client) ?? 0))
    await stageSlice(live, sender, fresh)
  })
}

async function overlapsAgree(live: LiveConversation, overlaps: readonly Overlap[]): Promise<boolean> {
  const stored = new Map<Overlap['client'], Overlap[]>()
  for (const overlap of overlaps) {
    const crc = live.ledger.uncommittedCrc(overlap.client, overlap.clock)
    if (crc !== undefined && crc !== overlap.crc) return false
    if (crc !== undefined) continue
    const group = stored.get(overlap.client)
    if (group === undefined) stored.set(overlap.client, [overlap])
    else group.push(overlap)
  }
  for (const [client, group] of stored) {
    for (const slice of sliced(group, limits.entriesPerSlice)) {
      const clocks = slice.map(({ clock }) => clock)
      const places = await live.deps.store.places(live.id, client, clocks)
      if (slice.some(({ crc }, index) => places[index]?.crc !== crc)) return false
    }
  }
  return true
}

function chainsOfToday(live: LiveConversation, user: UserId): number {
  const since = live.deps.now() - dayMs
  let count = 0
  for (const chain of live.ledger.chains()) if (chain.user === user && !chain.held && chain.createdMs > since) count++
  return count
}

function sliced<T>(items: readonly T[], size: number): T[][] {
  const slices: T[][] = []
  for (let start = 0; start < items.length; start += size) slices.push(items.slice(start, start + size))
  return slices
}
