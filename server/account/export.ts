/**
 * Everything of one user, part by part, in an order that can be read again (SPEC ACCOUNT1): the profile, what their devices keep
 * for nobody else, by key; conversations by id, which is
 * the order in which they were made; in each of them what its member sees of it, then by ascending seq the own messages
 * with all that they said, and the own reactions; then the own pins. Of others only who else is a member.
 */

import type { MessageId } from '../../shared/chat/entry.ts'
import type { StampedMessage } from '../../shared/chat/message.ts'
import { isPrivateConversation } from '../../shared/chat/private-conversation.ts'
import type { Profile } from '../../shared/chat/profile.ts'
import { Fault } from '../../shared/fault.ts'
import { limits } from '../../shared/limits.ts'
import type { ConversationId, UserId } from '../../shared/sync/ids.ts'
import {
  type Conversations,
  type Member,
  type MessageVersion,
  type OwnConversation,
  Refused,
} from '../conversations.ts'
import { type ConversationStore, isDamage } from '../storage/conversation-store.ts'

export type AccountPart =
  /** When anything was chosen. */
  | { readonly kind: 'profile'; readonly profile: Profile & { readonly updatedMs: number } }
  | { readonly kind: 'state'; readonly key: string; readonly value: unknown }
  | { readonly kind: 'conversation'; readonly conversation: OwnConversation; readonly members: readonly Member[] }
  | {
      readonly kind: 'message'
      readonly id: ConversationId
      /** Without its reactions, which are theirs who reacted. */
      readonly message: StampedMessage
      /** Of one that was edited. */
      readonly versions: readonly MessageVersion[] | undefined
    }
  | { readonly kind: 'reaction'; readonly id: ConversationId; readonly of: MessageId; readonly emoji: string }
  | { readonly kind: 'pin'; readonly id: ConversationId; readonly of: MessageId }
  /** What is stored of it is damaged. */
  | { readonly kind: 'unreadable'; readonly id: ConversationId }

export interface ExportSource {
  readonly store: ConversationStore
  readonly conversations: Conversations
}

export async function* exportAccount(source: ExportSource, user: UserId): AsyncGenerator<AccountPart, void> {
  const [profile] = await source.store.profiles([user])
  // One that is damaged says nothing any more.
  if (profile !== undefined && profile !== 'damaged') yield { kind: 'profile', profile }
  const ids = (await source.store.conversationsOf(user)).toSorted()
  for (const id of ids) {
    try {
      if (isPrivateConversation(id)) yield* exportState(source, user)
      else yield* exportConversation(source, user, id)
    } catch (error) {
      if (isDamage(error)) yield { kind: 'unreadable', id }
      // Left or deleted while the rest was read.
      else if (!(error instanceof Fault && isGone(error))) throw error
    }
  }
}

async function* exportState({ conversations }: ExportSource, user: UserId): AsyncGenerator<AccountPart, void> {
  const rows = await conversations.privateState(user)
  const byKey = rows.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  for (const { key, value } of byKey) yield { kind: 'state', key, value }
}

/** Of a conversation: it is not there any more, or not for this user. */
export function isGone({ code }: Fault): boolean {
  return code === 'deleted' || code === 'no-access' || code === 'not-found'
}

async function* exportConversation(
  source: ExportSource,
  user: UserId,
  id: ConversationId,
): AsyncGenerator<AccountPart, void> {
  const { store, conversations } = source
  const others = await conversations.members(user, id)
  // How far they have read is theirs.
  const members = others.map(({ user: member, access }) => ({ user: member, access }))
  // Settings have what others have set.
  const { settings: _settings, ...conversation } = await conversations.own(user, id)
  yield { kind: 'conversation', conversation, members }
  // What an earlier membership left is as what was left for good.
  for (let after = conversation.from - 1; ;) {
    const page = await store.messages(id, { after, limit: limits.messagesPerAccountPage, take: 'oldest' })
    for (const message of page) {
      if (message.user === user) yield await exportMessage(source, user, id, message)
      for (const { emoji, users } of message.reactions ?? []) {
        if (users.includes(user)) yield { kind: 'reaction', id, of: message.id, emoji }
      }
    }
    const last = page.at(-1)
    if (last === undefined) break
    after = last.seq
  }
  for (const of of await ownPins(store, user, id)) yield { kind: 'pin', id, of }
}

async function exportMessage(
  { conversations }: ExportSource,
  user: UserId,
  id: ConversationId,
  stored: StampedMessage,
): Promise<AccountPart> {
  const { reactions: _reactions, ...message } = stored
  const isEdited = message.editedAt !== undefined && message.redactedAt === undefined
  try {
    const versions = isEdited ? await conversations.versions(user, id, message.id) : undefined
    return { kind: 'message', id, message, versions }
  } catch (error) {
    if (!(error instanceof Refused && error.reason === 'redacted')) throw error
    // Taken away since the page was read: then so is this copy of it.
    const { reactions: _gone, ...now } = await conversations.message(user, id, message.id)
    return { kind: 'message', id, message: now, versions: undefined }
  }
}

/** Those that the user has pinned: whose chain the entry stands on. */
async function ownPins(store: ConversationStore, user: UserId, id: ConversationId): Promise<readonly MessageId[]> {
  const pins = (await store.pins(id)).toSorted((a, b) => (a.seq ?? 0) - (b.seq ?? 0))
  if (pins.length === 0) return []
  const own = new Set((await store.chains(id)).flatMap((chain) => (chain.user === user ? [chain.client] : [])))
  const found: MessageId[] = []
  for (const { id: of, seq } of pins) {
    if (seq === null) continue
    for await (const { client } of store.entriesNewestFirst(id, { after: seq - 1, before: seq + 1 })) {
      const owner = own.has(client) ? user : (await store.dropped(id, [client]))[0]?.user
      if (owner === user) found.push(of)
    }
  }
  return found
}
