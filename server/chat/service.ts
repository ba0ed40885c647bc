/** The door to conversations (`Conversations`): reads come from the store, writes go through the live conversation. */

import type { Access } from '../../shared/chat/access.ts'
import type { KnownEntry, MessageId } from '../../shared/chat/entry.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { ClientId, ConversationId, UserId } from '../../shared/sync/ids.ts'
import type {
  ChainPlace,
  Conversations,
  ConversationState,
  ConversationSummary,
  ListCursor,
  MessageQuery,
  NewConversation,
} from '../conversations.ts'
import { type ConversationStore, type Head, isDamage, type MemberRow } from '../storage/conversation-store.ts'
import { requireAccess } from './authority.ts'
import type { LiveConversation } from './live-conversation.ts'
import { applyEntry, postMessage, stageOwn } from './posting.ts'
import type { Registry } from './registry.ts'

export interface ServiceDeps {
  readonly store: ConversationStore
  readonly registry: Registry
  /** Draws the id of a new conversation, a UUIDv7. */
  readonly drawConversationId: () => ConversationId
}

export function createConversations({ store, registry, drawConversationId }: ServiceDeps): Conversations {
  /** The durable head and the user's access; the fault that keeps them out otherwise. */
  async function enter(user: UserId, id: ConversationId): Promise<{ head: Head; access: Access }> {
    const [stored, member] = await Promise.all([store.head(id), store.member(id, user)])
    if (stored === undefined) throw new Fault('not-found')
    if (stored.kind === 'deleted') throw new Fault('deleted')
    return { head: stored.head, access: requireAccess(member?.access) }
  }

  async function state(user: UserId, id: ConversationId): Promise<ConversationState> {
    const { head, access } = await enter(user, id)
    return stateOf(id, head, access)
  }

  async function summary(user: UserId, id: ConversationId, head: Head): Promise<ConversationSummary | undefined> {
    const member = await store.member(id, user)
    if (member === undefined || member.access === null) return undefined
    const { lastMessageSeq } = head
    const lastMessage = lastMessageSeq === null ? undefined : await store.message(id, lastMessageSeq)
    const unread = await countUnread(store, id, head, member)
    return { ...stateOf(id, head, member.access), unread, lastMessage: lastMessage ?? null }
  }

  return {
    create: async (user, fresh) => {
      const id = fresh.id ?? drawConversationId()
      const created = await registry.useOrBegin(id, (live) => beginOrEnter(live, user, fresh))
      return { state: await state(user, id), created }
    },

    list: async (user, { limit, cursor }) => {
      const ids = await store.conversationsOf(user)
      const heads = await store.heads(ids)
      const behind = ids
        .flatMap((id, index) => {
          const stored = heads[index]
          return stored?.kind === 'head' ? [{ id, head: stored.head }] : []
        })
        .filter((line) => cursor === undefined || isBehind(line, cursor))
        .toSorted((a, b) => b.head.updatedMs - a.head.updatedMs || (a.id < b.id ? 1 : -1))
      const page = behind.slice(0, limit)
      // One after another: the unread of one conversation can be a thousand rows.
      const items: ConversationSummary[] = []
      for (const { id, head } of page) {
        const line = await summary(user, id, head).catch(leaveOutDamaged)
        if (line !== undefined) items.push(line)
      }
      const last = page.at(-1)
      return {
        items,
        next: behind.length > limit && last ? { updatedMs: last.head.updatedMs, id: last.id } : undefined,
      }
    },

    get: state,

    delete: async (user, id) => {
      await registry.use(id, async (live) => {
        const deleted = await live.serially(async () => {
          live.assertMember(user, 'owner')
          return { durable: live.delete() }
        })
        await deleted.durable
      })
    },

    members: async (user, id) => {
      await enter(user, id)
      const rows = await store.members(id)
      return rows.flatMap(({ user: member, access }) => (access === null ? [] : [{ user: member, access }]))
    },

    apply: async (user, id, entry) => {
      await registry.use(id, (live) => applyEntry(live, user, entry))
      // Whoever has just left has no state to see any more; the answer is what they left.
      const stored = await store.head(id)
      if (stored?.kind !== 'head') throw new Fault('deleted')
      const member = await store.member(id, user)
      return stateOf(id, stored.head, member?.access ?? 'reader')
    },

    post: (user, id, message, key) => registry.use(id, (live) => postMessage(live, user, message, key)),

    messages: async (user, id, query) => {
      const { head } = await enter(user, id)
      return { messages: await readMessages(store, id, query), asOf: head.nextSeq - 1 }
    },

    message: async (user, id, messageId) => {
      await enter(user, id)
      return findMessage(store, id, messageId)
    },

    chain: async (user, id, client, from) => {
      await enter(user, id)
      return readChain(store, user, id, client, from)
    },
  }
}

