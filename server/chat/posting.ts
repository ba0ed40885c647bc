/**
 * What comes over REST: entries that the server writes on the user's held chain. The same rules as for sockets, but what
 * they forbid is refused here instead of being stored void.
 */

import { encodeEntry, type KnownEntry, type MessageEntry, type SetEntry } from '../../shared/chat/entry.ts'
import { type PolicyView, settingBytes } from '../../shared/chat/policy.ts'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { Conflict, type Posted, Refused } from '../conversations.ts'
import type { ClaimRow } from '../storage/conversation-store.ts'
import { missingRows } from '../storage/missing-rows.ts'
import { verdictOn } from './authority.ts'
import type { Candidate } from './candidate.ts'
import { heldChain } from './client-ids.ts'
import { messageDigest } from './digest.ts'
import { policyView } from './judging.ts'
import type { LiveConversation } from './live-conversation.ts'

/** Appends an entry to the user's held chain; resolves when it is durable. Refused when the rules forbid it. */
export async function applyEntry(live: LiveConversation, user: UserId, entry: KnownEntry): Promise<void> {
  const staged = await live.serially(async () => {
    live.assertMember(user)
    return stageOwn(live, user, entry)
  })
  await staged.durable
}

/**
 * Appends what changes settings, each of another key, to the user's held chain, in one commit: all of it or, when the rules
 * forbid one of them, nothing. Resolves when it is durable.
 */
export async function applySettings(live: LiveConversation, user: UserId, entries: readonly SetEntry[]): Promise<void> {
  const staged = await live.serially(async () => {
    live.assertMember(user)
    const wanted = smallestFirst(live, entries)
    const client = await heldChain(live, user)
    const first = live.ledger.chain(client)?.next ?? 0
    const place = (settings: readonly GrowingSetting[]): readonly Candidate[] =>
      settings.map(({ candidate }, index) => ({ ...candidate, client, clock: first + index }))
    await live.withTargets(user, place(wanted), (targets) => {
      assertSettable(policyView(live.judging, targets), user, wanted)
      const candidates = place(wanted.filter(({ entry }) => !live.changesNothing(user, entry, targets)))
      // At once, so that no commit comes between them.
      if (candidates.length > 0) live.stage(user, candidates, targets)
    })
    return { durable: live.commit() }
  })
  await staged.durable
}

interface GrowingSetting {
  readonly entry: SetEntry
  readonly candidate: Unplaced
  /** Bytes of settings that it takes more than what stands there. */
  readonly growth: number
}

/** What makes room comes before what needs it. */
function smallestFirst({ roster }: LiveConversation, entries: readonly SetEntry[]): readonly GrowingSetting[] {
  return entries
    .map((entry) => {
      const { key, value } = entry
      return { entry, candidate: unplaced(entry), growth: bytesOf(key, value) - bytesOf(key, roster.setting(key)) }
    })
    .toSorted((a, b) => a.growth - b.growth)
}

function bytesOf(key: string, value: unknown): number {
  return value === null ? 0 : settingBytes(key, value)
}

/** Throws Refused when one of them would be void, each behind those before it. */
function assertSettable(view: PolicyView, user: UserId, settings: readonly GrowingSetting[]): void {
  let grown = 0
  for (const { candidate, growth } of settings) {
    const before = grown
    const then = { ...view, settingsBytesWithout: (key: string) => view.settingsBytesWithout(key) + before }
    assertAllowed(then, user, candidate)
    grown += growth
  }
}

/** Appends a message, or finds the one that an earlier request with this id or key made. */
export async function postMessage(
  live: LiveConversation,
  user: UserId,
  entry: MessageEntry,
  idempotencyKey: string | undefined,
): Promise<Posted> {
  const outcome = await live.serially(async () => {
    live.assertMember(user)
    const known = idempotencyKey === undefined ? undefined : await live.idempotent(user, idempotencyKey)
    const id = known ?? entry.id
    const claim = (await live.claims([id])).get(id)
    if (claim !== undefined) assertSameMessage(claim, user, entry)
    const created = claim?.seq === undefined
    const noteKey = (): void => {
      if (idempotencyKey !== undefined && known === undefined) live.noteIdempotency(user, idempotencyKey, id)
    }
    if (created) return { id, created, ...(await stageOwn(live, user, { ...entry, id }, noteKey)) }
    noteKey()
    // An earlier request's message may still be on its way to the disk.
    return { id, created, durable: live.commit() }
  })
  await outcome.durable
  const { store } = live.deps
  const [claim] = await store.claims(live.id, [outcome.id])
  const message = claim?.seq === undefined ? undefined : await store.message(live.id, claim.seq)
  if (live.ended !== undefined) throw new Fault(live.ended)
  if (message === undefined) throw await missingRows(store, live.id, 'a committed message is not there')
  return { message, created: outcome.created }
}

function assertSameMessage(claim: ClaimRow, user: UserId, entry: MessageEntry): void {
  if (claim.user !== user) throw new Conflict('id-taken')
  if (claim.seq !== undefined && claim.digest !== messageDigest(entry)) throw new Conflict('other-content')
}

/**
 * From a serial job. `onAllowed` is called when the rules allow it, to stage what goes with it. The promise is wrapped, so
 * that the job does not wait for the commit.
 */
export async function stageOwn(
  live: LiveConversation,
  user: UserId,
  entry: KnownEntry,
  onAllowed: () => void = () => undefined,
): Promise<{ readonly durable: Promise<void> }> {
  const own = unplaced(entry)
  const client = await heldChain(live, user)
  const candidate = { ...own, client, clock: live.ledger.chain(client)?.next ?? 0 }
  await live.withTargets(user, [candidate], (targets) => {
    assertAllowed(policyView(live.judging, targets), user, candidate)
    onAllowed()
    if (!live.changesNothing(user, entry, targets)) live.stage(user, [candidate], targets)
  })
  return { durable: live.commit() }
}

/** An entry that has no place yet. */
type Unplaced = Omit<Candidate, 'client' | 'clock'>

/** Throws Refused when it is too large. */
function unplaced(entry: KnownEntry): Unplaced {
  const payload = encodeEntry(entry)
  if (payload.length > limits.entryBytes) throw new Refused('too-large')
  return { payload, at: undefined, content: { kind: 'entry', entry } }
}

/** Throws Refused when the rules forbid it. */
function assertAllowed(view: PolicyView, user: UserId, { content }: Unplaced): void {
  const reason = verdictOn(view, user, content)
  if (reason !== undefined) throw new Refused(reason)
}
