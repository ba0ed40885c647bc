/**
 * What comes over REST: entries that the server writes on the user's held chain. The same rules as for sockets, but what
 * they forbid is refused here instead of being stored void.
 */

import { type Entry, encodeEntry, type KnownEntry, type MessageEntry } from '../../shared/chat/entry.ts'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { Conflict, type Posted, Refused } from '../conversations.ts'
import type { ClaimRow } from '../storage/conversation-store.ts'
import { missingRows } from '../storage/missing-rows.ts'
import { verdictOn } from './authority.ts'
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
  const payload = encodeEntry(entry)
  if (payload.length > limits.entryBytes) throw new Refused('too-large')
  const content = { kind: 'entry', entry } as const satisfies { kind: 'entry'; entry: Entry }
  const client = await heldChain(live, user)
  const clock = live.ledger.chain(client)?.next ?? 0
  const candidate = { client, clock, payload, at: undefined, content }
  await live.withTargets(user, [candidate], (targets) => {
    const reason = verdictOn(policyView(live.judging, targets), user, content)
    if (reason !== undefined) throw new Refused(reason)
    onAllowed()
    if (!live.changesNothing(user, entry, targets)) live.stage(user, [candidate], targets)
  })
  return { durable: live.commit() }
}