/** True when it was begun now; Fault `no-access` when it exists and the user is not a member. */
async function beginOrEnter(live: LiveConversation, user: UserId, fresh: NewConversation): Promise<boolean> {
  const outcome = await live.serially(async () => {
    if (!live.isUnborn) {
      live.assertMember(user)
      return { begun: false, durable: live.commit() }
    }
    live.begin(user)
    for (const entry of firstEntries(user, fresh)) await stageOwn(live, user, entry)
    return { begun: true, durable: live.commit() }
  })
  await outcome.durable
  return outcome.begun
}

function firstEntries(owner: UserId, { title, members = [] }: NewConversation): KnownEntry[] {
  const titleEntry: KnownEntry[] = title === undefined ? [] : [{ kind: 'set', key: 'title', value: title }]
  const others = members.filter(({ user }) => user !== owner)
  return [...titleEntry, ...others.map(({ user, access }): KnownEntry => ({ kind: 'member', user, access }))]
}

/** One damaged conversation does not take the list along (SPEC STORE9). */
function leaveOutDamaged(error: unknown): undefined {
  if (!isDamage(error)) throw error
}

function stateOf(id: ConversationId, head: Head, access: Access): ConversationState {
  return {
    id,
    title: head.title,
    access,
    createdMs: head.createdMs,
    updatedMs: head.updatedMs,
    lastSeq: head.nextSeq === 0 ? null : head.nextSeq - 1,
  }
}

function isBehind(line: { readonly id: ConversationId; readonly head: Head }, cursor: ListCursor): boolean {
  const { updatedMs } = line.head
  return updatedMs < cursor.updatedMs || (updatedMs === cursor.updatedMs && line.id < cursor.id)
}

/** Others' messages after the member's read register, looking at no more rows than the badge can count. */
async function countUnread(
  store: ConversationStore,
  id: ConversationId,
  head: Head,
  member: MemberRow,
): Promise<number> {
  if (head.lastMessageSeq === null || head.lastMessageSeq <= member.readThrough) return 0
  const limit = limits.unreadCount
  const newer = await store.messages(id, { after: member.readThrough, limit, take: 'newest' })
  return newer.filter(({ user }) => user !== member.user).length
}

async function readMessages(
  store: ConversationStore,
  id: ConversationId,
  { limit, before, after, around }: MessageQuery,
): Promise<readonly StampedMessage[]> {
  if (after !== undefined) return store.messages(id, { after, limit, take: 'oldest' })
  if (before !== undefined) return store.messages(id, { before, limit, take: 'newest' })
  if (around === undefined) return store.messages(id, { limit, take: 'newest' })
  const half = Math.floor(limit / 2)
  const older = half === 0 ? [] : await store.messages(id, { before: around, limit: half, take: 'newest' })
  const newer = await store.messages(id, { after: around, limit: limit - half, take: 'oldest' })
  return [...older, ...newer]
}

async function findMessage(
  store: ConversationStore,
  id: ConversationId,
  messageId: MessageId,
): Promise<StampedMessage> {
  const [claim] = await store.claims(id, [messageId])
  const message = claim?.seq === undefined ? undefined : await store.message(id, claim.seq)
  if (message === undefined) throw new Fault('not-found')
  return message
}

async function readChain(
  store: ConversationStore,
  user: UserId,
  id: ConversationId,
  client: ClientId,
  from: number,
): Promise<{ readonly next: number; readonly places: readonly ChainPlace[] }> {
  const chains = await store.chains(id)
  const chain = chains.find((row) => row.client === client) ?? (await store.dropped(id, [client]))[0]
  if (chain === undefined || chain.user !== user) throw new Fault('not-found')
  const count = Math.max(0, Math.min(chain.next - from, limits.pageMessages))
  const clocks = Array.from({ length: count }, (_, index) => from + index)
  const rows = await store.places(id, client, clocks)
  const places = rows.flatMap((row): ChainPlace[] => {
    if (row === undefined) return []
    const { clock, seq, voidReason } = row
    return [
      { clock, outcome: voidReason === undefined ? { kind: 'accepted', seq } : { kind: 'void', reason: voidReason } },
    ]
  })
  return { next: chain.next, places }
}
