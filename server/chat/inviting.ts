/**
 * Invitations of live conversations. A use is spent and a member added in one commit: both are staged in one go of a serial
 * job, so that no crash comes between, and of two who want the last use one is first (SPEC INVITE1).
 */

import type { InvitationId } from '../../shared/chat/invitation.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/sync/ids.ts'
import { type Conversations, Refused } from '../conversations.ts'
import {
  type Invitation,
  InvitationEnded,
  type InvitationRef,
  type Invitations,
  type NewInvitation,
} from '../invitations.ts'
import type { ConversationStore } from '../storage/conversation-store.ts'
import { requireAccess } from './authority.ts'
import type { LiveConversation } from './live-conversation.ts'
import { stageOwn } from './posting.ts'
import type { Registry } from './registry.ts'

export interface InvitingDeps {
  readonly store: ConversationStore
  readonly registry: Registry
  readonly conversations: Pick<Conversations, 'get'>
  readonly drawInvitationId: () => InvitationId
  /** In ms. */
  readonly now: () => number
}

export function createInvitations(deps: InvitingDeps): Invitations {
  const { store, registry, conversations, drawInvitationId, now } = deps
  const isOver = ({ expiresMs }: Pick<Invitation, 'expiresMs'>): boolean => now() >= expiresMs

  async function create(live: LiveConversation, user: UserId, fresh: NewInvitation): Promise<Staged<Invitation>> {
    live.assertMember(user, 'admin')
    const { uncommitted } = live.judging
    const all = await uncommitted.invitations()
    if (all.filter((row) => !isOver(row)).length >= limits.invitations) throw new Refused('too-many')
    const [createdMs, { access, lifeMs, uses: usesLeft }] = [now(), fresh]
    const id = drawInvitationId()
    const row = { id, access, createdBy: user, createdMs, expiresMs: createdMs + lifeMs, usesLeft }
    const { invitations } = uncommitted.staged
    // Nobody needs them any more, and so there are never many.
    for (const each of all) if (isOver(each)) invitations.set(each.id, { ...each, usesLeft: 0 })
    invitations.set(id, row)
    return { value: row, durable: live.commit() }
  }

  async function accept(live: LiveConversation, user: UserId, ref: InvitationRef): Promise<Staged<void>> {
    live.assertUsable()
    const { uncommitted } = live.judging
    if (live.accessOf(user) !== undefined) return { value: undefined, durable: live.commit() }
    const row = (await uncommitted.invitations()).find((each) => each.id === ref.id)
    if (row === undefined || isOver(row) || isOver(ref)) throw new InvitationEnded()
    const { createdBy, access, usesLeft } = row
    const spend = (): void => {
      if (usesLeft !== null) uncommitted.staged.invitations.set(row.id, { ...row, usesLeft: usesLeft - 1 })
    }
    try {
      const { durable } = await stageOwn(live, createdBy, { kind: 'member', user, access, invitation: row.id }, spend)
      return { value: undefined, durable }
    } catch (error) {
      // Whoever invited may not do so any more.
      if (error instanceof Refused && error.reason === 'access') throw new InvitationEnded()
      throw error
    }
  }

  return {
    create: (user, id, fresh) => registry.use(id, (live) => staged(live, () => create(live, user, fresh))),
    list: async (user, id) => {
      // What they may is looked at behind what they are told: it may be taken from them meanwhile.
      const rows = await store.invitations(id)
      const { access } = await conversations.get(user, id)
      requireAccess(access, 'admin')
      return rows.filter((row) => !isOver(row))
    },
    revoke: (user, id, invitation) => registry.use(id, (live) => staged(live, () => revoke(live, user, invitation))),
    accept: (user, ref) => registry.use(ref.conversation, (live) => staged(live, () => accept(live, user, ref))),
  }
}

async function revoke(live: LiveConversation, user: UserId, id: InvitationId): Promise<Staged<void>> {
  live.assertMember(user, 'admin')
  const { uncommitted } = live.judging
  const row = (await uncommitted.invitations()).find((each) => each.id === id)
  if (row !== undefined) uncommitted.staged.invitations.set(id, { ...row, usesLeft: 0 })
  // Also when an earlier request has revoked it: that may still be on its way to the disk.
  return { value: undefined, durable: live.commit() }
}

interface Staged<T> {
  readonly value: T
  readonly durable: Promise<void>
}

/** Runs a job in its turn, which does not last until what it staged is durable; resolves then. */
async function staged<T>(live: LiveConversation, job: () => Promise<Staged<T>>): Promise<T> {
  const { value, durable } = await live.serially(job)
  await durable
  return value
}
